#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the tests of a meson log truthfully: every cmocka test by itself, any other program as one.

A cmocka program that announces more tests than it reports (it crashed, or ran out of time) has the
rest counted as failed, and a program whose exit status is bad never counts as all passed. What
failed and what was skipped is named on stderr; stdout gets "passed failed skipped", three numbers.

usage: count.py [--no-skips] [--allow NAME=REASON]... testlog.json
With --no-skips a skip is a failure, unless a NAME (a shell pattern: test or test/case) allows it.
"""
import argparse
import fnmatch
import json
import re
import sys

ANNOUNCED = re.compile(r'^\[=+\] (?:.*: )?Running (\d+) test\(s\)', re.M)
# The name may share its line with what the test itself wrote.
PASSED = re.compile(r'\[       OK \] (\S+)')
SKIPPED = re.compile(r'\[  SKIPPED \] (?!\d+ test\(s\))(\S+)')
FAILED = re.compile(r'\[  (?:FAILED ) \] (?!\d+ test\(s\))(\S+)')
MISSING = re.compile(r'^.*missing:.*$', re.M)


def cases_of(test):
    """(name, 'passed' | 'failed' | 'skipped') of every case of one line of the log."""
    name, result = test['name'], test['result']
    output = test.get('stdout', '') + '\n' + test.get('stderr', '')
    announced = sum(int(n) for n in ANNOUNCED.findall(output))
    if result == 'SKIP' or not announced:
        kind = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}.get(result, 'failed')
        return [(name, kind)]
    skipped = list(dict.fromkeys(SKIPPED.findall(output)))
    passed = [case for case in PASSED.findall(output) if case not in skipped]
    cases = [(f'{name}/{case}', 'passed') for case in passed]
    cases += [(f'{name}/{case}', 'skipped') for case in skipped]
    failed = list(dict.fromkeys(FAILED.findall(output)))
    cases += [(f'{name}/{case}', 'failed') for case in failed]
    if announced > len(cases):
        cases += [(f'{name}/(not reported)', 'failed')] * (announced - len(cases))
    if result != 'OK' and not any(kind == 'failed' for _, kind in cases):
        cases.append((f'{name}/(exit status, {result})', 'failed'))
    return cases


def allowed(case, permits):
    return any(fnmatch.fnmatch(case, permit.split('=', 1)[0]) for permit in permits)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--no-skips', action='store_true')
    parser.add_argument('--allow', action='append', default=[])
    parser.add_argument('log')
    options = parser.parse_args()
    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    with open(options.log, encoding='utf-8', errors='replace') as log:
        tests = [json.loads(line) for line in log if line.strip()]
    for test in tests:
        reasons = MISSING.findall(test.get('stdout', '') + '\n' + test.get('stderr', ''))
        for case, kind in cases_of(test):
            if kind == 'skipped':
                print(f'skipped: {case}', *reasons, sep='\n  ', file=sys.stderr)
                if options.no_skips and not allowed(case, options.allow):
                    print('  not permitted here, so a failure', file=sys.stderr)
                    kind = 'failed'
            elif kind == 'failed':
                print(f'failed: {case}', file=sys.stderr)
            count[kind] += 1
    if not tests:
        print('failed: no test ran', file=sys.stderr)
        count['failed'] = 1
    print(count['passed'], count['failed'], count['skipped'])


main()

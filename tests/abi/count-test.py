#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count.py on logs written here: what is counted, and that nothing bad counts as good.

usage: count-test.py COUNT
"""
import json
import os
import subprocess
import sys
import tempfile

ALL_WELL = '[==========] Running 2 test(s).\n[       OK ] a\n[       OK ] b\n'
ONE_SKIP = ('[==========] group: Running 2 test(s).\n[       OK ] a\nmissing: pages\n'
            '[  SKIPPED ] b\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] b\n')
ONE_FAIL = ('[==========] Running 2 test(s).\n[       OK ] a\n[  FAILED  ] b\n'
            '[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n')
CRASH = '[==========] Running 3 test(s).\n[       OK ] a\n[ RUN      ] b\n'


def log(name, result, output=''):
    return {'name': name, 'result': result, 'stdout': output, 'stderr': ''}


# (what, lines of the log, options, counts)
CASES = [
    ('programs', [log('x', 'OK'), log('y', 'FAIL'), log('z', 'SKIP')], [], '1 1 1'),
    ('a timeout fails', [log('x', 'TIMEOUT')], [], '0 1 0'),
    ('cmocka', [log('x', 'OK', ALL_WELL)], [], '2 0 0'),
    ('a skip within', [log('x', 'OK', ONE_SKIP)], [], '1 0 1'),
    ('a failure within', [log('x', 'FAIL', ONE_FAIL)], [], '1 1 0'),
    ('a crash fails the rest', [log('x', 'FAIL', CRASH)], [], '1 2 0'),
    ('a bad end fails', [log('x', 'ERROR', ALL_WELL)], [], '2 1 0'),
    ('no skips', [log('x', 'OK', ONE_SKIP), log('y', 'SKIP')], ['--no-skips'], '1 2 0'),
    ('but this one', [log('x', 'OK', ONE_SKIP)], ['--no-skips', '--allow=x/b=why'], '1 0 1'),
    ('nothing ran', [], [], '0 1 0'),
]


def count(lines, options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'log.json')
        with open(path, 'w', encoding='utf-8') as file:
            file.writelines(json.dumps(line) + '\n' for line in lines)
        done = subprocess.run([sys.executable, sys.argv[1], *options, path], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.strip()


wrong = 0
for what, lines, options, expected in CASES:
    got = count(lines, options)
    if got != expected:
        print(f'{what}: counted {got}, not {expected}')
        wrong += 1
sys.exit(1 if wrong else 0)

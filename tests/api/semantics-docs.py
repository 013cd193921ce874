#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/semantics.md and the tests of the Win32 semantics name each other, completely.

Every row names tests that exist and begin with its number, or says "none: " and why; every row
that is promised is there; every test is defined, runs, and stands in its row.

usage: semantics-docs.py DOCUMENT SOURCE...
"""
import re
import sys

# Rows that have to be there, by the letter of their section.
LAST = {'C': 16, 'A': 37, 'T': 9, 'F': 20, 'P': 18, 'Q': 19, 'Z': 6, 'L': 6, 'H': 10}
ROW = re.compile(r'^\| ([A-Z])(\d+) \|(.*)\|(.*)\|(.*)\|$', re.M)
TEST = re.compile(r'`(\w+)`')
DEFINED = re.compile(r'^static void (\w+)\(void \*\*state\)', re.M)
RUN = re.compile(r'\bFACE_TEST\((\w+)\)')


def rows_of(document):
    """(row, what hostmem does, tests)"""
    for letter, number, _, does, tests in ROW.findall(document):
        yield letter + number, does.strip(), tests.strip()


def check_rows(rows):
    wanted = {f'{letter}{n}' for letter, last in LAST.items() for n in range(1, last + 1)}
    found = [row for row, _, _ in rows]
    for row in sorted(wanted - set(found)):
        yield f'row {row} is missing'
    for row in sorted({row for row in found if found.count(row) > 1 or row not in wanted}):
        yield f'row {row} is there twice, or not wanted'
    for row, does, tests in rows:
        names = TEST.findall(tests)
        if not names and not (tests == '-' and does.startswith('none: ')):
            yield f'row {row} names no test, and does not say why'
        for name in names:
            if not name.startswith(row.lower() + '_'):
                yield f'row {row} names {name}, whose number is another'


def check_tests(named, defined, run):
    for name in sorted(named - run):
        yield f'{name} is named in the document, but no test of that name runs'
    for name in sorted(run - named):
        yield f'{name} runs, but the document does not name it'
    for name in sorted(defined ^ run):
        yield f'{name} is defined or run, but not both'


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def main(document, *sources):
    rows = list(rows_of(read(document)))
    text = '\n'.join(read(source) for source in sources)
    named = {name for _, _, tests in rows for name in TEST.findall(tests)}
    defined, run = set(DEFINED.findall(text)), set(RUN.findall(text))
    problems = list(check_rows(rows)) + list(check_tests(named, defined, run))
    for problem in problems:
        print(problem)
    print(f'{len(rows)} rows, {len(run)} tests, {len(problems)} problems')
    return 1 if problems or not run else 0


sys.exit(main(*sys.argv[1:]))

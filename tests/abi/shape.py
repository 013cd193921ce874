#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shape of the sources: first lines, sizes, white space, words that must not stay.

usage: shape.py ROOT
"""
import os
import re
import statistics
import sys

FOLDERS = ('lib', 'numa', 'hugepage', 'tools', 'tests', 'bench')
LIBRARY = ('lib/', 'numa/', 'hugepage/')
MAX_FILE, MAX_FUNCTION, MAX_MEDIAN = 350, 60, 8  # lines
SPDX = '/* SPDX-License-Identifier: MIT */'
WORDS = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|TB' r'D|WI' r'P)\b')
LIBRARY_WORDS = re.compile(r'\b(stub|placeholder|not implemented|unimplemented|hack)\b', re.I)
TEXT = ('.c', '.h', '.map', '.py', '.sh', '.md', '.7', '.1', 'meson.build', 'meson_options.txt')


def functions(lines):
    """(name, first line, lines of the body); clang-format puts the braces into the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            head = ' '.join(lines[max(0, start - 6):start - 1])
            names = re.findall(r'(\w+)\s*\((?=[^()]*(?:\([^()]*\)[^()]*)*\)[^()]*$)', head)
            yield (names[-1] if names else '?'), start, number - start - 1
            start = None


def first_lines(lines):
    if not lines or lines[0] != SPDX:
        yield 1, 'does not begin with the SPDX line'
    elif len(lines) < 2 or not re.match(r'/\*(?! SPDX)', lines[1]):
        yield 2, 'no paragraph after the SPDX line that says what the file is'


def white_space(text):
    for number, line in enumerate(text.split('\n'), 1):
        if line != line.rstrip():
            yield number, 'white space at the end of the line'
        if '\t' in line:
            yield number, 'a tab'
    if text and not text.endswith('\n') or text.endswith('\n\n'):
        yield text.count('\n'), 'does not end with exactly one newline'


def words(path, lines):
    for number, line in enumerate(lines, 1):
        match = WORDS.search(line) or path.startswith(LIBRARY) and LIBRARY_WORDS.search(line)
        if match:
            yield number, f'the word {match.group(0)}'


def sizes(path, lines, lengths):
    if path.startswith(LIBRARY) and len(lines) > MAX_FILE:
        yield len(lines), f'more than {MAX_FILE} lines'
    for name, start, length in functions(lines):
        if path.startswith(LIBRARY):
            lengths.append(length)
        if length > MAX_FUNCTION:
            yield start, f'{name}() has {length} lines, more than {MAX_FUNCTION}'


def problems(path, text, lengths):
    lines = text.splitlines()
    yield from white_space(text)
    yield from words(path, lines)
    if path.endswith(('.c', '.h')):
        yield from first_lines(lines)
        yield from sizes(path, lines, lengths)


def sources(root):
    """Our own text: the folders of code, docs/, and what lies at the top. Recorded data is not."""
    top = [n for n in os.listdir(root) if n == 'dev' or n.endswith(TEXT)]
    yield from sorted(n for n in top if os.path.isfile(os.path.join(root, n)))
    for folder in FOLDERS + ('docs', '.ci'):
        for path, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(f for f in folders if f not in ('data', '__pycache__'))
            for name in sorted(names):
                if name.endswith(TEXT) or folder == '.ci':
                    yield os.path.relpath(os.path.join(path, name), root)


def main(root):
    bad, seen, lengths = 0, 0, []
    for path in sources(root):
        seen += 1
        with open(os.path.join(root, path), encoding='utf-8') as file:
            text = file.read()
        for number, problem in problems(path, text, lengths):
            print(f'{path}:{number}: {problem}')
            bad += 1
    median = statistics.median(lengths) if lengths else 0
    print(f'{seen} files, {len(lengths)} functions, median {median:g} lines, '
          f'longest {max(lengths, default=0)}, {bad} problems')
    if median > MAX_MEDIAN:
        print(f'the median function is longer than {MAX_MEDIAN} lines')
    return 1 if bad or not seen or median > MAX_MEDIAN else 0


sys.exit(main(sys.argv[1]))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The runner of the guest tests believes a guest only on evidence: made-up guests that panicked, hung,
ran nothing or lied by omission are all failures, and the one that did everything right is not.
"""
import contextlib
import io
import sys

sys.dont_write_bytecode = True
import guest
import machine

SHAPE = machine.read_machines()['2x1']
GOOD = ['guest: begin a\n', '[==========] Running 2 test(s).\n', 'guest: end a 0 after 1 s\n',
        'guest: done, 1 ran\n']
LEFT = 1  # the emulator's status when /guest/leave 0 ended it


def problems(output, status=LEFT, expired=False, messages='', names=('a',)):
    made_up = guest.Guest(SHAPE, 'nowhere', None)
    made_up.output, made_up.status = list(output), status
    made_up.expired, made_up.messages = expired, messages
    with contextlib.redirect_stdout(io.StringIO()):
        return list(guest.verdicts(SHAPE, made_up, list(names)))


def without(text):
    return [line for line in GOOD if text not in line]


def changed(old, new):
    return [line.replace(old, new) for line in GOOD]


BAD = {
    'panicked': dict(output=GOOD, status=0),
    'panicked in a test': dict(output=GOOD[:2], status=0),
    'hung': dict(output=GOOD[:2], status=-9, expired=True),
    'never booted': dict(output=[], status=-9, expired=True),
    'did not reach the end of /init': dict(output=without('done')),
    'ran fewer programs than asked': dict(output=GOOD, names=('a', 'b')),
    'ran no test': dict(output=without('Running')),
    'ran none of its tests': dict(output=changed('Running 2', 'Running 0')),
    'failed': dict(output=changed('end a 0', 'end a 1')),
    'was killed': dict(output=changed('end a 0', 'end a 137')),
    'skipped': dict(output=changed('end a 0', 'end a 77')),
    'did not end': dict(output=without('end a')),
    'has too few huge pages': dict(output=['guest: node 1 has 3 huge pages instead of 48\n'] + GOOD),
    'upset the kernel': dict(output=GOOD, messages='[ 1.0] WARNING: CPU: 0 PID: 1 at mm/x.c:1\n'),
    'gave no topology': dict(output=changed(' a', ' topology'), names=('topology',)),
}

wrong = [what for what, made_up in BAD.items() if not problems(**made_up)]
if problems(GOOD):
    wrong.append(f'all was well: {problems(GOOD)}')
for what in wrong:
    print(f'misjudged: a guest that {what}')
print(f'{len(BAD) + 1} guests judged')
sys.exit(1 if wrong else 0)

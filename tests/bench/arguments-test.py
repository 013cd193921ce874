#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostmem bench: wrong usage is one line and status 2, a file that cannot be written status 1.

usage: arguments-test.py HOSTMEM-BENCH
"""
import os
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.abspath(sys.argv.pop(1))

WRONG = (
    [], ['no-such-command'], ['churn', 'commit'], ['--no-such-option'], ['churn', '--json'],
    ['churn', '--rounds', '0'], ['churn', '--rounds', 'x'], ['churn', '--rounds', '-1'],
    ['churn', '--rounds', '1001'], ['churn', '--sides', 'nobody'], ['churn', '--sides', ''],
    ['churn', '--quick=1'], ['churn', '--html', '-'],
)
COMMANDS = 'churn commit tail scale query calls chase stream peers all'.split()


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


class Arguments(unittest.TestCase):
    def test_wrong_usage(self):
        for arguments in WRONG:
            with self.subTest(arguments=arguments):
                result = run(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertEqual(result.stdout, '')
                self.assertEqual(result.stderr.count('\n'), 1, result.stderr)
                self.assertTrue(result.stderr.startswith('hostmem bench: '), result.stderr)

    def test_help(self):
        result = run('--help')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        for command in COMMANDS:
            self.assertIn(f'  {command} ', result.stdout)
        for option in ('--json', '--html', '--quick', '--progress', '--rounds', '--sides'):
            self.assertIn(option, result.stdout)

    def test_a_file_that_cannot_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            for option in ('--json', '--html'):
                result = run('query', '--quick', option, os.path.join(folder, 'none', 'file'))
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn('cannot write', result.stderr)


unittest.main(verbosity=1)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Wrong command lines of `hostmem watch` and `hostmem pressure`: the exit status, nothing on
stdout, and one line on stderr that names what is wrong. And right ones in all their spellings.

usage: options-test.py HOSTMEM
"""
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import watching

# the command line: what the line names
WRONG = {
    'watch now': "'now'",
    'watch --fast': "'--fast'",
    'watch --for': '--for needs a value',
    'watch --every': '--every needs a value',
    'watch --for x': "--for 'x'",
    'watch --for -1': "--for '-1'",
    'watch --for .': "--for '.'",
    'watch --for 1.': "--for '1.'",
    'watch --for 1,5': "--for '1,5'",
    'watch --for 1.5s': "--for '1.5s'",
    'watch --for=': "--for ''",
    'watch --for 1000000000.1': "--for '1000000000.1'",
    'watch --for 99999999999999999999': '--for ',
    'watch --every 9': "from 10 to 3600000",
    'watch --every 3600001': "--every '3600001'",
    'watch --every 1.5': "--every '1.5'",
    'watch --every 18446744073709551626': '--every ',
    'watch --every +50': "--every '+50'",
    'watch --every 0x20': "--every '0x20'",
    'pressure': '--mb is needed',
    'pressure --for 1': '--mb is needed',
    'pressure 64': "'64'",
    'pressure --mb': '--mb needs a value',
    'pressure --mb 0': "--mb '0'",
    'pressure --mb -5': "--mb '-5'",
    'pressure --mb many': "--mb 'many'",
    'pressure --mb 64M': "--mb '64M'",
    'pressure --mb 1.5': "--mb '1.5'",
    'pressure --mb 1073741825': '--mb ',
    'pressure --mb 18446744073709551617': '--mb ',
    'pressure --mb 64 --node': '--node needs a value',
    'pressure --mb 64 --node first': "--node 'first'",
    'pressure --mb 64 --node -1': "--node '-1'",
    'pressure --mb 64 --node 1024': "--node '1024'",
    'pressure --mb 64 --node 1 --for 0.1': 'no node 1',
    'pressure --mb 64 --for ever': "--for 'ever'",
    'pressure --mb 64 --json': "'--json'",
}
RIGHT = ['watch --for 0', 'watch --for=0.01', 'watch --for .02', 'watch --for 0.0000000001',
         'watch --every 10 --for 0', 'watch --every=3600000 --for 5 --for 0', 'watch --help',
         'watch --for --help', 'pressure --help', 'pressure --mb 1 --for 0']


class Options(watching.Case):
    def run_it(self, arguments):
        return subprocess.run([self.hostmem, *arguments], env=self.machine.environment(),
                              check=False, capture_output=True, text=True,
                              timeout=watching.PATIENCE)

    def test_wrong(self):
        for line, named in WRONG.items():
            with self.subTest(line):
                done = self.run_it(line.split())
                self.assertEqual((done.returncode, done.stdout), (2, ''))
                self.assertIn(named, done.stderr)
                self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
                self.assertTrue(done.stderr.startswith(f'hostmem {line.split()[0]}: '))

    def test_a_value_cannot_break_the_line(self):
        done = self.run_it(['watch', '--for', 'a\nb\x1b[1mc' + 'd' * 500])
        self.assertEqual((done.returncode, done.stderr.count('\n')), (2, 1))
        self.assertLess(len(done.stderr), 200)
        self.assertNotIn('\x1b', done.stderr)

    def test_right(self):
        for line in RIGHT:
            with self.subTest(line):
                done = self.run_it(line.split())
                self.assertEqual((done.returncode, done.stderr), (0, ''))

    def test_help_names_every_option(self):
        for command, names in {'watch': ['--every', '--for'],
                               'pressure': ['--mb', '--node', '--for', 'HOSTMEM_SPILL']}.items():
            text = self.run_it([command, '--help']).stdout
            for name in names + ['Exit status']:
                self.assertIn(name, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def test_the_library_refuses(self):
        for command in (['watch'], ['pressure', '--mb', '1']):
            done = subprocess.run([self.hostmem, *command], env=watching.environment(
                HOSTMEM_SAMPLE_MS='1'), check=False, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (1, ''))
            self.assertIn('HOSTMEM_SAMPLE_MS', done.stderr)
            self.assertEqual(done.stderr.count('\n'), 1, done.stderr)


watching.Case.hostmem = sys.argv.pop(1)
unittest.main()

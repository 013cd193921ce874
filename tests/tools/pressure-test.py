#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hostmem pressure` on this machine, in a pool of its own: what is had and from where, Low and its
end, what falls short, and signals at every stage.

usage: pressure-test.py HOSTMEM
"""
import json
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import watching

TIME = r'^T\+\d+\.\d{3} '


def calm(hostmem):
    """Whether nothing but the pool will be short."""
    done = subprocess.run([hostmem, 'watch', '--for', '0'], env=watching.environment(), check=True,
                          capture_output=True, text=True, timeout=watching.PATIENCE)
    return all(int(percent) < 80 for percent in re.findall(r' load (\d+)%', done.stdout))


class Pressure(watching.Case):
    def press(self, *arguments, **variables):
        variables = {'HOSTMEM_BACKING': 'base', 'HOSTMEM_HOLD_MS': '0', **variables}
        return self.start('pressure', *arguments, env=watching.environment(**variables))

    def node(self):
        """The first one of this machine with memory."""
        done = subprocess.run([self.hostmem, 'topology', '--json'], env=watching.environment(),
                              check=True, capture_output=True)
        return next(n['id'] for n in json.loads(done.stdout)['nodes'] if n['memory_bytes'])

    def test_low_and_relief(self):
        node = self.node()
        process = self.press('--mb', '64', '--node', str(node), HOSTMEM_POOL='70M')
        lines = watching.Reader(process.stdout.fileno())
        at = lines.wait(f'{TIME}node {node} load \\d+% memory').end()
        at = lines.wait(f'{TIME}got 64 MiB from node {node}, base, pages of 4 KiB$', at).end()
        lines.wait(f'{TIME}node {node} load 92% pool 6 MiB available$', at)
        lines.wait(f'{TIME}node {node} low 9\\d% pool [\\d.]+ MiB available, announcement \\d+$')
        lines.wait(f'{TIME}holding 64 MiB$')
        process.terminate()
        text = lines.rest()
        self.expect(process, 0)
        self.assertRegex(text, re.compile(
            f'gave back 64 MiB$(?s:.*){TIME}node {node} (high|neutral) \\d+% memory(?s:.*)'
            f'{TIME}node {node} load \\d+% memory', re.M))
        self.assertNotIn('still low', text)

    def test_time(self):
        process = self.press('--mb', '8', '--for', '0.05')
        text = watching.Reader(process.stdout.fileno()).rest()
        self.expect(process, 0)
        self.assertRegex(text, 'got 8 MiB from node')
        self.assertRegex(text, 'gave back 8 MiB')

    def test_second_signal(self):
        """The first one ends the holding, and the second the wait for relief."""
        process = self.press('--mb', '64', HOSTMEM_POOL='70M', HOSTMEM_HOLD_MS='3600000',
                             HOSTMEM_HIGH_ENTER='0')
        lines = watching.Reader(process.stdout.fileno())
        lines.wait(f'{TIME}node \\d+ low 9\\d% pool')
        lines.wait(f'{TIME}holding 64 MiB$')
        process.terminate()
        lines.wait(f'{TIME}gave back 64 MiB$')
        process.terminate()
        self.expect(process, 0)

    def test_less_than_asked(self):
        process = self.press('--mb', '64', '--for', '0.05', HOSTMEM_POOL='32M')
        text = watching.Reader(process.stdout.fileno()).rest()
        errors = self.expect(process, 1, error_lines=1)
        got = re.search(r'only ([\d.]+) MiB of 64 MiB from node \d+: .*pool', errors)
        self.assertTrue(got, errors)
        self.assertTrue(24 <= float(got[1]) <= 32, errors)
        self.assertIn(f'holding {got[1]} MiB\n', text)
        self.assertIn(f'gave back {got[1]} MiB\n', text)

    def test_nothing(self):
        process = self.press('--mb', '64', HOSTMEM_POOL='0')
        text = watching.Reader(process.stdout.fileno()).rest()
        self.assertIn('only 0 B of 64 MiB', self.expect(process, 1, error_lines=1))
        self.assertNotIn('holding', text)

    def test_reader_goes(self):
        process = self.press('--mb', '8')
        watching.Reader(process.stdout.fileno()).wait('holding')
        process.stdout.close()
        process.stdout = None
        self.assertIn('Broken pipe', self.expect(process, 1, error_lines=1))

    def test_no_room(self):
        with open('/dev/full', 'wb') as full:
            process = self.start('pressure', '--mb', '8', stdout=full)
        self.assertIn('No space left', self.expect(process, 1, error_lines=1))

    def test_spill_is_off_unless_it_is_set(self):
        for variables, value in (({}, '0'), ({'HOSTMEM_SPILL': '1'}, '1')):
            process = self.start('pressure', '--mb', '1', '--for', '0', env=watching.environment(
                HOSTMEM_VERBOSE='1', HOSTMEM_BACKING='base', **variables))
            self.assertEqual(process.wait(watching.PATIENCE), 0)
            self.assertIn(f'HOSTMEM_SPILL={value} ', process.stderr.read().decode())


watching.Case.hostmem = sys.argv.pop(1)
if not calm(watching.Case.hostmem):
    print('missing: memory; this machine is more than 80% full')
    sys.exit(77)
unittest.main()

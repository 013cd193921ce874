#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/bars: what is reached is told from what is not and from what was not measured.

usage: bars-test.py BARS
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

BARS = sys.argv.pop(1)

# (work, column): medians of hostmem and of one other, with which every bar is just reached.
REACHED = {
    ('A1-clean', '64K'): (0.1, 'mmap', 5), ('A1-clean', '2M'): (0.1, 'mmap', 5),
    ('A1-clean', '256M'): (0.3, 'mmap', 5), ('A2-clean', '2M'): (5, 'tbb', 20),
    ('A2', '2M'): (21, 'floor-memset', 20), ('A2', '16M cold'): (70, 'dpdk', 100),
    ('first-page', '256M'): (0.6, 'jemalloc', 6), ('B-clean', '1 alive'): (8, 'commit-thp', 40),
    ('B-clean', '64 alive'): (8, 'commit-thp', 40), ('B', '64 alive'): (16, 'commit-thp', 40),
    ('threads-64K', '1'): (1, 'mmap', 9), ('threads-64K', '2'): (1.3, 'mmap', 9),
    ('tail', 'clean'): (0.1, 'mmap', 9), ('query', 'VirtualQuery'): (50, 'kernel', 500),
    ('query', 'GetMemoryLoad'): (100, 'kernel', 500), ('footprint', '1T'): (1024, 'none', 1),
}


def entries():
    found = []
    for (work, column), (own, other, value) in REACHED.items():
        for side, median in (('hostmem', own), (other, value)):
            found.append({'work': work, 'column': column, 'side': side, 'median': median,
                          'p999': 10 * median, 'calls': 0, 'faults': 0})
    found.append({'work': 'A2', 'column': '16M cold', 'side': 'hugetlb', 'median': 220})
    return found


class Bars(unittest.TestCase):
    def run_it(self, results, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'run.json')
            with open(path, 'w', encoding='utf-8') as file:
                json.dump({'format': 1, 'results': results}, file)
            return subprocess.run([sys.executable, BARS, path, *options], capture_output=True,
                                  text=True, check=False)

    def test_all_reached(self):
        result = self.run_it(entries())
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertNotIn('\nno', '\n' + result.stdout)

    def test_each_missed_by_a_little(self):
        for number, entry in enumerate(entries()):
            if entry['side'] != 'hostmem' or entry['column'] == '1':
                continue
            results = entries()
            results[number]['median'] *= 1.02
            results[number]['p999'] *= 1.05
            result = self.run_it(results)
            self.assertEqual(result.returncode, 1, entry)
            self.assertEqual(('\n' + result.stdout).count('\nno '), 1, entry)

    def test_a_system_call(self):
        results = entries()
        next(e for e in results if e['work'] == 'A2')['calls'] = 1
        self.assertEqual(self.run_it(results).returncode, 1)

    def test_not_measured(self):
        result = self.run_it([e for e in entries() if e['work'] != 'tail'])
        self.assertEqual(result.returncode, 1)
        self.assertIn('not measured', result.stdout)

    def test_markdown(self):
        lines = self.run_it(entries(), '--markdown').stdout.splitlines()
        self.assertTrue(all(line.startswith('|') and line.endswith('|') for line in lines))

    def test_wrong_input(self):
        for arguments in ((), ('/none',), (os.devnull,), (os.devnull, '--what')):
            result = subprocess.run([sys.executable, BARS, *arguments], capture_output=True,
                                    text=True, check=False)
            self.assertEqual(result.returncode, 2)
            self.assertEqual(result.stderr.count('\n'), 1, result.stderr)


unittest.main(verbosity=1)

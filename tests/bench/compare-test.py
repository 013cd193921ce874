#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/compare: noise is not flagged, what is slower is, and what is no result is refused.

usage: compare-test.py COMPARE
"""
import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest

COMPARE = sys.argv.pop(1)

RUN = {
    'format': 1, 'hostmem': '0.1.0', 'command': 'churn', 'quick': False,
    'machine': {'cpu': 'a CPU', 'kernel': 'Linux 6.1', 'cpus': 2, 'thp': '[madvise]',
                'governor': 'none'},
    'results': [
        {'work': 'A1', 'column': '2M', 'side': 'hostmem', 'unit': 'us', 'better': 'less',
         'samples': 100, 'min': 9.0, 'median': 10.0, 'p99': 20.0, 'p999': 30.0, 'max': 40.0,
         'calls': 0, 'faults': 0, 'backing': 'hugetlb'},
        {'work': 'read', 'column': 'node 0', 'side': 'node 0', 'unit': 'GB/s', 'better': 'more',
         'samples': 30, 'min': 80.0, 'median': 95.0, 'p99': 99.0, 'p999': 100.0, 'max': 100.0,
         'backing': 'hugetlb'},
        {'work': 'A1', 'column': '2M', 'side': 'dpdk', 'unit': 'us', 'better': 'less',
         'missing': 'not installed (librte_eal.so.23)'},
    ],
}


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.new = copy.deepcopy(RUN)

    def file(self, name, data):
        path = os.path.join(self.folder.name, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(data if isinstance(data, str) else json.dumps(data))
        return path

    def run_it(self, *paths):
        return subprocess.run([sys.executable, COMPARE, *paths], capture_output=True, text=True,
                              check=False)

    def compare(self, status):
        result = self.run_it(self.file('old', RUN), self.file('new', self.new))
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout

    def test_same_file(self):
        text = self.compare(0)
        self.assertNotIn('SLOWER', text)
        self.assertNotIn('faster', text)
        self.assertIn('3 compared, 0 worse', text)

    def test_within_spread(self):
        self.new['results'][0]['median'] = 11.5
        self.assertNotIn('SLOWER', self.compare(0))

    def test_twice_as_slow(self):
        for field in ('min', 'median', 'p99', 'p999', 'max'):
            self.new['results'][0][field] *= 2
        text = self.compare(1)
        self.assertRegex(text, r'A1 +2M +hostmem .* 2\.000 +SLOWER')
        self.assertIn('1 worse', text)

    def test_twice_as_fast(self):
        for field in ('min', 'median'):
            self.new['results'][0][field] /= 2
        self.assertIn('faster', self.compare(0))

    def test_half_the_bandwidth(self):
        for field in ('min', 'median', 'p99', 'p999', 'max'):
            self.new['results'][1][field] /= 2
        self.assertRegex(self.compare(1), r'read .* SLOWER')

    def test_a_system_call_more(self):
        self.new['results'][0]['calls'] = 1
        self.assertIn('MORE calls: 0 -> 1', self.compare(1))

    def test_missing_now(self):
        self.new['results'][0] = {**RUN['results'][2], 'side': 'hostmem'}
        self.assertIn('MISSING now', self.compare(1))

    def test_entries_of_one_run_alone(self):
        self.new['results'][0]['column'] = '4M'
        self.assertIn('1 only in the old, 1 only in the new', self.compare(0))

    def test_other_machine(self):
        self.new['machine']['cpu'] = 'another'
        self.assertIn('the machines differ: cpu', self.compare(0))

    def refused(self, *paths):
        result = self.run_it(*paths)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertEqual(len(result.stderr.strip().split('\n')), 1, result.stderr)
        self.assertTrue(result.stderr.startswith('compare: '), result.stderr)

    def test_wrong_input(self):
        good = self.file('good', RUN)
        self.refused()
        self.refused(good)
        self.refused(good, good, good)
        self.refused(good, os.path.join(self.folder.name, 'none'))
        self.refused(good, self.file('a', 'no JSON'))
        self.refused(good, self.file('b', '[]'))
        self.refused(good, self.file('c', {'format': 2, 'results': []}))
        self.refused(good, self.file('d', {'format': 1, 'results': [{'work': 'A1'}]}))
        self.refused(good, self.file('e', {**RUN, 'results': []}))


unittest.main(verbosity=1)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostmem bench on reserved huge pages: its JSON is sound, warm memory takes no system call and no
page fault, its page is well-formed and needs nothing from elsewhere.

usage: output-test.py HOSTMEM-BENCH
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

BENCH = os.path.abspath(sys.argv.pop(1))
SVG = '{http://www.w3.org/2000/svg}'
SIDES = 'hostmem,mmap,hugetlb,floor-zero'


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, check=True,
                          stdin=subprocess.DEVNULL)


def results(*arguments):
    return json.loads(run(*arguments, '--quick', '--json', '-').stdout)


class Json(unittest.TestCase):
    def check_figures(self, entry):
        self.assertGreater(entry['samples'], 0)
        figures = [entry[name] for name in ('min', 'median', 'p99', 'p999', 'max')]
        self.assertEqual(figures, sorted(figures))
        self.assertGreaterEqual(entry['min'], 0)

    def test_churn(self):
        data = results('churn', '--sides', SIDES)
        self.assertEqual(data['format'], 1)
        self.assertEqual(data['command'], 'churn')
        self.assertTrue(data['quick'])
        self.assertGreater(data['machine']['cpus'], 0)
        self.assertGreater(len(data['machine']['nodes']), 0)
        self.assertEqual({e['side'] for e in data['results']}, set(SIDES.split(',')))
        self.assertEqual({e['work'] for e in data['results']}, {'A1', 'A1-clean', 'A2', 'A2-clean'})
        for entry in data['results']:
            with self.subTest(entry=entry):
                self.assertNotIn('missing', entry)
                self.check_figures(entry)

    def test_warm_memory_takes_no_call(self):
        data = results('calls', '--sides', 'hostmem,mmap')
        own = [e for e in data['results'] if e['side'] == 'hostmem']
        kernel = [e for e in data['results'] if e['side'] == 'mmap']
        if not all('calls' in e for e in own + kernel):
            self.skipTest('missing: ptrace, which is refused here')
        for entry in own:
            self.assertEqual(entry['backing'], 'hugetlb', entry)
            self.assertEqual((entry['calls'], entry['faults']), (0, 0), entry)
        for entry in kernel:
            self.assertGreaterEqual(entry['calls'], 2, entry)
            self.assertGreaterEqual(entry['faults'], 1, entry)

    def test_query_and_footprint(self):
        data = results('query', '--sides', 'hostmem')
        self.assertEqual({e['work'] for e in data['results']}, {'query', 'footprint'})
        for entry in data['results']:
            if entry['work'] == 'footprint':
                self.assertLessEqual(entry['median'], 1024, 'KiB for a terabyte of address space')

    def test_tail_has_a_histogram(self):
        for entry in results('tail', '--sides', 'hostmem')['results']:
            self.check_figures(entry)
            self.assertEqual(sum(entry['buckets_log2_ns']), entry['samples'])

    def test_memory(self):
        for entry in results('stream')['results']:
            self.check_figures(entry)
            self.assertEqual(entry['better'], 'more')
            self.assertGreaterEqual(entry['memory_node'], 0)

    def test_a_side_that_is_not_there(self):
        data = results('chase', '--sides', 'hugetlb-1g')
        for entry in data['results']:
            self.assertTrue('median' in entry or entry['missing'], entry)


class Page(unittest.TestCase):
    def make(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'page.html')
            run(*arguments, '--quick', '--html', path)
            with open(path, encoding='utf-8') as file:
                return file.read()

    def check_page(self, text):
        root = ElementTree.fromstring(text.split('\n', 1)[1])
        self.assertTrue(text.startswith('<!DOCTYPE html>\n'))
        self.assertEqual(root.tag.split('}')[-1], 'html')
        self.assertGreater(len(list(root.iter(SVG + 'svg'))), 0)
        names = {element.tag.split('}')[-1] for element in root.iter()}
        self.assertFalse(names & {'script', 'link', 'img', 'iframe', 'object', 'use', 'image'})
        addresses = set(re.findall(r'[a-z]+://[^"\s<]*', text))
        self.assertLessEqual(addresses, {'http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xhtml'})
        self.assertNotIn('@import', text)
        self.assertNotIn('url(', text)

    def test_bars(self):
        self.check_page(self.make('churn', '--sides', SIDES))

    def test_histogram(self):
        self.check_page(self.make('tail', '--sides', 'hostmem'))

    def test_matrix(self):
        self.check_page(self.make('stream'))


unittest.main(verbosity=1)

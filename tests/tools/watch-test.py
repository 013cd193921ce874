#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hostmem watch` in lines: what it says at the start, announcements as they come, its end.

usage: watch-test.py HOSTMEM
"""
import os
import re
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import watching

TIME = r'^T\+\d+\.\d{3} '
AMOUNT = r'[\d.]+ (B|[KMGT]iB)'
SOURCES = ['timer', 'allocations', 'psi-cgroup', 'psi-machine', 'memory.events']


def event(who, level, percent):
    return f'{TIME}{who} {level} {percent}% memory {AMOUNT} available, announcement \\d+$'


class Watch(watching.Case):
    def test_start(self):
        process = self.start('watch', '--for', '0.3')
        text = watching.Reader(process.stdout.fileno()).rest()
        self.expect(process, 0)
        for source in SOURCES:
            self.assertRegex(text, re.compile(f'^source {re.escape(source)}: \\S', re.M))
        self.assertIn('source timer: live\n', text)
        for who in ('node 0', 'node 2', 'all nodes'):
            load = f'{TIME}{who} load \\d+% memory {AMOUNT} available$'
            self.assertEqual(len(re.findall(load, text, re.M)), 1)
        self.assertEqual(len(re.findall('^source ', text, re.M)), 7, text)
        self.assertRegex(
            text, r'\A(source .*\n){7}(T.* load .*\n){3}(T.* announcement 1\n){0,3}\Z')

    def test_announcements(self):
        process = self.start('watch')
        lines = watching.Reader(process.stdout.fileno())
        at = lines.wait(event('node 2', 'high', 0)).end()
        self.machine.set_free(2, 1)
        match = lines.wait(event('node 2', 'low', 94), at)
        self.assertIn(' 1 GiB available, announcement 2', match[0])
        self.machine.set_free(2, 16)
        match = lines.wait(event('node 2', 'high', 0), match.end())
        self.assertIn('announcement 3', match[0])
        self.assertIsNone(re.search(f'{TIME}node 0 low', lines.text, re.M))
        self.machine.set_free(0, 0.5)
        self.machine.set_free(2, 0.5)
        lines.wait(event('all nodes', 'low', 97), match.end())
        process.terminate()
        self.expect(process, 0)

    def test_signals_end_it(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                process = self.start('watch')
                watching.Reader(process.stdout.fileno()).wait('load')
                process.send_signal(number)
                self.expect(process, 0)

    def test_an_ignored_signal_does_not(self):
        process = self.start(
            'watch', preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        lines = watching.Reader(process.stdout.fileno())
        lines.wait(event('node 2', 'high', 0))
        process.send_signal(signal.SIGHUP)
        self.machine.set_free(2, 1)
        lines.wait(event('node 2', 'low', 94))
        process.terminate()
        self.expect(process, 0)

    def test_period(self):
        process = self.start('watch', '--every', '10')
        lines, at = watching.Reader(process.stdout.fileno()), 0
        for _ in range(5):
            at = lines.wait(f'{TIME}node 2 load', at).end()
        process.terminate()
        self.expect(process, 0)

    def test_without_watchers(self):
        process = self.start('watch', '--for', '0',
                             env=self.machine.environment(HOSTMEM_WATCH='0'))
        text = watching.Reader(process.stdout.fileno()).rest()
        self.expect(process, 0)
        self.assertIn('source timer: no watcher threads\n', text)
        self.assertRegex(text, f'node 2 load 0% memory {AMOUNT} available')

    def test_reader_goes(self):
        process = self.start('watch')
        watching.Reader(process.stdout.fileno()).wait(event('node 2', 'high', 0))
        process.stdout.close()
        process.stdout = None
        self.assertIn('Broken pipe', self.expect(process, 1, error_lines=1))

    def test_no_room(self):
        with open('/dev/full', 'wb') as full:
            process = self.start('watch', stdout=full)
        self.assertIn('No space left', self.expect(process, 1, error_lines=1))

    def test_closed(self):
        process = self.start('watch', stdout=None, preexec_fn=lambda: os.close(1))
        self.assertIn('Bad file descriptor', self.expect(process, 1, error_lines=1))

    def test_nobody_reads(self):
        """It waits for the reader, and a signal ends that."""
        reader, writer = os.pipe2(os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        try:
            while os.write(writer, b'.' * 4096):
                pass
        except BlockingIOError:
            os.set_blocking(writer, True)
        process = self.start('watch', stdout=writer)
        os.close(writer)
        self.await_signals(process)
        self.assertRaises(subprocess.TimeoutExpired, process.wait, 0.1)
        process.terminate()
        self.expect(process, 0)


watching.Case.hostmem = sys.argv.pop(1)
unittest.main()

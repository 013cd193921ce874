#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hostmem watch` on a terminal: what is drawn, into windows of any size, and that the terminal is
afterwards as it was, however the command ended.

usage: screen-test.py HOSTMEM
"""
import os
import re
import signal
import sys
import termios
import time
import unittest

sys.dont_write_bytecode = True
import watching

ENTER, LEAVE = '\033[?1049h', '\033[?1049l'
NEVER = '3600000'  # ms: the next picture is for another reason

# What a shell does for ^Z: the command in a process group of its own, in the foreground; when that
# stops, a line, and on it goes.
SHELL = '''
import os, signal, sys, termios
before = termios.tcgetattr(0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
status = os.waitpid(pid, os.WUNTRACED)[1]
print('stopped', os.WIFSTOPPED(status), 'restored', termios.tcgetattr(0) == before, flush=True)
os.kill(pid, signal.SIGCONT)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
'''


class Screen(watching.Case):
    def expect_restored(self, terminal, status=0):
        terminal.wait(re.escape(LEAVE) + r'\Z')
        self.expect(terminal.process, status)
        self.assertEqual(terminal.text[:len(ENTER)], ENTER)
        self.assertEqual(terminal.text.count(ENTER), terminal.text.count(LEAVE))
        for switched in ('25', '7'):  # the cursor, wrapping
            self.assertGreater(terminal.text.rindex(f'\033[?{switched}h'),
                               terminal.text.rindex(f'\033[?{switched}l'))
        self.assertEqual(terminal.modes(), terminal.before)

    def test_picture(self):
        terminal = self.terminal('watch', rows=30, columns=100)
        terminal.wait(r'node 2 +high[^\n]* 1  T\+(?s:.*)\033\[H(?s:.*)\033\[H')
        picture = terminal.frames()[-1]
        for pattern in (r'^hostmem watch +T\+[\d.]+ +q ends',
                        r'^all nodes +high +0% +memory +32 GiB +1  T\+',
                        r'^node 0 +high +0% +memory +16 GiB +1  T\+',
                        r'^T\+[\d.]+ node 2 high 0% memory 16 GiB available, announcement 1$',
                        r'^timer +live', r'^psi-cgroup +a recorded machine'):
            self.assertTrue(any(re.search(pattern, line) for line in picture), (pattern, picture))
        terminal.type(b'xyq')
        self.expect_restored(terminal)

    def test_keys_and_modes(self):
        terminal = self.terminal('watch', '--every', NEVER)
        terminal.wait('sources')
        local, controls = terminal.modes()[3], terminal.modes()[0]
        self.assertFalse(local & (termios.ICANON | termios.ECHO) or controls & termios.IXON)
        self.assertTrue(local & termios.ISIG)
        terminal.type(b'\x03')
        self.expect_restored(terminal)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number):
                terminal = self.terminal('watch')
                terminal.wait('sources')
                terminal.process.send_signal(number)
                self.expect_restored(terminal)

    def test_suspended(self):
        terminal = self.terminal('watch', '--every', NEVER, program=[sys.executable, '-c', SHELL])
        terminal.wait('sources')
        terminal.type(b'\x1a')
        at = terminal.wait('stopped True restored True').start()
        self.assertEqual((terminal.text[:at].count(ENTER), terminal.text[:at].count(LEAVE)), (1, 1))
        terminal.wait(re.escape(ENTER) + '(?s:.*)sources', at)
        terminal.type(b'q')
        self.expect_restored(terminal)

    def test_time_is_over(self):
        terminal = self.terminal('watch', '--for', '0.2')
        self.expect_restored(terminal)

    def test_announcement_is_drawn_at_once(self):
        terminal = self.terminal('watch', '--every', NEVER)
        at = terminal.wait(r'node 2 +high +0%').end()
        self.machine.set_free(2, 1)
        at = terminal.wait(r'node 2 +low +94% +memory +1 GiB +2  T\+', at).end()
        self.machine.set_free(2, 16)
        terminal.wait(r'node 2 +high +0% +memory +16 GiB +3  T\+', at)
        terminal.type(b'q')
        self.expect_restored(terminal)

    def test_windows_of_any_size(self):
        for rows, columns in ((1, 1), (2, 10), (5, 200), (12, 40), (60, 20), (2000, 1500)):
            with self.subTest(rows=rows, columns=columns):
                terminal = self.terminal('watch', '--every', '10', rows=rows, columns=columns)
                terminal.wait(r'\033\[H(?s:.*)\033\[H(?s:.*)\033\[H')
                terminal.type(b'q')
                self.expect_restored(terminal)
                for picture in terminal.frames():
                    self.assertLessEqual(len(picture), rows)
                    self.assertLessEqual(max(map(len, picture)), columns)

    def test_window_changes(self):
        terminal = self.terminal('watch', '--every', NEVER, rows=24, columns=80)
        at = terminal.wait('^node 2 +high').end()
        terminal.resize(3, 12)
        at = terminal.wait(r'hostmem watc(?!h)', at).end()
        terminal.resize(40, 120)
        terminal.wait(r'hostmem watch(?s:.*)memory\.events', at)
        terminal.type(b'q')
        self.expect_restored(terminal)

    def test_plain_terminals(self):
        for kind in ('dumb', ''):
            terminal = self.terminal('watch', '--for', '0.1', kind=kind)
            terminal.wait('node 2 load 0% memory')
            self.expect(terminal.process, 0)
            self.assertNotIn('\033', terminal.text)

    def test_terminal_goes(self):
        terminal = self.terminal('watch')
        terminal.wait('sources')
        os.close(terminal.fd)
        terminal.fd = -1
        self.assertIn(terminal.process.wait(watching.PATIENCE), (0, 1))

    def test_terminal_is_stuck(self):
        """Nobody reads what it draws, until the terminal takes no more."""
        terminal = self.terminal('watch', '--every', '10', rows=60, columns=200)
        self.await_signals(terminal.process)
        self.await_stuck(terminal.process)
        terminal.process.terminate()
        self.expect(terminal.process, 0)
        self.assertEqual(terminal.modes(), terminal.before)

    def await_stuck(self, process):
        """Its main thread sleeps in poll(), with two files, and not in ppoll() with four."""
        deadline = time.monotonic() + watching.PATIENCE
        while time.monotonic() < deadline:
            with open(f'/proc/{process.pid}/syscall', encoding='ascii') as file:
                words = file.read().split()
            if len(words) > 3 and words[0] == '7' and int(words[2], 16) == 2:
                return
            time.sleep(0.005)
        self.fail('it can always write')


watching.Case.hostmem = sys.argv.pop(1)
unittest.main()

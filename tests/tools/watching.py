# SPDX-License-Identifier: MIT
"""What the tests of `hostmem watch` and `hostmem pressure` have in common: a recorded machine whose
memory they set, a command whose lines they wait for, and a terminal to run it in.
"""
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest

PATIENCE = 20  # seconds for what happens within a few milliseconds
NODES = (0, 2)
GIB = 1 << 20  # in KiB


def environment(**variables):
    """This process's, without what would configure the library."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(('HOSTMEM_', 'MEMORY_PRESSURE'))}
    return {**kept, **variables}


class Machine:
    """A HOSTMEM_SYSROOT of two nodes with 16 GiB each, all of it free."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix='hostmem-machine-')
        for kind in ('online', 'has_memory'):
            self.put(f'sys/devices/system/node/{kind}', ','.join(map(str, NODES)))
        self.put('sys/devices/system/cpu/online', '0-1')
        for cpu, node in enumerate(NODES):
            self.put(f'sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id', cpu)
            self.put(f'sys/devices/system/node/node{node}/cpulist', cpu)
            self.put(f'sys/devices/system/node/node{node}/distance', '10 20' if cpu == 0 else '20 10')
            self.set_free(node, 16)

    def put(self, name, text):
        """As a whole: a reader sees the old one or the new one."""
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write(f'{text}\n')
        os.replace(path + '.new', path)

    def set_free(self, node, gib):
        self.put(f'sys/devices/system/node/node{node}/meminfo',
                 f'Node {node} MemTotal: {16 * GIB} kB\nNode {node} MemFree: {int(gib * GIB)} kB')

    def environment(self, **variables):
        return environment(HOSTMEM_SYSROOT=self.root, HOSTMEM_SAMPLE_MS='20', HOSTMEM_HOLD_MS='0',
                           HOSTMEM_BACKING='base', **variables)


class Reader:
    """What comes out of a descriptor, as far as anybody has waited for it."""

    def __init__(self, fd):
        self.fd, self.text = fd, ''

    def more(self, deadline):
        """false: it is at its end."""
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f'waited in vain; so far: {self.text!r}')
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # a terminal without a program
            data = b''
        self.text += data.decode('ascii')
        return bool(data)

    def wait(self, pattern, start=0):
        """The match of the pattern at or behind `start`; the end of it is where to go on."""
        deadline = time.monotonic() + PATIENCE
        while True:
            match = re.compile(pattern, re.M).search(self.text, start)
            if match:
                return match
            if not self.more(deadline):
                raise AssertionError(f'{pattern!r} never came: {self.text!r}')

    def rest(self):
        deadline = time.monotonic() + PATIENCE
        while self.more(deadline):
            pass
        return self.text


class Case(unittest.TestCase):
    """Machines and processes that are gone after the test, however it ends."""
    hostmem = None  # the program under test

    def setUp(self):
        self.machine = Machine()
        self.addCleanup(shutil.rmtree, self.machine.root)

    def start(self, *arguments, program=None, **options):
        options.setdefault('env', self.machine.environment())
        options.setdefault('stdin', subprocess.DEVNULL)
        options.setdefault('stdout', subprocess.PIPE)
        process = subprocess.Popen([*(program or []), self.hostmem, *arguments],
                                   stderr=subprocess.PIPE, **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for file in (process.stdout, process.stderr):
            if file:
                file.close()

    def expect(self, process, status, error_lines=0):
        self.assertEqual(process.wait(PATIENCE), status)
        errors = process.stderr.read().decode()
        self.assertEqual(errors.count('\n'), error_lines, errors)
        return errors

    def await_signals(self, process):
        """Until it has blocked SIGTERM, to read it from a descriptor."""
        deadline = time.monotonic() + PATIENCE
        bit = 1 << signal.SIGTERM - 1
        while time.monotonic() < deadline:
            with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
                if int(re.search(r'SigBlk:\s*(\w+)', file.read())[1], 16) & bit:
                    return
            time.sleep(0.005)
        self.fail('it never blocked SIGTERM')

    def terminal(self, *arguments, rows=24, columns=80, kind='xterm', program=None):
        terminal = Terminal(self, rows, columns)
        terminal.start(arguments, self.machine.environment(TERM=kind), program)
        return terminal


class Terminal(Reader):
    """A terminal with the command in its foreground."""

    def __init__(self, case, rows, columns):
        master, self.slave = pty.openpty()
        super().__init__(master)
        self.case, self.process = case, None
        case.addCleanup(self.close)
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)

    def start(self, arguments, variables, program):
        def take_terminal():
            fcntl.ioctl(1, termios.TIOCSCTTY, 0)
        self.process = self.case.start(*arguments, program=program, env=variables,
                                       stdin=self.slave, stdout=self.slave,
                                       start_new_session=True, preexec_fn=take_terminal)

    def close(self):
        for fd in (self.fd, self.slave):
            if fd >= 0:
                os.close(fd)
        self.fd = self.slave = -1

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys)

    def frames(self):
        """The complete pictures so far, as lists of lines without their escape sequences."""
        pictures = self.text.split('\033[H')[1:-1]
        plain = [re.sub(r'\033\[[0-9?;]*[A-Za-z]', '', p) for p in pictures]
        return [re.split(r'\r*\n', p) for p in plain]

    def modes(self):
        return termios.tcgetattr(self.slave)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs programs in an emulated machine of several nodes.

usage: guest.py [--build FOLDER] shell SHAPE
       guest.py [--build FOLDER] run SHAPE PROGRAM [ARGUMENT...]
       guest.py [--build FOLDER] test SHAPE [--limit SECONDS] [--logs FOLDER] NAME=PROGRAM...

`test` boots the shape once and runs all programs in it. It believes nothing but evidence: each
program must say how it ended, cmocka's must have run a test, /init must have said its last line, and
the emulator must end with the odd status of its exit device, which a panic does not produce. What
the guest wrote goes to stdout; when something is wrong, that and the kernel's messages are kept. A
NAME "topology" is the command hostmem, whose answer is held against the shape.
The kernel is FOLDER/guest/vmlinux, from kernel.sh. Exit status 77: something is missing, which is
said.
"""
import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
from archive import Archive
from machine import read_machines

HERE = os.path.dirname(os.path.abspath(__file__))
EMULATOR = 'qemu-system-x86_64'
BUSYBOX = '/bin/busybox'
BOOT_SECONDS = 60  # it takes 3 to 10; now and then an emulated CPU never starts
BOOTS = 3
PROGRAM_SECONDS = 240
SKIP = 77
RUNNING = re.compile(r'Running (\d+) test\(s\)')


def missing(what):
    """In CI nothing may be missing."""
    print(f'missing: {what} (./dev test gets it)')
    sys.exit(1 if os.environ.get('CI') == 'true' else SKIP)


def check_host(build):
    for program, package in ((EMULATOR, 'qemu-system-x86'), (BUSYBOX, 'busybox-static')):
        if not shutil.which(program):
            missing(f'{program}, package {package}')
    if not os.path.exists(f'{build}/guest/vmlinux'):
        missing(f'{build}/guest/vmlinux, from package linux-image-cloud-amd64 by '
                'tests/guest/kernel.sh')


def environment(machine):
    """What the programs see: our own variables, those of the sanitizers, and the shape."""
    ours = {name: value for name, value in os.environ.items()
            if re.match(r'HOSTMEM_|HM_|GUEST_|[AUTL]+SAN_OPTIONS', name)}
    ours['GUEST_SHAPE'] = machine.name
    return ''.join(f'export {name}={shlex.quote(value)}\n' for name, value in ours.items())


def base_archive(build, machine):
    archive = Archive()
    archive.console()
    archive.copy(BUSYBOX, '/bin/busybox')
    archive.copy(os.path.join(HERE, 'init.sh'), '/init')
    archive.copy(f'{build}/tests/guest/guest-leave', '/guest/leave')
    archive.text('/guest/environment', environment(machine))
    archive.text('/guest/huge', machine.reservations())
    return archive


def command_of(archive, words):
    """The command as a line of shell, with variables in front or without; its program, and files
    that it names, are taken along."""
    count = next(i for i, word in enumerate(words) if not re.match(r'[A-Z_]+=', word))
    variables, words = words[:count], words[count:]
    path = shutil.which(words[0]) or words[0]
    words = [os.path.abspath(path), *words[1:]]
    archive.program(words[0])
    for word in words[1:]:
        if os.path.isabs(word) and os.path.isfile(word):
            archive.program(word)
    return ' '.join([*variables, shlex.join(words)])


class Guest:
    """One boot, in a folder of its own that goes afterwards."""

    def __init__(self, machine, build, archive):
        self.machine, self.build, self.archive = machine, build, archive
        self.output, self.messages, self.status, self.expired = [], '', None, False

    def arguments(self, folder, console='stdio'):
        return [EMULATOR, *self.machine.emulator(), '-chardev', f'{console},id=results',
                '-serial', 'chardev:results',
                '-serial', f'file:{folder}/messages', '-kernel', f'{self.build}/guest/vmlinux',
                '-initrd', f'{folder}/initramfs', '-append', self.machine.kernel()]

    def follow(self, process, show, timers):
        """Until the guest says nothing more; the first line ends the limit of the boot."""
        for raw in process.stdout:
            timers[0].cancel()
            line = raw.decode(errors='replace').replace('\r', '')
            self.output.append(line)
            show(line)
        self.status = process.wait()

    def boot(self, folder, limit, show):
        def expire():
            self.expired = True
            process.kill()
        with subprocess.Popen(self.arguments(folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            timers = [threading.Timer(seconds, expire) for seconds in (BOOT_SECONDS, limit)]
            for timer in timers:
                timer.start()
            self.follow(process, show, timers)
            for timer in timers:
                timer.cancel()
        with open(f'{folder}/messages', encoding='utf-8', errors='replace') as file:
            self.messages = file.read()

    def run(self, limit, show):
        """Boots; again if /init was never reached, which says nothing about the tests."""
        with tempfile.TemporaryDirectory(prefix='hostmem-guest-') as folder:
            self.archive.write(f'{folder}/initramfs')
            for number in range(1, BOOTS + 1):
                self.expired = False
                self.boot(folder, limit, show)
                if self.output or not self.expired:
                    break
                print(f'guest {self.machine.name}: boot {number} of {BOOTS} hung before /init')

    def interact(self):
        with tempfile.TemporaryDirectory(prefix='hostmem-guest-') as folder:
            self.archive.write(f'{folder}/initramfs')
            return subprocess.call(self.arguments(folder, 'stdio,signal=off'))

    # -- evidence --

    def sections(self):
        """What each program wrote and its exit status, by name."""
        found, name = {}, None
        for line in self.output:
            begin = re.match(r'guest: begin (\S+)$', line.strip())
            end = re.search(r'guest: end (\S+) (\d+) after \d+ s$', line.strip())
            if begin:
                name = begin.group(1)
                found[name] = (None, [])
            elif end and end.group(1) in found:
                found[end.group(1)] = (int(end.group(2)), found[end.group(1)][1])
                name = None
            elif name:
                found[name][1].append(line)
        return found

    def problems(self, count):
        """What is wrong with the boot as a whole."""
        text = ''.join(self.output)
        if self.expired:
            yield 'the time limit ended it'
        elif self.status is None or self.status % 2 == 0:
            yield f'the emulator ended with status {self.status}: a panic, or it did not start'
        if not re.search(rf'^guest: done, {count} ran$', text, re.M):
            yield f'/init did not say that it ran {count} programs'
        for complaint in re.findall(r'^guest: node .*$', text, re.M):
            yield complaint
        for line in re.findall(r'^.*(?:BUG:|WARNING:|Kernel panic|Oops).*$', self.messages, re.M):
            yield f'the kernel said: {line.strip()}'


def judge_topology(machine, status, lines):
    """The answer of `hostmem topology --json`, in the manner of cmocka so that it counts."""
    try:
        found = list(machine.differences(json.loads(''.join(lines)))) if status == 0 else \
            [f'exit status {status}']
    except (ValueError, KeyError) as error:
        found = [f'not the JSON expected: {error!r}']
    print('[==========] topology: Running 1 test(s).')
    for what in found:
        print(f'topology: {what}')
    print('[  FAILED  ] topology_is_the_shape' if found else '[       OK ] topology_is_the_shape')
    return [f'topology: {what}' for what in found]


def judge(name, status, lines):
    """Problems of one program: it must have run tests and ended well."""
    ran = sum(int(number) for number in RUNNING.findall(''.join(lines)))
    if status is None:
        return [f'{name} did not end']
    if status == SKIP:
        return [f'{name} was skipped; in a guest nothing is missing']
    if status:
        return [f'{name} ended with status {status}']
    return [] if ran else [f'{name} ran no test']


def verdicts(machine, guest, names):
    sections = guest.sections()
    for name in names:
        status, lines = sections.get(name, (None, []))
        yield from judge_topology(machine, status, lines) if name == 'topology' else \
            judge(name, status, lines)
    yield from guest.problems(len(names))


def keep(guest, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f'guest-{guest.machine.name}.log')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(''.join(guest.output) + '\n-- kernel messages --\n' + guest.messages)
    print(f'kept: {path}')


def test(options, machine):
    archive = base_archive(options.build, machine)
    tests, names = '', []
    for word in options.programs:
        name, _, command = word.partition('=')
        names.append(name)
        tests += f'{name} {PROGRAM_SECONDS} {command_of(archive, shlex.split(command))}\n'
    archive.text('/guest/tests', tests)
    guest = Guest(machine, options.build, archive)
    guest.run(options.limit, lambda line: print(line, end='', flush=True))
    found = list(verdicts(machine, guest, names))
    ran = sum(int(number) for number in RUNNING.findall(''.join(guest.output)))
    ran += 'topology' in names
    print(f'guest {machine.name}: {ran} tests ran in {len(names)} programs')
    for problem in found:
        print(f'guest {machine.name}: {problem}')
    if found:
        keep(guest, options.logs)
        return 1
    return 0


def run(options, machine):
    archive = base_archive(options.build, machine)
    command = command_of(archive, options.command)
    archive.text('/guest/tests', f'command {options.limit} {command}\n')
    guest = Guest(machine, options.build, archive)
    guest.run(options.limit, lambda line: line.startswith('guest: ') or
              print(line, end='', flush=True))
    status = guest.sections().get('command', (None,))[0]
    problems = list(guest.problems(1))
    for problem in problems:
        print(f'guest {machine.name}: {problem}', file=sys.stderr)
    if problems:
        print(guest.messages, file=sys.stderr)
    return 1 if problems or status is None else status


def shell(options, machine):
    archive = base_archive(options.build, machine)
    archive.text('/guest/shell', '')
    return 0 if Guest(machine, options.build, archive).interact() == 1 else 1


def parse(machines):
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default='build', help='the build folder')
    commands = parser.add_subparsers(dest='action', required=True)
    for action in (test, run, shell):
        one = commands.add_parser(action.__name__)
        one.set_defaults(action=action)
        one.add_argument('shape', choices=machines)
        one.add_argument('--limit', type=int, default=600, help='seconds for the whole boot')
        if action is test:
            one.add_argument('--logs', default='.', help='where the log of a failure is kept')
            one.add_argument('programs', nargs='+', metavar='NAME=PROGRAM')
        elif action is run:
            one.add_argument('command', nargs=argparse.REMAINDER)
    return parser.parse_args()


def main():
    machines = read_machines()
    options = parse(machines)
    check_host(options.build)
    return options.action(options, machines[options.shape])


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""An initramfs in memory: the kernel's "newc" format, written without privilege.

Programs lie at their own paths, as do the libraries that ldd lists for them, so that whatever a
program expects beside itself is there.
"""
import os
import re
import stat
import subprocess

ALIGNMENT = 4


def padded(data):
    return data + b'\0' * (-len(data) % ALIGNMENT)


def libraries(program):
    """Paths of what the program loads; none for a script or a static program."""
    listed = subprocess.run(['ldd', program], capture_output=True, text=True, check=False)
    if 'not found' in listed.stdout:
        raise FileNotFoundError(f'{program}: {listed.stdout}')
    return re.findall(r'(/\S+) \(0x', listed.stdout) if listed.returncode == 0 else []


# What the library opens at run time, where the machine has it: ldd does not tell.
OPENED = ('libtbbmalloc.so.2',)


def opened():
    cache = subprocess.run(['/sbin/ldconfig', '-p'], capture_output=True, text=True, check=False)
    for name in OPENED:
        found = re.search(rf'^\s*{re.escape(name)} \(libc6,x86-64\) => (/\S+)$', cache.stdout, re.M)
        if found:
            yield found[1]


class Archive:
    def __init__(self):
        self.parts, self.names = [], set()

    def entry(self, name, mode, data=b'', device=(0, 0)):
        raw = name.encode() + b'\0'
        fields = (len(self.names) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(raw), 0)
        header = b'070701' + b''.join(b'%08X' % field for field in fields)
        self.parts.append(padded(header + raw) + padded(data))
        self.names.add(name)

    def folder(self, name):
        if name and name not in self.names:
            self.folder(os.path.dirname(name))
            self.entry(name, stat.S_IFDIR | 0o755)

    def text(self, path, content, mode=0o644):
        name = path.lstrip('/')
        self.folder(os.path.dirname(name))
        self.entry(name, stat.S_IFREG | mode, content if isinstance(content, bytes) else
                   content.encode())

    def copy(self, source, path=None):
        if (path or source).lstrip('/') not in self.names:
            with open(source, 'rb') as file:
                self.text(path or source, file.read(), 0o755)

    def program(self, path):
        self.copy(path)
        for library in (*libraries(path), *opened()):
            self.copy(library)

    def console(self):
        self.folder('dev')
        self.entry('dev/console', stat.S_IFCHR | 0o600, device=(5, 1))

    def write(self, path):
        self.entry('TRAILER!!!', 0)
        with open(path, 'wb') as file:
            file.write(b''.join(self.parts))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The arrows between the layers: what each may include, and which system calls it may make.

usage: layers.py ROOT
"""
import os
import re
import sys

RANGES = ('mmap mmap64 munmap mprotect pkey_mprotect madvise process_madvise mremap mincore mlock '
          'mlock2 munlock mlockall msync mbind move_pages migrate_pages userfaultfd '
          'set_mempolicy_home_node').split()
POLICY = ['set_mempolicy', 'get_mempolicy']  # of the thread, and the nodes allowed: numa/ asks
FILES = ('open openat open64 creat fopen fopen64 fdopen freopen opendir read pread readv write '
         'pwrite writev lseek close fclose stat fstat lstat fstatat access faccessat readlink '
         'unlink unlinkat mkdir rename ftruncate fallocate memfd_create ioctl fcntl poll ppoll '
         'select epoll_create epoll_create1 epoll_ctl epoll_wait eventfd timerfd_create socket '
         'pipe pipe2 sendfile flock').split()
PROCESS = ('fork vfork execv execve execvp system popen kill raise signal sigaction sigprocmask '
           'prctl setrlimit getrlimit exit _exit sysconf getpagesize').split()
OUTPUT = 'printf fprintf vprintf vfprintf dprintf vdprintf puts fputs putchar fputc perror'.split()
INCLUDES = ('sys/mman.h sys/ioctl.h sys/stat.h sys/uio.h sys/prctl.h sys/resource.h fcntl.h '
            'numa.h numaif.h hugetlbfs.h linux/userfaultfd.h linux/mman.h').split()
WIN32 = re.compile(r'\b(DWORD|BOOL|BYTE|WORD|ULONG|LONG|HRESULT|SIZE_T|LPVOID|LPCVOID|PVOID|PDWORD|'
                   r'REFIID|WINAPI|STDMETHODCALLTYPE|MEMORY_BASIC_INFORMATION|'
                   r'MEM_(?:COMMIT|RESERVE|DECOMMIT|RELEASE|FREE|PRIVATE|MAPPED|IMAGE|RESET|'
                   r'RESET_UNDO|TOP_DOWN|LARGE_PAGES|PHYSICAL|WRITE_WATCH)|'
                   r'PAGE_(?:NOACCESS|READONLY|READWRITE|WRITECOPY|EXECUTE\w*|GUARD|NOCACHE|'
                   r'WRITECOMBINE)|S_OK|S_FALSE|E_[A-Z]{4,}|HOST_E_\w+)\b')
# Where a rule does not hold, and why.
WIN32_HOME = {'lib/include/hostmem/mscoree.h', 'lib/include/hostmem/wintypes.h', 'lib/host.c',
              'lib/host_malloc.c', 'lib/host_malloc.h', 'lib/words.c', 'lib/words.h'}  # COM face
LOG = 'lib/log.c'  # the one place that writes, when HOSTMEM_VERBOSE asks

LAYERS = {
    'numa': {'include': ('numa/',), 'public': False, 'system': (), 'calls': RANGES + OUTPUT},
    'hugepage': {'include': ('hugepage/',), 'public': False, 'system': (), 'calls': OUTPUT},
    'lib': {'include': ('lib/', 'numa/', 'hugepage/'), 'public': True, 'system': INCLUDES,
            'calls': RANGES + POLICY + FILES + PROCESS + OUTPUT},
}


def code_of(text):
    """The text with comments, strings and characters blanked, line by line as it was."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.S)


def includes(text, rules):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not match:
            continue
        kind, name = match.groups()
        if kind == '"' and (not name.startswith(rules['include']) or 'include/' in name):
            yield number, f'includes "{name}"'
        if kind == '<' and name.startswith('hostmem/') and not rules['public']:
            yield number, f'includes <{name}>, a header of lib/'
        if kind == '<' and name in rules['system']:
            yield number, f'includes <{name}>, a header for system calls'


def calls(code, names):
    """A call by name; members of a table (ops->open(...)) and declarations are something else."""
    wanted = re.compile(r'(?<![\w.>])(' + '|'.join(names) + r')\s*\(')
    for number, line in enumerate(code.splitlines(), 1):
        for name in wanted.findall(line):
            yield number, f'calls {name}()'


def raw_calls(code):
    """lib/ makes one system call by number: the futex of its threads."""
    for number, line in enumerate(code.splitlines(), 1):
        for name in re.findall(r'\b(?:SYS|__NR)_(\w+)', line):
            if name != 'futex':
                yield number, f'makes the system call {name}'


def win32(code):
    for number, line in enumerate(code.splitlines(), 1):
        for match in WIN32.finditer(line):
            yield number, f'says {match.group(1)}, a word of Win32'


def problems(path, layer, text):
    rules, code = LAYERS[layer], code_of(text)
    names = [n for n in rules['calls'] if path != LOG or n not in ('write', 'writev')]
    yield from includes(text, rules)
    if path not in WIN32_HOME:
        yield from win32(code)
    yield from calls(code, names)
    if layer == 'lib':
        yield from raw_calls(code)


def sources(root, layer):
    for folder, _, names in os.walk(os.path.join(root, layer)):
        for name in sorted(names):
            if name.endswith(('.c', '.h')):
                yield os.path.relpath(os.path.join(folder, name), root)


def main(root):
    bad = seen = 0
    for layer in LAYERS:
        for path in sources(root, layer):
            seen += 1
            with open(os.path.join(root, path), encoding='utf-8') as file:
                text = file.read()
            for number, problem in problems(path, layer, text):
                print(f'{path}:{number}: {problem}')
                bad += 1
    print(f'{seen} files, {bad} wrong arrows')
    return 1 if bad or not seen else 0


sys.exit(main(sys.argv[1]))

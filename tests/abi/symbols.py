#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the built libraries show to the linker.

symbols.py exported    MAP LIBRARY HEADER...   map = dynamic symbols = functions of the headers
symbols.py archive     MAP ARCHIVE             the archive defines what the map names, nothing else
symbols.py prefix      PREFIX ARCHIVE          every global name of a layer begins with its prefix
symbols.py needed      LIBRARY                 no library is needed but those that we say
symbols.py constructor LIBRARY ARCHIVE         nothing of ours runs when the library is loaded
"""
import re
import subprocess
import sys

NEEDED = ('libnuma.so', 'libhugetlbfs.so', 'libc.so', 'ld-linux', 'linux-vdso', 'libpthread.so')
SANITIZERS = ('libasan.so', 'libubsan.so', 'libtsan.so', 'libclang_rt')
OF_SANITIZERS = ('libm.so', 'libgcc_s.so', 'libstdc++.so', 'libdl.so', 'librt.so', 'libresolv.so')
STARTUP = ('.preinit_array', '.init_array', '.fini_array', '.ctors', '.dtors')


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def defined_in(library, *options):
    """Names of nm's lines "address type name"."""
    lines = output_of('nm', '--defined-only', '--extern-only', *options, library).splitlines()
    fields = [line.split() for line in lines]
    names = {f[2].split('@')[0] for f in fields if len(f) == 3 and f[1] != 'A'}
    return {name for name in names if not name.startswith('__odr_asan')}


def without_comments(text):
    return re.sub(r'/\*.*?\*/|//[^\n]*', ' ', text, flags=re.S)


def names_of_map(path):
    with open(path, encoding='utf-8') as file:
        text = without_comments(file.read())
    names = set()
    for block in re.findall(r'global:(.*?)(?:local:|\})', text, re.S):
        names |= set(re.findall(r'(\w+);', block))
    return names


def names_of_headers(paths):
    """Functions declared with HOSTMEM_API: the name before the first bracket of the declaration."""
    names = set()
    for path in paths:
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'^\s*#.*$', '', without_comments(file.read()), flags=re.M)
        for declaration in re.findall(r'\bHOSTMEM_API\b([^;{]*)', text):
            names.add(re.search(r'(\w+)\s*\(', declaration).group(1))
    return names


def same(what, left, other, right):
    for name in sorted(left - right):
        print(f'{name}: in {what}, not in {other}')
    for name in sorted(right - left):
        print(f'{name}: in {other}, not in {what}')
    return left == right


def exported(map_file, library, *headers):
    names = names_of_map(map_file)
    good = same('the map', names, 'the library', defined_in(library, '--dynamic'))
    return same('the map', names, 'the headers', names_of_headers(headers)) and good and bool(names)


def archive(map_file, library):
    return same('the map', names_of_map(map_file), 'the archive', defined_in(library))


def prefix(wanted, library):
    wrong = sorted(name for name in defined_in(library) if not name.startswith(wanted))
    for name in wrong:
        print(f'{name}: does not begin with {wanted}')
    return not wrong


def needed(library):
    entries = re.findall(r'\(NEEDED\).*\[(.*)\]', output_of('readelf', '--wide', '-d', library))
    loaded = [line.split()[0].split('/')[-1] for line in output_of('ldd', library).splitlines()]
    known = NEEDED
    if any(name.startswith(SANITIZERS) for name in loaded):
        known += SANITIZERS + OF_SANITIZERS
    wrong = sorted({name for name in entries + loaded if not name.startswith(known)})
    for name in wrong:
        print(f'{name}: needed, and not on the list')
    return bool(entries) and not wrong


def sections_of(path):
    """Sizes in bytes by name of section."""
    text = output_of('readelf', '--wide', '--section-headers', path)
    found = re.findall(r'\] (\.\S+)\s+\S+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) ', text)
    return {name: int(size, 16) for name, size in found}


def constructor(library, archive_file):
    ours = [s for s in sections_of(archive_file) if s.startswith(STARTUP)]
    for name in ours:
        print(f'{name}: in the archive, so a constructor of ours')
    pointers = sections_of(library).get('.init_array', 0) // 8
    if pointers > 1:
        print(f'.init_array of the library has {pointers} entries, the compiler makes one')
    return not ours and pointers <= 1


CHECKS = {'exported': exported, 'archive': archive, 'prefix': prefix, 'needed': needed,
          'constructor': constructor}
sys.exit(0 if CHECKS[sys.argv[1]](*sys.argv[2:]) else 1)

# SPDX-License-Identifier: MIT
"""A line of the file `shapes`: what the emulator is told, and what the topology must be then."""
import os
import re

UNITS = {'': 1, 'M': 1 << 20, 'G': 1 << 30}
KERNEL = ('console=ttyS1 panic=-1 oops=panic quiet mitigations=off cryptomgr.notests tsc=reliable '
          'no_timer_check')
DEBUG_EXIT = '0xf4'


def size_of(text):
    number, unit = re.fullmatch(r'(\d+)([MG]?)', text).groups()
    return int(number) * UNITS[unit]


def set_of(text):
    """The numbers of "0-1,4"; a shape has no commas inside of a node."""
    first, _, last = text.partition('-')
    return list(range(int(first), int(last or first) + 1)) if text else []


class Node:
    def __init__(self, text):
        size, _, self.cpus_text = text.partition(':')
        self.bytes, self.cpus = size_of(size), set_of(self.cpus_text)


class Machine:
    def __init__(self, name, fields):
        self.name = name
        self.sockets, self.cores = map(int, fields['cpus'].split('x'))
        self.nodes = [Node(text) for text in fields['nodes'].split(',')]
        self.removable = size_of(fields.get('removable', '0'))
        if self.removable:
            self.nodes.append(Node(f'{self.removable}:'))
        count = range(len(self.nodes))
        self.distances = [[int(d) for d in row.split(',')]
                          for row in fields.get('distances', '').split('/') if row]
        self.distances = self.distances or [[10 if a == b else 20 for b in count] for a in count]
        self.huge = [int(pages) for pages in fields['huge'].split(',')]
        self.page = size_of(fields.get('page', '2M'))
        if not len(self.nodes) == len(self.huge) == len(self.distances):
            raise ValueError(f'{name}: nodes, huge and distances are not of one length')

    # -- the emulator --

    def memory(self):
        fixed = self.nodes[:-1] if self.removable else self.nodes
        total = sum(node.bytes for node in fixed)
        if not self.removable:
            return [f'{total >> 20}M']
        return [f'{total >> 20}M,slots=1,maxmem={total + self.removable >> 20}M']

    def node_arguments(self, number):
        node = self.nodes[number]
        backend = f'memory-backend-ram,id=m{number},size={node.bytes}'
        option = f'node,nodeid={number}'
        option += f',cpus={node.cpus_text}' if node.cpus else ''
        if self.removable and number == len(self.nodes) - 1:
            return ['-object', backend, '-numa', option,
                    '-device', f'pc-dimm,memdev=m{number},node={number}']
        if not node.bytes:
            return ['-numa', option]
        return ['-object', backend, '-numa', f'{option},memdev=m{number}']

    def emulator(self):
        """The arguments that make this machine, without kernel and serial ports."""
        args = ['-M', 'pc', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-nodefaults',
                '-no-user-config', '-display', 'none', '-no-reboot',
                '-device', f'isa-debug-exit,iobase={DEBUG_EXIT},iosize=4', '-m', *self.memory(),
                '-smp', f'{self.sockets * self.cores},sockets={self.sockets},cores={self.cores},'
                'threads=1']
        for number in range(len(self.nodes)):
            args += self.node_arguments(number)
        for a, row in enumerate(self.distances):
            for b, distance in enumerate(row):
                if a != b:
                    args += ['-numa', f'dist,src={a},dst={b},val={distance}']
        return args

    def kernel(self):
        if self.page == UNITS['G']:
            pages = ','.join(f'{node}:{count}' for node, count in enumerate(self.huge))
            return f'{KERNEL} hugepagesz=1G hugepages={pages}'
        return f'{KERNEL} memhp_default_state=online_movable' if self.removable else KERNEL

    def reservations(self):
        """Lines for init.sh; pages of 1 GiB are there from the start."""
        kib = self.page >> 10
        return ''.join(f'{node} {pages} {kib}\n' for node, pages in enumerate(self.huge)
                       if self.nodes[node].bytes)

    # -- what is expected of `hostmem topology --json` --

    def nearest_socket(self, number):
        rank = [(distance, other) for other, distance in enumerate(self.distances[number])
                if self.nodes[other].cpus]
        return self.nodes[min(rank)[1]].cpus[0] // self.cores

    def sockets_of(self, number):
        cpus = self.nodes[number].cpus
        return sorted({cpu // self.cores for cpu in cpus}) or [self.nearest_socket(number)]

    def differences(self, topology):
        """Yields what is not as it should be, in words."""
        sockets = {s['id']: s['nodes'] for s in topology['sockets']}
        want = {s: [n for n in range(len(self.nodes)) if s in self.sockets_of(n)]
                for s in range(self.sockets)}
        if sockets != want:
            yield f'sockets are {sockets} instead of {want}'
        if [node['id'] for node in topology['nodes']] != list(range(len(self.nodes))):
            yield f'nodes are {[node["id"] for node in topology["nodes"]]}'
            return
        for node in topology['nodes']:
            for what in self.node_differences(node):
                yield f'node {node["id"]}: {what}'

    def node_differences(self, got):
        number = got['id']
        node = self.nodes[number]
        want = {
            'socket': self.sockets_of(number)[0],
            'cpus': node.cpus_text,
            'distances': {str(to): d for to, d in enumerate(self.distances[number])},
        }
        for key, value in want.items():
            if got[key] != value:
                yield f'{key} is {got[key]} instead of {value}'
        # The kernel's own part, some tens of MiB, is not in MemTotal.
        if not node.bytes * 3 // 4 - (128 << 20) < got['memory_bytes'] <= node.bytes and node.bytes:
            yield f'memory is {got["memory_bytes"]} instead of about {node.bytes}'
        huge = sum(pool['total'] for pool in got['huge_pages'] if pool['size'] == self.page)
        if huge != self.huge[number]:
            yield f'{huge} huge pages instead of {self.huge[number]}'


def read_machines():
    """All shapes by name, in the order of the file."""
    machines = {}
    with open(os.path.join(os.path.dirname(__file__), 'shapes'), encoding='utf-8') as file:
        for line in file:
            words = line.split('#')[0].split()
            if words:
                fields = dict(word.split('=', 1) for word in words[1:])
                machines[words[0]] = Machine(words[0], fields)
    return machines

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the made-up machines of sysfs/: the files that numa/ reads, and expected.json beside them.

What is expected is stated here for each machine, not worked out from the files: sockets above all are
what the reader has to find by itself. Run it in place after a change, and look at the difference.
"""
import os
import shutil
import sys

MIB, GIB = 1 << 20, 1 << 30
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sysfs")


class Node:
    """A node; huge is {bytes of a page: (pages, free pages)}; near is {other id: distance}."""

    def __init__(self, id, socket, cpus, memory, near=None, huge=None):
        self.id, self.socket, self.cpus, self.memory = id, socket, cpus, memory
        self.near, self.huge = near or {}, huge or {}

    def distance(self, other):
        return 10 if other is self else self.near.get(other.id, 20)


def node_files(nodes):
    """The files of nodes whose sysfs is whole."""
    base = "sys/devices/system/node/"
    files = {base + "online": numbers(node.id for node in nodes)}
    for node in nodes:
        own = f"{base}node{node.id}/"
        files[own + "cpulist"] = node.cpus
        files[own + "meminfo"] = meminfo(node.memory, f"Node {node.id} ")
        files[own + "distance"] = " ".join(str(node.distance(other)) for other in nodes)
        files.update(huge_files(own + "hugepages/", node.huge))
    return files


def huge_files(base, huge):
    files = {}
    for size, (total, free) in huge.items():
        files[f"{base}hugepages-{size >> 10}kB/nr_hugepages"] = str(total)
        files[f"{base}hugepages-{size >> 10}kB/free_hugepages"] = str(free)
    return files


def meminfo(memory, prefix=""):
    """As the kernel aligns it; a quarter of the memory is free."""
    rows = (("MemTotal", memory >> 10), ("MemFree", memory >> 12))
    return "\n".join(f"{prefix}{name + ':':<15} {kib:>8} kB" for name, kib in rows)


def cpu_files(online, packages):
    """packages: {CPU: physical package}; sysfs tells it of online CPUs alone."""
    base = "sys/devices/system/cpu/"
    files = {base + "online": online}
    for cpu, package in packages.items():
        files[f"{base}cpu{cpu}/topology/physical_package_id"] = str(package)
    return files


def numbers(values):
    return ",".join(str(value) for value in values)


def expect(sockets, nodes):
    """The text that `hostmem topology --json` has to print; sockets is {id: [ids of nodes]}."""
    socket_lines = [f'\n{{"id":{id},"nodes":[{numbers(ids)}]}}' for id, ids in sockets.items()]
    node_lines = ["\n" + expect_node(node, nodes) for node in nodes]
    return f'{{"sockets":[{",".join(socket_lines)}],\n"nodes":[{",".join(node_lines)}]}}\n'


def expect_node(node, nodes):
    socket = "null" if node.socket is None else node.socket
    distances = ",".join(f'"{other.id}":{node.distance(other)}' for other in nodes)
    huge = ",".join(f'{{"size":{size},"total":{total},"free":{free}}}'
                    for size, (total, free) in sorted(node.huge.items()))
    return (f'{{"id":{node.id},"socket":{socket},"cpus":"{node.cpus}",'
            f'"memory_bytes":{node.memory},"distances":{{{distances}}},"huge_pages":[{huge}]}}')


def write(name, files, expected, links=()):
    root = os.path.join(HERE, name)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    for path, text in files.items():
        make_parent(root, path)
        with open(os.path.join(root, path), "w", encoding="ascii") as out:
            out.write(text + "\n")
    for path, target in links:
        make_parent(root, path)
        os.symlink(target, os.path.join(root, path))
    with open(os.path.join(root, "expected.json"), "w", encoding="ascii") as out:
        out.write(expected)


def make_parent(root, path):
    os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)


def whole(name, online, packages, sockets, nodes):
    write(name, {**node_files(nodes), **cpu_files(online, packages)}, expect(sockets, nodes))


def two_sockets():
    whole("two-sockets", "0-7", {cpu: cpu // 4 for cpu in range(8)}, {0: [0], 1: [1]}, [
        Node(0, 0, "0-3", 16 * GIB, {1: 21}, {2 * MIB: (512, 500), GIB: (2, 2)}),
        Node(1, 1, "4-7", 32 * GIB, {0: 21}, {2 * MIB: (256, 0), GIB: (0, 0)})])


def interleaved():
    """CPUs dealt out to the sockets in turn, as much firmware does with hyper-threads."""
    whole("interleaved", "0-7", {cpu: cpu % 2 for cpu in range(8)}, {0: [0], 1: [1]}, [
        Node(0, 0, "0,2,4,6", 8 * GIB, {1: 32}), Node(1, 1, "1,3,5,7", 8 * GIB, {0: 32})])


def snc2():
    """Two sockets, each cut into two nodes; package ids that are not 0 and 1."""
    def near(id):
        return {other: 12 if other // 2 == id // 2 else 21 for other in range(4) if other != id}
    cpus = ("0-1,8-9", "2-3,10-11", "4-5,12-13", "6-7,14-15")
    packages = {cpu: 3 if cpu % 8 < 4 else 36 for cpu in range(16)}
    whole("snc2", "0-15", packages, {3: [0, 1], 36: [2, 3]}, [
        Node(id, 3 if id < 2 else 36, cpus[id], 24 * GIB, near(id)) for id in range(4)])


def holes():
    ids = (0, 2, 5, 255)
    nodes = [Node(id, i, str(i), (i + 1) * GIB,
                  {other: 20 + abs(i - j) for j, other in enumerate(ids) if j != i})
             for i, id in enumerate(ids)]
    whole("holes", "0-3", {cpu: cpu for cpu in range(4)}, {i: [id] for i, id in enumerate(ids)}, nodes)


def memory_only():
    """CXL memory behind the second socket, and a node of CPUs whose memory slots are empty."""
    whole("memory-only", "0-5", {0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1}, {0: [0], 1: [1, 2, 3]}, [
        Node(0, 0, "0-1", 64 * GIB, {1: 21, 2: 24, 3: 22}),
        Node(1, 1, "2-3", 64 * GIB, {0: 21, 2: 14, 3: 12}),
        Node(2, 1, "", 256 * GIB, {0: 24, 1: 14, 3: 17}, {2 * MIB: (64, 64)}),
        Node(3, 1, "4-5", 0, {0: 22, 1: 12, 2: 17})])


def hbm():
    """Each socket with a node of DDR and CPUs and a node of HBM; the HBM nodes in crossed order."""
    whole("hbm", "0-3", {0: 0, 1: 0, 2: 1, 3: 1}, {0: [0, 3], 1: [1, 2]}, [
        Node(0, 0, "0-1", 128 * GIB, {1: 21, 2: 23, 3: 13}),
        Node(1, 1, "2-3", 128 * GIB, {0: 21, 2: 13, 3: 23}),
        Node(2, 1, "", 16 * GIB, {0: 23, 1: 13, 3: 25}),
        Node(3, 0, "", 16 * GIB, {0: 13, 1: 23, 2: 25})])


def offline_cpus():
    """CPU 4 is offline and listed, CPU 7 is offline and in no list; sysfs has a topology of neither."""
    nodes = [Node(0, 0, "0-3", 4 * GIB, {1: 21}), Node(1, 1, "4-6", 4 * GIB, {0: 21})]
    packages = {cpu: cpu // 4 for cpu in range(8) if cpu not in (4, 7)}
    files = {**node_files(nodes), **cpu_files("0-3,5-6", packages)}
    for cpu in (4, 7):
        files[f"sys/devices/system/cpu/cpu{cpu}/online"] = "0"
    links = [(f"sys/devices/system/node/node1/cpu{cpu}", f"../../cpu/cpu{cpu}") for cpu in (4, 7)]
    write("offline-cpus", files, expect({0: [0], 1: [1]}, nodes), links)


def shared_node():
    """One node over two sockets, and a third socket whose CPUs are in no node."""
    nodes = [Node(0, 7, "0-3", 8 * GIB)]
    whole("shared-node", "0-5", {0: 7, 1: 7, 2: 1, 3: 1, 4: 2, 5: 2}, {1: [0], 2: [], 7: [0]}, nodes)


def many_nodes():
    """66 nodes, more than the bits of a word; only the first and the last tell of distances."""
    def node(id):
        near = {other: 30 + other % 60 for other in range(66) if other != id} if id in (0, 65) else None
        return Node(id, 0 if id == 0 else None, str(id), (id + 1) * GIB, near)
    nodes = [node(id) for id in range(66)]
    files = {**node_files(nodes), **cpu_files("0-65", {0: 0})}
    files["sys/devices/system/node/online"] = "0-65"
    for id in range(1, 65):
        del files[f"sys/devices/system/node/node{id}/distance"]
    write("many-nodes", files, expect({0: [0]}, nodes))


def many_cpus():
    """1,536 CPUs; the lowest of each node tells the socket."""
    first = ",".join(f"{cpu}-{cpu + 3}" for cpu in range(0, 1536, 8))
    second = ",".join(f"{cpu + 4}-{cpu + 7}" for cpu in range(0, 1536, 8))
    whole("many-cpus", "0-1535", {0: 0, 4: 1}, {0: [0], 1: [1]}, [
        Node(0, 0, first, 512 * GIB, {1: 21}), Node(1, 1, second, 512 * GIB, {0: 21})])


def missing_files():
    """No lists of what is online, one node without its list, one without memory and distances."""
    nodes = [Node(1, 0, "0-1", 2 * GIB), Node(4, None, "2", 0)]
    files = {**node_files([Node(1, 0, "0-1", 2 * GIB)]), **cpu_files("", {0: 0, 1: 0})}
    del files["sys/devices/system/node/online"], files["sys/devices/system/cpu/online"]
    del files["sys/devices/system/node/node1/cpulist"]
    files["sys/devices/system/node/node1/distance"] = "10 20"
    files["sys/devices/system/node/node4/compact"] = ""
    files["sys/devices/system/cpu/cpu2/online"] = "1"
    links = [(f"sys/devices/system/node/node{node}/cpu{cpu}", f"../../cpu/cpu{cpu}")
             for node, cpu in ((1, 0), (1, 1), (4, 2))]
    write("missing-files", files, expect({0: [1]}, nodes), links)


def no_nodes():
    """A kernel without NUMA: the machine's figures are those of its one node."""
    nodes = [Node(0, 0, "0-1", 3 * GIB, huge={2 * MIB: (8, 5)})]
    files = {**cpu_files("0-1", {0: 0, 1: 0}), "proc/meminfo": meminfo(3 * GIB),
             **huge_files("sys/kernel/mm/hugepages/", nodes[0].huge)}
    write("no-nodes", files, expect({0: [0]}, nodes))


def nothing():
    """Neither /sys nor /proc."""
    write("nothing", {}, expect({}, [Node(0, None, "", 0)]))


def lazy_memory():
    """A single node whose own file tells of a sixth of the machine's memory."""
    nodes = [Node(0, 0, "0-1", 24 * GIB)]
    files = {**node_files([Node(0, 0, "0-1", 4 * GIB)]), **cpu_files("0-1", {0: 0, 1: 0}),
             "proc/meminfo": meminfo(24 * GIB)}
    write("lazy-memory", files, expect({0: [0]}, nodes))


def garbage():
    """Every kind of file with something in it that it cannot hold."""
    sized = {4 << 10: (0, 7), 2 * MIB: (5, 0)}
    nodes = [Node(0, None, "0-2", 0, huge=sized), Node(1, 9, "3-4", GIB), Node(2, 8, "", GIB),
             Node(3, 9, "", 0), Node(4, 8, "5", 0)]
    nodes[2].near = {0: 30, 1: 30, 3: 30, 4: 11}
    nodes[3].near = {0: 40, 1: 12, 2: 30, 4: 30}
    node, cpu = "sys/devices/system/node/", "sys/devices/system/cpu/"
    write("garbage", {
        node + "online": "0-4",
        node + "node0/cpulist": "0-2",
        node + "node0/meminfo": "Node 0 MemTotal: lots of kB\nNode 0 MemFree: -1 kB",
        node + "node0/distance": "10 20 20 20",
        node + "node0/hugepages/hugepages-2048kB/nr_hugepages": "5",
        node + "node0/hugepages/hugepages-2048kB/free_hugepages": "99999999999999999999999",
        node + "node0/hugepages/hugepages-4kB/nr_hugepages": "-3",
        node + "node0/hugepages/hugepages-4kB/free_hugepages": "7",
        node + "node0/hugepages/hugepages-kB/nr_hugepages": "1",
        node + "node0/hugepages/hugepages-2048MB/nr_hugepages": "1",
        node + "node1/cpulist": "2-4",  # CPU 2 is node 0's already
        node + "node1/meminfo": "NodeMemTotal: 1 kB\nMemTotalled: 2 kB\nNode 1 MemTotal: 1048576 kB",
        node + "node1/distance": "20 10 20 20 256",
        node + "node2/cpulist": "7-6",
        node + "node2/meminfo": "\n\n\nNode 2 MemTotal:\t1048576 kB\n",
        node + "node2/distance": "30 30 10 30 11",
        node + "node3/cpulist": "0-99999999999",
        node + "node3/meminfo": "Node 3 MemTotal: 18446744073709551615 kB",
        node + "node3/distance": "40 12 30 10 30",
        node + "node4/cpulist": "5",
        node + "node4/meminfo": "Node 4 MemTotal: 12",
        node + "node4/distance": "30 30 11 30 9",
        cpu + "online": "0-5,,",
        cpu + "cpu0/topology/physical_package_id": "-1",
        cpu + "cpu1/topology/physical_package_id": "two",
        cpu + "cpu2/topology/physical_package_id": "99999999999",
        cpu + "cpu3/topology/physical_package_id": "9",
        cpu + "cpu4/topology/physical_package_id": "9 ",
        cpu + "cpu5/topology/physical_package_id": "8",
        cpu + "cpu99999/topology/physical_package_id": "77",
    }, expect({8: [2, 4], 9: [1, 3]}, nodes))


def main():
    os.makedirs(HERE, exist_ok=True)
    for make in (two_sockets, interleaved, snc2, holes, memory_only, hbm, offline_cpus, shared_node,
                 many_nodes, many_cpus, missing_files, no_nodes, nothing, lazy_memory, garbage):
        make()
    return 0


if __name__ == "__main__":
    sys.exit(main())

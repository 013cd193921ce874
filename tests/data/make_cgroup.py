#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the made-up processes of cgroup/: what proc/self tells and the cgroup files that numa/ reads.

What is expected of each is stated in tests/numa/test_cgroup.c. Run it in place after a change, and
look at the difference.
"""
import os
import shutil

MIB, GIB = 1 << 20, 1 << 30
V1_NONE = 9223372036854771712  # v1 without a limit
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cgroup")
CGROUP = "sys/fs/cgroup"


def v2(limit="max", used=0, cache=0, high="max", **files):
    """A level of v2 that has the memory controller."""
    return {"memory.max": limit, "memory.high": high, "memory.current": used,
            "memory.stat": f"anon {used - cache}\nfile {cache}\ninactive_anon 7\n"
                           f"active_file 5\ninactive_file {cache}\nunevictable 0", **dotted(files)}


def v1(limit=V1_NONE, used=0, cache=0, swap_limit=V1_NONE, swap_used=0, **files):
    """A level of v1. Its own inactive_file is without the levels below: the total is what counts."""
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": used,
            "memory.memsw.limit_in_bytes": swap_limit, "memory.memsw.usage_in_bytes": swap_used,
            "memory.stat": f"cache {cache}\ninactive_file 1\ntotal_cache {cache}\n"
                           f"total_inactive_file {cache}\ntotal_unevictable 0", **dotted(files)}


def huge(size, limit, used, rsvd="max", rsvd_used=0):
    base = f"hugetlb.{size}."
    return {base + "max": limit, base + "current": used,
            base + "rsvd.max": rsvd, base + "rsvd.current": rsvd_used}


def huge_v1(size, limit, used, rsvd=V1_NONE, rsvd_used=0):
    base = f"hugetlb.{size}."
    return {base + "limit_in_bytes": limit, base + "usage_in_bytes": used,
            base + "rsvd.limit_in_bytes": rsvd, base + "rsvd.usage_in_bytes": rsvd_used}


def dotted(files):
    return {name.replace("__", "."): text for name, text in files.items()}


def mount(number, point, kind, options, root="/"):
    """A line of mountinfo; every other one has an optional field, as on machines with systemd."""
    shared = f" shared:{number}" if number % 2 else ""
    return f"{number} 23 0:{number} {root} /{point} rw,nosuid,relatime{shared} - {kind} {kind} {options}"


PLAIN = [mount(20, "proc", "proc", "rw"), mount(21, "sys", "sysfs", "rw"),
         "22 1 254:0 / / rw,relatime - ext4 /dev/root rw"]


def tree(membership, mounts, levels):
    """The files of one process; levels is {directory below CGROUP: {name: text}}."""
    files = {"proc/self/cgroup": "\n".join(membership),
             "proc/self/mountinfo": "\n".join(PLAIN + mounts)}
    for directory, level in levels.items():
        base = f"{CGROUP}/{directory}/" if directory else f"{CGROUP}/"
        files[base + "cgroup.procs"] = "1"
        files.update({base + name: text for name, text in level.items()})
    return files


UNIFIED = [mount(30, CGROUP, "cgroup2", "rw,nsdelegate,memory_recursiveprot")]
LEGACY = ["9:name=systemd:/s", "4:memory:/batch/job", "3:cpuset:/", "2:cpu,cpuacct:/"]
LEGACY_MOUNTS = [mount(31, CGROUP, "tmpfs", "rw,mode=755"),
                 mount(32, CGROUP + "/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
                 mount(33, CGROUP + "/memory", "cgroup", "rw,memory"),
                 mount(34, CGROUP + "/systemd", "cgroup", "rw,xattr,name=systemd")]


def trees():
    yield "v2", tree(["0::/app.slice/web.service"], UNIFIED, {
        "": {}, "app.slice": v2(GIB, 512 * MIB, 64 * MIB), "app.slice/web.service": v2()})
    yield "v1", tree(LEGACY, LEGACY_MOUNTS, {
        "memory": v1(), "memory/batch": v1(256 * MIB, 224 * MIB, 32 * MIB),
        "memory/batch/job": v1(used=100 * MIB)})
    yield "v1-swap", tree(LEGACY, LEGACY_MOUNTS, {
        "memory": v1(), "memory/batch": v1(),
        "memory/batch/job": v1(400 * MIB, 100 * MIB, 0, 500 * MIB, 450 * MIB)})
    # v2 is there beside v1, with the hugetlb controller.
    yield "mixed", tree(LEGACY + ["0::/batch"],
        LEGACY_MOUNTS + [mount(35, CGROUP + "/unified", "cgroup2", "rw,memory_hugetlb_accounting")],
        {"memory": v1(), "memory/batch": v1(), "memory/batch/job": v1(GIB, 256 * MIB),
         "unified": {}, "unified/batch": huge("2MB", 64 * MIB, 16 * MIB)})
    # Both controllers in one hierarchy of v1.
    yield "v1-together", tree(["5:hugetlb,memory:/job"],
        [mount(33, CGROUP + "/both", "cgroup", "rw,hugetlb,memory")],
        {"both": v1(), "both/job": {**v1(GIB, 768 * MIB),
                                    **huge_v1("2MB", 8 * MIB, 6 * MIB),
                                    **huge_v1("1GB", 9223372035781033984, 0, 4 * GIB, GIB)}})
    yield "huge-pages", tree(["0::/kube/pod"], UNIFIED, {
        "": {}, "kube": {**v2(), **huge("2MB", 100 * MIB, 80 * MIB), **huge("1GB", "max", 0)},
        "kube/pod": {**v2(), **huge("2MB", 10 * MIB, 2 * MIB, 8 * MIB, 8 * MIB),
                     **huge("1GB", 2 * GIB, GIB), **huge("64KB", MIB, 0)}})
    # The root of the cgroup namespace is the container's own cgroup.
    yield "namespace", tree(["0::/"], UNIFIED, {"": v2(GIB, GIB // 4)})
    # Without a namespace, its cgroup is what is mounted.
    yield "bound", tree(["4:memory:/docker/4f1"],
        [mount(33, CGROUP + "/memory", "cgroup", "rw,memory", root="/docker/4f1")],
        {"memory": v1(64 * MIB, 16 * MIB)})
    yield "bound-above", tree(["4:memory:/docker/4f1/inner"],
        [mount(33, CGROUP + "/memory", "cgroup", "rw,memory", root="/docker/4f1")],
        {"memory": v1(64 * MIB, 16 * MIB), "memory/inner": v1(32 * MIB, 16 * MIB)})
    # The path is the host's, the mount is the container's.
    yield "host-path", tree(["0::/system.slice/docker-4f1.scope"], UNIFIED,
                            {"": v2(GIB, GIB // 2)})
    # A namespace that the process was moved out of: what is mounted is not above it.
    yield "outside", tree(["0::/../other"], UNIFIED,
                          {"": v2(GIB, GIB // 2), "other": v2(GIB, GIB // 2),
                           "../other": v2(GIB, GIB // 2)})
    # Seen from there, the mount is above it.
    yield "outside-seen", tree(["0::/../other"],
        [mount(30, CGROUP, "cgroup2", "rw", root="/..")],
        {"": v2(GIB, GIB // 4), "other": v2()})
    # A sub-tree is mounted a second time, before and after the whole.
    yield "mounted-thrice", tree(["0::/a/b"],
        [mount(28, CGROUP + "/x", "cgroup2", "rw", root="/a/b"),
         mount(29, CGROUP + "/whole", "cgroup2", "rw"),
         mount(30, CGROUP + "/y", "cgroup2", "rw", root="/a")],
        {"x": v2(GIB, 0), "y": v2(GIB, 0), "y/b": v2(GIB, 0),
         "whole": {}, "whole/a": v2(GIB, GIB // 2), "whole/a/b": v2(GIB, 0)})
    # What is mounted is hidden by something else that was mounted over it.
    hidden = tree(["0::/a", "4:memory:/a"],
                  UNIFIED + [mount(33, CGROUP + "/memory", "cgroup", "rw,memory")],
                  {"memory": v1(), "memory/a": v1(GIB, GIB // 2)})
    hidden[CGROUP + "/a/memory.max"] = "1"
    hidden[CGROUP + "/a/memory.current"] = "1"
    yield "hidden", hidden
    yield "v2-unlimited", tree(["0::/a"], UNIFIED, {"": {}, "a": v2(used=GIB)})
    yield "v1-unlimited", tree(["4:memory:/batch"], LEGACY_MOUNTS,
                               {"memory": v1(used=GIB), "memory/batch": v1(used=GIB)})
    # 30 GiB of 40 used above: the fullest. 1 GiB left of 2: the nearest.
    yield "above", tree(["0::/big/mid/own"], UNIFIED, {
        "": {}, "big": v2(40 * GIB, 30 * GIB), "big/mid": v2(2 * GIB, GIB),
        "big/mid/own": v2(3 * GIB, GIB)})
    yield "high", tree(["0::/a"], UNIFIED, {"": {}, "a": v2(GIB, 600 * MIB, 0, 800 * MIB)})
    yield "below-usage", tree(["0::/a"], UNIFIED, {"": {}, "a": v2(100 * MIB, 130 * MIB, 10 * MIB)})
    yield "zero", tree(["0::/a"], UNIFIED, {"": {}, "a": v2(0, 0)})
    # More inactive page cache than is charged: the figures are of different moments.
    yield "all-cache", tree(["0::/a"], UNIFIED, {"": {}, "a": v2(GIB, 10 * MIB, 11 * MIB)})
    yield "accounting", tree(["0::/a"],
        [mount(30, CGROUP, "cgroup2", "rw,nsdelegate,memory_hugetlb_accounting")],
        {"": {}, "a": v2(GIB, GIB // 2)})
    # Level by level: not a number, negative, two numbers, too large, empty; the last has a limit.
    yield "garbage", tree(["x", "0", "0:", ":::", "0::relative", "0::/a/b/c/d/e/f"],
        ["30 23", "- cgroup2", "30 23 0:30 / /" + CGROUP + " rw - cgroup2",
         "30 23 0:30 / /nowhere rw - cgroup2 cgroup2 rw"] + UNIFIED,
        {"": {}, "a/b/c/d/e/f": v2("lots", 1), "a/b/c/d/e": v2("-5", 1), "a/b/c/d": v2("1 2", 1),
         "a/b/c": v2("99999999999999999999999", 1), "a/b": v2("", 1),
         "a": {**v2(GIB, GIB // 2, 0, "12x"), "memory.stat": "inactive_file many\n\n\n"}})
    missing = tree(["0::/a/b"], UNIFIED, {
        "": {}, "a": {"memory.max": GIB, "memory.current": GIB // 2},
        "a/b": {"memory.max": MIB}})
    yield "missing-files", missing
    yield "no-mounts", {"proc/self/cgroup": "0::/a"}
    yield "no-membership", {"proc/self/mountinfo": "\n".join(UNIFIED)}
    yield "no-proc", {CGROUP + "/memory.max": "1", CGROUP + "/cgroup.procs": "1"}


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    for name, files in trees():
        for path, text in files.items():
            path = os.path.join(HERE, name, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{text}\n")


main()

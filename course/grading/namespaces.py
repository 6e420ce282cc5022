"""Linux namespaces by plain system calls: a small read-only root, and private views of processes, network and IPC.

It works for root, and for an ordinary user where the kernel lets users make namespaces (man 7 user_namespaces).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import resource
import struct
from collections.abc import Iterable
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_PDEATHSIG, _CAPBSET_DROP, _SET_DUMPABLE, _NO_NEW_PRIVS = 1, 24, 4, 38
_CAPABILITY_VERSION = 0x20080522
SCRATCH = "/box"  # the one place that can be written to; not /tmp, where Python itself may be installed
THREADS = 128  # in one sandbox
FIRST_UID = 0x60000000  # far from any real user; every sandbox started by root has a uid of its own

libc = ctypes.CDLL(None, use_errno=True)


def _must(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` names for new ones. Raises OSError."""
    _must(libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """man 2 mount. Raises OSError."""
    source_, target_, kind_, data_ = (text.encode() if text else None for text in (source, target, kind, data))
    _must(libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_), f"mount {target}")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, however that ends."""
    _must(libc.prctl(_PDEATHSIG, 9, 0, 0, 0), "prctl")


def become_root_of_a_user_namespace() -> None:
    """For an ordinary user: a user namespace in which this process has the rights to make the other namespaces."""
    user, group = os.getuid(), os.getgid()
    unshare(NEWUSER)
    for file, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", file).write_text(text)


def enter_small_root(visible: Iterable[str], new_root: str) -> None:
    """Make the file system of this process: `visible`, read-only, an empty SCRATCH, a few devices, and nothing else.

    new_root is an empty folder to build it on. Raises OSError.
    """
    unshare(NEWNS)
    mount(None, "/", None, _REC | _PRIVATE)
    mount("tmpfs", new_root, "tmpfs", _NOSUID | _NODEV, "size=16m,mode=755")
    paths = outermost(visible)
    for path in paths:
        inside = new_root + path
        if os.path.isdir(path):
            os.makedirs(inside, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(inside), exist_ok=True)
            Path(inside).touch()
        mount(path, inside, None, _BIND | _REC)
        _remount_read_only(inside)
    for link in ("bin", "sbin", "lib", "lib32", "lib64"):
        if os.path.islink(f"/{link}") and not os.path.lexists(f"{new_root}/{link}"):
            os.symlink(os.readlink(f"/{link}"), f"{new_root}/{link}")
    for folder in (SCRATCH, "/dev", "/old", "/proc"):
        os.makedirs(new_root + folder, exist_ok=True)
    if not os.path.lexists(f"{new_root}/tmp"):  # it exists when what must be visible lies in /tmp
        os.symlink(SCRATCH, f"{new_root}/tmp")
    for device in ("null", "zero", "full", "random", "urandom"):
        Path(new_root, "dev", device).touch()
        mount(f"/dev/{device}", f"{new_root}/dev/{device}", None, _BIND)
    mount("/proc", f"{new_root}/proc", None, _BIND | _REC)
    number = _PIVOT_ROOT[platform.machine()]
    _must(libc.syscall(number, new_root.encode(), f"{new_root}/old".encode()), "pivot_root")
    os.chdir("/")
    _must(libc.umount2(b"/old", _DETACH), "umount")
    os.rmdir("/old")
    _mount_scratch()
    mount(None, "/", None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV)


def outermost(paths: Iterable[str]) -> list[str]:
    """Those of the paths that exist, links resolved, without those that lie inside another."""
    kept: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths if os.path.exists(path)}):
        if not any(path.startswith(other + "/") for other in kept):
            kept.append(path)
    return kept


def _remount_read_only(path: str) -> None:
    # A user namespace may not clear the flags that a mount came with; which they are, trying tells.
    for kept in (_NOSUID, _NOSUID | _NODEV, _NOSUID | _NODEV | _NOEXEC):
        try:
            return mount(None, path, None, _BIND | _REMOUNT | _RDONLY | kept)
        except OSError:
            continue
    mount(None, path, None, _BIND | _REMOUNT | _RDONLY)


def _mount_scratch() -> None:
    mount("tmpfs", SCRATCH, "tmpfs", _NOSUID | _NODEV, "size=64m,mode=1777,nr_inodes=10k")


def private_views(own_user: bool) -> None:
    """New namespaces for mounts, processes, network, IPC, host name; the next child is process 1 of its own world.

    own_user adds one for users, for the sake of THREADS: the kernel counts them by user, in each such namespace anew.
    """
    if own_user:
        become_root_of_a_user_namespace()
    unshare(NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS)
    with contextlib.suppress(OSError):  # kernels may be built without
        unshare(NEWCGROUP)


def fresh_folders() -> None:
    """For process 1: a SCRATCH and a /proc that show nothing of others."""
    _mount_scratch()
    try:
        mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    except OSError:  # inside some containers a user namespace may not: then there is no /proc at all
        mount("tmpfs", "/proc", "tmpfs", _NOSUID | _NODEV | _NOEXEC | _RDONLY, "size=4k")
    os.chdir(SCRATCH)


def limit(memory: int, cpu_seconds: int, file_size: int, files: int) -> None:
    """Bounds on this process: `memory` bytes beyond what it maps now, CPU seconds, bytes a file, open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: pages * resource.getpagesize() + memory,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for what, bound in bounds.items():
        resource.setrlimit(what, (bound, bound))
    with contextlib.suppress(OSError):  # should memory run out all the same, this process is the one to go
        Path("/proc/self/oom_score_adj").write_text("1000")


def bound_threads() -> None:
    """Let the user of this process, or of this user namespace, which should be its own, have THREADS and no more."""
    others = 0
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < (5, 14):  # counts by user, whatever the namespace
        others = int(Path("/proc/loadavg").read_text().split("/")[1].split()[0])
    resource.setrlimit(resource.RLIMIT_NPROC, (others + THREADS, others + THREADS))


def drop_rights(uid: int | None) -> None:
    """Become the user `uid`, or nobody in particular for None, with no capability and no way to get one."""
    bound_threads()
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    else:
        for capability in range(64):
            libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
        header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
        _must(libc.capset(header, ctypes.create_string_buffer(24)), "capset")
    _must(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _must(libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0), "dumpable")

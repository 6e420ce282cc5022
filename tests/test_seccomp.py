"""The filter as the kernel would run it, by a few lines of Python, for both machines on any machine."""

import errno
import re
import struct
from pathlib import Path

import pytest

from course.grading import seccomp

ALLOW, KILL, REFUSE, UNKNOWN = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NUMBERS = {  # name: (x86-64, aarch64), from the kernel's tables, not from the module
    "read": (0, 63), "write": (1, 64), "mmap": (9, 222), "exit_group": (231, 94), "futex": (202, 98),
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117),
    "unshare": (272, 97), "mount": (165, 40), "clone": (56, 220), "clone3": (435, 435), "socket": (41, 198),
    "socketpair": (53, 199), "prctl": (157, 167), "shmget": (29, 194), "memfd_create": (319, 279), "bpf": (321, 280),
    "io_uring_setup": (425, 425), "pidfd_open": (434, 434), "kexec_load": (246, 104), "keyctl": (250, 219),
}  # fmt: skip
THREAD = 0x3D0F00  # what glibc's pthread_create passes to clone
machines = pytest.mark.parametrize("machine", ARCHITECTURES)


def verdict(machine, number, first=0, architecture=None):
    """What the filter of `machine` returns for a system call: linux/filter.h, for the instructions that it uses."""
    audit = ARCHITECTURES[machine] if architecture is None else architecture
    data = struct.pack("<IIQ6Q", number, audit, 0, first, 0, 0, 0, 0, 0)
    code, position, accumulator = seccomp.program(machine), 0, 0
    while True:
        what, if_true, if_false, operand = code[position]
        position += 1
        if what == 0x06:
            return operand
        if what == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, operand)
            continue
        holds = {0x15: accumulator == operand, 0x35: accumulator >= operand, 0x45: bool(accumulator & operand)}[what]
        position += if_true if holds else if_false


def number(name, machine):
    return NUMBERS[name][list(ARCHITECTURES).index(machine)]


@machines
@pytest.mark.parametrize("name", ["read", "write", "mmap", "exit_group", "futex", "socketpair"])
def test_what_every_program_needs_is_allowed(machine, name):
    assert verdict(machine, number(name, machine)) == ALLOW


@machines
@pytest.mark.parametrize(
    "name",
    ["fork", "vfork", "execve", "execveat", "ptrace", "unshare", "mount", "shmget", "memfd_create", "bpf",
     "io_uring_setup", "pidfd_open", "kexec_load", "keyctl"],
)  # fmt: skip
def test_what_reaches_into_the_system_is_refused(machine, name):
    if number(name, machine) is not None:  # aarch64 has no fork: there is clone alone
        assert verdict(machine, number(name, machine)) == REFUSE


@machines
def test_threads_may_be_made_and_processes_may_not(machine):
    clone = number("clone", machine)
    assert verdict(machine, clone, THREAD) == ALLOW
    assert verdict(machine, clone, 17) == REFUSE  # SIGCHLD: that is fork
    assert verdict(machine, clone, 0x4100 | 17) == REFUSE  # CLONE_VFORK and CLONE_VM: that is posix_spawn
    assert verdict(machine, clone, THREAD << 32) == REFUSE  # the kernel looks at the low half
    assert verdict(machine, number("clone3", machine)) == UNKNOWN


@machines
def test_sockets_reach_no_further_than_this_machine(machine):
    socket = number("socket", machine)
    assert verdict(machine, socket, 1) == ALLOW
    for family in (2, 10, 16, 17, 40):  # IPv4, IPv6, netlink, packets, virtual machines
        assert verdict(machine, socket, family) == REFUSE


@machines
def test_a_process_cannot_stop_dying_with_its_parent(machine):
    prctl = number("prctl", machine)
    assert verdict(machine, prctl, 1) == REFUSE
    assert verdict(machine, prctl, 15) == ALLOW  # PR_SET_NAME, which libraries use


@machines
def test_another_architecture_is_killed(machine):
    for other in (0x40000003, 0x40000028, *ARCHITECTURES.values()):
        if other != ARCHITECTURES[machine]:
            assert verdict(machine, number("read", machine), architecture=other) == KILL


def test_the_other_numbers_of_the_same_calls_are_refused():
    for name in ("read", "execve", "fork", "socket"):
        assert verdict("x86_64", 0x40000000 | number(name, "x86_64"), first=1) == REFUSE


@machines
def test_every_way_through_the_filter_ends(machine):
    code = seccomp.program(machine)
    assert len(code) < 4096  # the kernel takes no more
    assert code[-1][0] == 0x06
    for position, (what, if_true, if_false, _) in enumerate(code):
        if what not in (0x06, 0x20):
            assert position + 1 + max(if_true, if_false) < len(code)


@pytest.mark.parametrize(
    ("column", "header", "prefix"),
    [
        (0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "__NR_"),
        (1, "/usr/include/asm-generic/unistd.h", "__NR(?:3264)?_"),
    ],
    ids=["x86-64", "aarch64"],
)
def test_the_numbers_are_those_of_the_kernels_headers(column, header, prefix):
    if not Path(header).exists():
        pytest.skip(f"NOT COMPARED: {header} is not installed")
    found = {name: int(n) for name, n in re.findall(rf"#define {prefix}(\w+)\s+(\d+)\b", Path(header).read_text())}
    assert len(found) > 250
    special = {"clone": seccomp._CLONE, "clone3": seccomp._CLONE3, "socket": seccomp._SOCKET, "prctl": seccomp._PRCTL}
    table = {**seccomp._DENIED, **special}
    wrong = {
        name: (numbers[column], found[name])
        for name, numbers in table.items()
        if name in found and numbers[column] != found[name]
    }
    assert not wrong
    assert len(table.keys() & found.keys()) > 40


def test_an_unknown_machine_is_said():
    with pytest.raises(NotImplementedError, match="riscv64"):
        seccomp.program("riscv64")

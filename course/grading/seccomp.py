"""A seccomp filter for student processes: no new processes, no network, nothing that reaches into the system.

A filter is a program for the kernel's packet filter machine, run at every system call (man 2 seccomp). Ours lets
through what it does not know, and answers EPERM to the calls below: namespaces take most of their power away already,
and this is the second wall. Threads may be made, processes may not: so there is no fork bomb, and no program to start.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

# System call numbers by architecture: (x86-64, aarch64). From 424 on, all architectures have the same numbers.
_DENIED = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "personality": (135, 92),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "fanotify_init": (300, 262),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142), "syslog": (103, 116),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60),
    "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "pidfd_send_signal": (424, 424), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443), "memfd_secret": (447, 447),
    # Memory that outlives its mapping, and so escapes RLIMIT_AS:
    "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
}  # fmt: skip
_CLONE, _CLONE3, _SOCKET, _PRCTL = (56, 220), (435, 435), (41, 198), (157, 167)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, the kernel's AUDIT_ARCH

CLONE_THREAD, AF_UNIX, PR_SET_PDEATHSIG = 0x10000, 1, 1
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; both machines are little-endian

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def program(machine: str) -> list[Instruction]:
    """The filter for "x86_64" or "aarch64". Raises NotImplementedError for other machines."""
    if machine not in _ARCHITECTURES:
        raise NotImplementedError(f"no system call table for {machine}")
    column, audit = _ARCHITECTURES[machine]
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # x32: the same calls under other numbers
        refuse,
    ]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            code += [(_EQUAL, 0, 1, number), refuse]
    # glibc falls back from clone3, whose flags lie in memory that a filter cannot read, to clone.
    code += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for number, test, operand in ((_CLONE[column], _ANY_BIT, CLONE_THREAD), (_SOCKET[column], _EQUAL, AF_UNIX)):
        code += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST_ARGUMENT), (test, 1, 0, operand), refuse]
        code += [(_RETURN, 0, 0, _ALLOW)]
    # A process that no longer dies with its parent would outlive the run.
    code += [(_EQUAL, 0, 3, _PRCTL[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 0, 1, PR_SET_PDEATHSIG), refuse]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def install() -> None:
    """Put the filter on this process, and on all that comes from it, for good. Raises OSError, NotImplementedError."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program(platform.machine()))
    buffer = ctypes.create_string_buffer(code)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    libc = ctypes.CDLL(None, use_errno=True)
    filtered = Program(len(code) // 8, ctypes.addressof(buffer))
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    for arguments in ((no_new_privileges, 1, 0, 0, 0), (set_seccomp, mode_filter, ctypes.byref(filtered), 0, 0)):
        if libc.prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the seccomp filter was not accepted")

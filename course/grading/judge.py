"""The judge: a process that runs the hidden tests on one submission after the other, and that can be done without.

A student's result can be such that comparing it takes for ever, or ends the process that does it. So judging goes in
steps. The kernel's clock ends a judge whose step takes too much CPU time; the grader, course.grading.workers, which has
the results of all steps before, starts another that goes on behind that step.

The grader starts it as `python -m course.grading.judge FD CHAPTER...`, a fork server that has the hidden tests of those
chapters loaded; or, where a process with libraries in it cannot be forked safely, with `--alone`, as a single judge.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from course.grading import forks, hidden
from course.grading.isolation import Bubblewrap, ForkServer, IsolationError, Launcher, Unsandboxed
from course.grading.submission import Past
from course.grading.work import grade_one, lost

PATIENCE = 45  # times as long a step may last that waits, for a student's process or for ever
STEP = 10.0  # CPU seconds that a step may take beyond the time limit: a test may import, and compute what is expected


def step_limit(time_limit: float) -> float:
    """CPU seconds that a judge has for a step."""
    return STEP + time_limit


def main(descriptor: int, *flags: str) -> None:
    if "--alone" in flags:
        return judge(descriptor)
    with forks.shared_memory():
        for chapter in flags:
            with contextlib.suppress(Exception):  # the judge that needs them will say what is wrong
                hidden.of_chapter(chapter)
    forks.serve(socket.socket(fileno=descriptor), judge)


def judge(descriptor: int, sandboxes: int | None = None) -> None:
    """Grade what comes on the one descriptor, in sandboxes of the fork server at the other, until the grader closes."""
    if sys.platform == "linux":
        from course.grading.namespaces import die_with_parent

        die_with_parent()
    connection = Connection(descriptor)
    launcher: Launcher | None = ForkServer(socket.socket(fileno=sandboxes)) if sandboxes is not None else None
    with contextlib.suppress(EOFError, OSError):
        while True:
            (name, content, sandbox, time_limit, seed), done, past = connection.recv()
            launcher = launcher or (Bubblewrap() if sandbox else Unsandboxed())
            past = past or Past()
            step = _steps(connection, done, past, step_limit(time_limit))
            try:
                record = grade_one(name, content, launcher, time_limit, seed, step, past)
            except (IsolationError, hidden.HiddenTestError) as error:  # so it will be for everyone
                connection.send(("stop", error))
            except Exception as error:  # a fault of ours; it must not cost the others
                connection.send(("record", lost(f"{type(error).__name__}: {error}")))
            else:
                connection.send(("record", record))
    os._exit(0)  # a launcher may have threads or children that would be waited for


def _steps(connection: Connection, done: list, past: Past, limit: float) -> hidden.Step:
    """Steps that tell the grader when they begin and what came of them; the first ones are `done` already."""
    results = iter(done)

    def step(work: Callable[[], Any]) -> Any:
        for result in results:
            return result
        connection.send(("begun", time.monotonic()))
        _set_clocks(limit)
        try:
            result = work()
        finally:
            _set_clocks(0)
        connection.send(("done", result, past))
        return result

    return step


def _set_clocks(limit: float) -> None:
    """Have the kernel end this process after so much CPU time, or so much more time of any kind; 0 for never.

    CPU time does not pass while a student's function runs, which has limits of its own, and is the same on a busy
    machine. The signals end a process that does nothing about them, whatever library it is in.
    """
    signal.setitimer(signal.ITIMER_PROF, limit)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * limit)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])

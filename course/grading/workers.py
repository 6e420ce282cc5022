"""Who does the work: judges on this machine, or on the workers of a Dask cluster. The results are the same."""

from __future__ import annotations

import atexit
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from course.grading.isolation import Forks, ForkServer, Launcher, Unsandboxed, best, start_python
from course.grading.work import Record, lost

Task = tuple[str, str, Callable[[], bytes]]  # key, the notebook's name, and how to get its bytes

CLUSTER_LIMIT = "20s"
JUDGE = "course.grading.judge"

_launcher: Launcher | None = None
_judges: Judges | None = None
_lock = threading.Lock()
_of_this_thread = threading.local()


def launcher_of_this_process(sandbox: bool) -> Launcher:
    """The one launcher that a process keeps for all the submissions it grades."""
    global _launcher
    if _launcher is None:
        _launcher = best() if sandbox else Unsandboxed()
        atexit.register(_launcher.close)
    return _launcher


class Judges:
    """Starts the processes that judge (course.grading.judge): on Linux by a fork server, which loads the tests once.

    It loads while the sandbox's own server does: make this one first.
    """

    def __init__(self, chapters: Iterable[str] = ()) -> None:
        self._server = Forks.of(JUDGE, *chapters) if sys.platform == "linux" else None

    def start(self, launcher: Launcher) -> Connection:
        mine, theirs = socket.socketpair()
        with theirs:
            if self._server is None:
                start_python(JUDGE, theirs, "--alone")
            else:
                shared = [launcher.forks.control.fileno()] if isinstance(launcher, ForkServer) else []
                self._server.request(theirs.fileno(), *shared)
        return Connection(mine.detach())

    def close(self) -> None:
        """End the server, and with it all its judges."""
        if self._server is not None:
            self._server.close()


class Judge:
    """Grades one submission at a time, in a process that is replaced when judging a submission ends it.

    The step that took too long, or ended its process twice, is passed over; the steps before it are not done again.
    """

    def __init__(self, judges: Judges, launcher: Launcher) -> None:
        self._start = lambda: judges.start(launcher)
        self.connection = self._start()

    def begin(self, name: str, content: bytes, sandbox: bool, time_limit: float, seed: int) -> None:
        self._task = (name, content, sandbox, time_limit, seed)
        self._done: list[Any] = []
        self._past: Any = None
        self._deaths = 0
        self._go_on()

    def _go_on(self) -> None:
        self._begun: float | None = None
        with contextlib.suppress(OSError):  # it has died meanwhile, which `heard` will find
            self.connection.send((self._task, self._done, self._past))

    def heard(self) -> Record | None:
        """Take the judge's next word: the record when it is there. Raises what must stop the run."""
        try:
            what, *words = self.connection.recv()
        except (EOFError, OSError):
            return self._replaced()
        if what == "stop":
            raise words[0]
        if what == "begun":
            self._begun = words[0]
        elif what == "done":
            result, self._past = words
            self._done.append(result)
            self._begun, self._deaths = None, 0
        return words[0] if what == "record" else None

    def _replaced(self) -> Record | None:
        from course.grading.hidden import Ended
        from course.grading.judge import step_limit

        self.connection.close()
        self.connection = self._start()
        in_time = self._begun is None or time.monotonic() - self._begun < step_limit(self._task[3])
        self._deaths += in_time
        if not in_time:
            self._done.append(Ended("time limit"))
        elif self._deaths == 2:  # once may be another's fault, such as a machine that is short of memory
            if self._begun is None:
                return lost("the process that judged it died, twice")
            self._done.append(Ended("died"))
            self._deaths = 0
        self._go_on()
        return None


def _read(read: Callable[[], bytes]) -> bytes | Record:
    try:
        return read()
    except Exception as error:  # a file that went away, a damaged zip
        return lost(f"the file cannot be read ({error})")


def local(
    tasks: Iterable[Task], jobs: int, judges: Judges, launcher: Launcher, *settings: Any
) -> Iterator[tuple[str, Record]]:
    """By `jobs` judges on this machine; in the order in which they are done."""
    waiting = iter(tasks)
    idle = [Judge(judges, launcher) for _ in range(jobs)]
    busy: dict[str, Judge] = {}
    while True:
        while idle:
            task = next(waiting, None)
            if task is None:
                break
            key, name, read = task
            content = _read(read)
            if isinstance(content, dict):
                yield key, content
                continue
            busy[key] = idle.pop()
            busy[key].begin(name, content, *settings)
        if not busy:
            return
        ready = wait([judge.connection for judge in busy.values()])
        for key, judge in list(busy.items()):
            record = judge.heard() if judge.connection in ready else None
            if record is not None:
                idle.append(busy.pop(key))
                yield key, record


def grade_here(name: str, content: bytes, sandbox: bool, time_limit: float, seed: int) -> Record:
    """The record of one notebook, by the judge that this thread keeps."""
    global _judges
    if not hasattr(_of_this_thread, "judge"):
        with _lock:
            if _judges is None:
                _judges = Judges()
                atexit.register(_judges.close)
            _of_this_thread.judge = Judge(_judges, launcher_of_this_process(sandbox))
    judge = _of_this_thread.judge
    judge.begin(name, content, sandbox, time_limit, seed)
    while True:
        record = judge.heard()
        if record is not None:
            return record


def cluster(tasks: Iterable[Task], address: str, *settings: Any) -> Iterator[tuple[str, Record]]:
    """By the workers of a Dask cluster, each with a fork server of its own. Raises ConnectionError if it goes away."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ConnectionError("--cluster needs Dask: `pip install distributed`, here and on the workers") from None
    try:
        client = Client(address, timeout=CLUSTER_LIMIT)
    except (OSError, TimeoutError) as error:
        raise ConnectionError(f"the cluster at {address} does not answer ({error})") from None
    with client:
        keys: dict[Any, str] = {}
        unread: list[tuple[str, Record]] = []
        waiting = iter(tasks)

        def submit() -> Any:
            for key, name, read in waiting:
                content = _read(read)
                if isinstance(content, dict):
                    unread.append((key, content))
                    continue
                future = client.submit(grade_here, name, content, *settings, pure=False)
                keys[future.key] = key
                return future
            return None

        ahead = 2 * max(1, sum(client.ncores().values()))
        futures = as_completed(filter(None, (submit() for _ in range(ahead))))
        for future in futures:
            try:
                result = future.result()
            except Exception as error:
                if client.status != "running" or not client.ncores():
                    reason = " ".join(str(error).split())
                    raise ConnectionError(f"the cluster at {address} went away ({reason})") from None
                result = lost(f"the worker that graded it died ({type(error).__name__})")
            yield keys.pop(future.key), result
            following = submit()
            if following is not None:
                futures.add(following)
        yield from unread

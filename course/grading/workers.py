"""Who does the work: this process, several processes of this machine, or a Dask cluster. The results are the same."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from course.grading.isolation import IsolationError, Launcher, Unsandboxed, best
from course.grading.work import Record, grade_one

Task = tuple[str, str, Callable[[], bytes]]  # key, the notebook's name, and how to get its bytes

CLUSTER_LIMIT = "20s"

_launcher: Launcher | None = None


def launcher_of_this_process(sandbox: bool) -> Launcher:
    """The one launcher that a process keeps for all the submissions it grades."""
    global _launcher
    if _launcher is None:
        _launcher = best() if sandbox else Unsandboxed()
        atexit.register(_launcher.close)
    return _launcher


def _grade(name: str, content: bytes, sandbox: bool, time_limit: float, seed: int) -> Record:
    return grade_one(name, content, launcher_of_this_process(sandbox), time_limit, seed)


def _lost(why: str) -> Record:
    return {"chapter": None, "results": [], "problems": [f"could not be graded: {why}"], "shingles": [], "again": True}


def _read(read: Callable[[], bytes]) -> bytes | Record:
    try:
        return read()
    except Exception as error:  # a file that went away, a damaged zip
        return _lost(f"the file cannot be read ({error})")


def here(tasks: Iterable[Task], *settings: Any) -> Iterator[tuple[str, Record]]:
    """One after the other, in this process."""
    for key, name, read in tasks:
        content = _read(read)
        yield key, content if isinstance(content, dict) else _grade(name, content, *settings)


def processes(
    tasks: Iterable[Task], jobs: int, *settings: Any, proof: Callable[[], str] | None = None
) -> Iterator[tuple[str, Record]]:
    """By `jobs` processes, each with a fork server of its own; in the order in which they are done.

    One of them first runs `proof`, which tries the sandbox: this process itself needs no fork server. A worker that
    dies takes the tasks under way with it: they are tried once more, each alone.
    """
    shaken: list[Task] = []
    waiting, under_way = iter(tasks), {}
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        if proof is not None:
            try:
                print(f"in force: {pool.submit(proof).result()}")
            except BrokenProcessPool:
                raise IsolationError("the process that tried the sandbox died; nothing was graded") from None
        try:
            while True:
                for task in waiting:
                    content = _read(task[2])
                    if isinstance(content, dict):
                        yield task[0], content
                        continue
                    under_way[pool.submit(_grade, task[1], content, *settings)] = task
                    if len(under_way) >= 2 * jobs:  # a few ahead, not the whole class in memory
                        break
                if not under_way:
                    return
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    task = under_way.pop(future)
                    shaken.append(task)
                    result = future.result()
                    shaken.pop()
                    yield task[0], result
        except BrokenProcessPool:
            shaken += under_way.values()
    for task in shaken:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            try:
                content = _read(task[2])
                yield (
                    task[0],
                    content
                    if isinstance(content, dict)
                    else alone.submit(_grade, task[1], content, *settings).result(),
                )
            except BrokenProcessPool:
                yield task[0], _lost("the worker that graded it died, twice")
    if shaken:
        yield from processes(waiting, jobs, *settings)


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
                future = client.submit(_grade, name, content, *settings, pure=False)
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
                    raise ConnectionError(f"the cluster at {address} went away ({error})") from None
                result = _lost(f"the worker that graded it died ({type(error).__name__})")
            yield keys.pop(future.key), result
            following = submit()
            if following is not None:
                futures.add(following)
        yield from unread

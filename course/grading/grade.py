"""`course grade`: a place of submissions in; records, grades.csv, and pages of feedback out.

Every submission becomes a record, out/records/<key>.json, the moment it is graded. The key is a hash of all that the
record depends on: whose notebook it is, its bytes, the hidden tests, the seed, the time limit. A run that was killed
and is started again grades what has no record yet; the tables and pages are made from the records, always the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import tempfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from course import __version__
from course.files import write
from course.grading import hidden, report, workers, written
from course.grading.collect import Found, collect
from course.grading.isolation import check_system, probe
from course.grading.work import Record
from course.lab import exercises


class GradingError(Exception):
    """A grading run cannot start or go on; the message says why."""


def prepare(out: Path, seed: int | None) -> int:
    """Make the folder of results, and return the seed of the run: that of the run that was begun there, if one was."""
    try:
        (out / "records").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise GradingError(f"{out} cannot be written to ({error.strerror}); nothing was graded") from None
    begun = out / "run.json"
    if seed is None and begun.exists():
        try:
            return int(json.loads(begun.read_text("utf-8"))["seed"])
        except (ValueError, KeyError, TypeError):
            raise GradingError(f"{begun} is damaged; give the run's --seed, or another --out") from None
    seed = secrets.randbits(32) if seed is None else seed
    with _writing(out):
        write(begun, json.dumps({"seed": seed}) + "\n")
    return seed


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Say in one line that the disk is full, or what else keeps us from writing. Every file is whole, old or new."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or getattr(error.__context__, "strerror", "") or error
        raise GradingError(
            f"{out} cannot be written to ({reason}). All records so far are kept, and the same command goes on"
        ) from None


def key_of(found: Found, seed: int, time_limit: float) -> str:
    """The name of a submission's record: a hash of everything that its grade depends on."""
    try:
        content = hashlib.sha256(found.read()).hexdigest()
    except (OSError, zipfile.BadZipFile):
        content = "unreadable"
    everything = [found.student, found.notebook, content, hidden.digest(), seed, float(time_limit), __version__]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:24]


def stored(path: Path) -> Record | None:
    """The record at `path`, or None where there is none that is whole."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "results" in record and not record.get("again") else None


def prove_the_walls() -> str:
    """Try the sandbox from inside before any student's code runs; returns its name.

    Raises GradingError where a wall does not hold.
    """
    launcher = workers.launcher_of_this_process(sandbox=True)
    fallen = [sentence for sentence, holds in probe(launcher) if not holds]
    if fallen:
        raise GradingError(
            f"the sandbox ({launcher.name}) does not hold what it should: {'; '.join(fallen)}. Nothing was graded. "
            "Where you trust every submission, go on without one: --no-sandbox"
        )
    return launcher.name


def grade(
    place: Path,
    out: Path,
    time_limit: float = 30.0,
    seed: int | None = None,
    jobs: int = 1,
    cluster: str = "",
    sandbox: bool = True,
    gradebook: str = "",
    marks: Path | None = None,
) -> int:
    """Grade every submission that has no record yet, then write tables and pages; returns 0, or 1 if some were lost.

    With the URL of a `gradebook` the marks go into nbgrader's as well; `marks` is a table of a person's marks for
    written answers.

    Raises GradingError, CollectError, IsolationError or HiddenTestError where the run cannot start or go on, and
    ConnectionError where a cluster goes away: the records so far stay, and the same command goes on.
    """
    if gradebook:
        from course.grading import nbgrader

        nbgrader.require()
    if not cluster:
        check_system()
    given = written.read_marks(marks) if marks else {}
    files = collect(place)
    seed = prepare(out, seed)
    print(f"the hidden tests draw their inputs with --seed {seed}")

    keys = {key_of(found, seed, time_limit): found for found in files}
    todo = [(key, found) for key, found in keys.items() if stored(out / "records" / f"{key}.json") is None]
    if len(todo) < len(keys):
        print(f"{len(keys) - len(todo)} of {len(keys)} were graded before")
    tasks = [(key, found.notebook, found.read) for key, found in todo]
    with contextlib.closing(_records(tasks, jobs, cluster, sandbox, time_limit, seed)) as records:
        for key, record in records:
            found = keys[key]
            whole = {"student": found.student, "notebook": found.notebook, **record}
            with _writing(out):
                write(out / "records" / f"{key}.json", json.dumps(whole, indent=1, sort_keys=True) + "\n")

    read = written.merged(sheets(out, keys), given)
    with _writing(out):
        written.write_pages(read, out, given)
        lost = report.write_all(read, out)
    print(f"{len(keys)} notebooks; {out / 'grades.csv'}, {out / 'class.html'} and {out / 'feedback'} written")
    if gradebook:
        print(f"{nbgrader.write_gradebook(read, gradebook)} notebooks entered into {gradebook}")
    if lost:
        print(f"{lost} could not be graded: the same command tries them again")
    return 1 if lost else 0


def _records(
    tasks: list[workers.Task], jobs: int, cluster: str, sandbox: bool, time_limit: float, seed: int
) -> Generator[tuple[str, Record], None, None]:
    """Grade, and show how far it is: a record and its key as soon as it is there."""
    from tqdm import tqdm

    progress = partial(tqdm, total=len(tasks), desc="grading", unit="notebook")
    if cluster:
        yield from progress(workers.cluster(tasks, cluster, sandbox, time_limit, seed))
    elif tasks:
        named = [chapter for chapter in exercises.CHAPTERS if any(name.startswith(chapter) for _, name, _ in tasks)]
        with contextlib.closing(workers.Judges(named)) as judges:
            if sandbox:
                print(f"in force: {prove_the_walls()}")
            launcher = workers.launcher_of_this_process(sandbox)
            jobs = max(1, min(jobs, len(tasks)))
            yield from progress(workers.local(tasks, jobs, judges, launcher, sandbox, time_limit, seed))


def sheets(out: Path, keys: dict[str, Found]) -> Callable[[], Iterator[dict[str, Any]]]:
    """The records of a run, one at a time, in the order of students and notebooks; every call begins anew."""

    def read() -> Iterator[dict[str, Any]]:
        for key in keys:
            yield json.loads((out / "records" / f"{key}.json").read_text("utf-8"))

    return read

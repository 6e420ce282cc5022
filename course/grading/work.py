"""One submission, graded: plain data in, plain data out, so that any worker on any machine can do it."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from course.grading import hidden, written
from course.grading.isolation import Launcher
from course.grading.submission import (
    SOURCE_LIMIT,
    LocalSubmission,
    Past,
    Submission,
    Unreadable,
    chapter_of,
    code_cells,
)  # fmt: skip
from course.lab import exercises
from course.lab.check import examine
from course.lab.exercise import Exercise

MEMORY = 4 << 30  # bytes that judging one submission may take
Record = dict[str, Any]  # JSON: what is written of one submission, and all that any report needs


def grade_one(
    name: str,
    content: bytes,
    launcher: Launcher,
    time_limit: float,
    seed: int,
    step: hidden.Step = hidden.at_once,
    past: Past | None = None,
) -> Record:
    """The record of one notebook. Never raises for what a student may hand in.

    What could take for ever is done in steps. With the results of earlier steps and its `past` a submission goes on
    from there.
    """
    try:
        submission = Submission(content, launcher, time_limit, name=name.removesuffix(".ipynb"), past=past or Past())
    except Unreadable as reason:
        chapter = next((c for c in exercises.CHAPTERS if name.startswith(c)), None)
        return _ungraded(chapter, "unreadable", f"unreadable: {reason}")
    if submission.chapter is None:
        return _ungraded(None, "unknown", "not a notebook of this course: it defines none of its exercises")
    try:
        with bounded_memory():
            results = results_of(submission, hidden.run(submission.chapter, submission, seed, step=step), step)
    finally:
        submission.close()
    return {
        "chapter": submission.chapter,
        "results": results,
        "problems": submission.past.problems,
        "shingles": shingles(content),
        "written": written.answers(content, submission.chapter),
    }


@contextlib.contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process take MEMORY beyond what it has: a result can be such that its product with itself takes all.

    On Linux, and where nothing else runs in the process; the workers of a cluster have bounds of their own.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bounds = [pages * resource.getpagesize() + MEMORY, *(b for b in before if b != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_AS, (min(bounds), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def lost(why: str) -> Record:
    """The record of a submission that could not be graded, and that the next run takes up again."""
    return {"chapter": None, "results": [], "problems": [f"could not be graded: {why}"], "shingles": [], "again": True}


def _ungraded(chapter: str | None, status: str, why: str) -> Record:
    tasks = exercises.of_chapter(chapter) if chapter else ()
    results = [_result(exercise, 0, status) for exercise in tasks]
    return {"chapter": chapter, "results": results, "problems": [why], "shingles": []}


def _result(exercise: Exercise, score: int, status: str, **more: Any) -> Record:
    told = {"missed": [], "message": "", "visible": [], "mistake": "", "printed": ""}
    return {"exercise": exercise.name, "score": score, "max_score": exercise.points, "status": status, **told, **more}


def results_of(
    submission: Submission | LocalSubmission, outcomes: list[hidden.Outcome], step: hidden.Step = hidden.at_once
) -> list[Record]:
    """A result for each exercise: it has its points when it was tested and passed every one of its tests."""
    by_exercise: dict[str, list[hidden.Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_exercise[outcome.exercise].append(outcome)
    submission.close()  # what is told below comes from a process that has seen no hidden input
    results = []
    for exercise in exercises.of_chapter(submission.chapter or ""):
        mine = by_exercise[exercise.name]
        missed = [outcome for outcome in mine if outcome.status != "passed"]
        printed = submission.past.printed.get(exercise.name, "")
        if mine and not missed:
            results.append(_result(exercise, exercise.points, "passed", printed=printed))
            continue
        status = missed[0].status if missed else "not tested"
        told: Record = {"missed": [outcome.property for outcome in missed], "printed": printed}
        told["message"] = next((outcome.message for outcome in missed if outcome.message), "")
        if status in ("wrong value", "wrong type or shape", "raised"):
            described = step(partial(_described, exercise, submission))
            told |= {} if isinstance(described, hidden.Ended) else described
        results.append(_result(exercise, 0, status, **told))
    return results


def _described(exercise: Exercise, submission: Submission | LocalSubmission) -> Record:
    """What the visible check says of a wrong function; nothing where an odd result upsets it."""
    try:
        answer = examine(exercise, partial(submission.call, exercise.name))
    except Exception:
        return {}
    return {"mistake": answer.mistake, "visible": [] if answer.passed else list(answer.lines)}


def shingles(content: bytes, size: int = 12, keep: int = 400) -> list[int]:
    """Hashes of the runs of `size` syntax nodes in the solved exercises, names left out: alike for renamed copies."""
    cells = code_cells(content)
    chapter = chapter_of(cells, "")
    names = {exercise.name for exercise in exercises.of_chapter(chapter)} if chapter else set()
    kinds: list[str] = []
    read = 0
    for cell in cells:
        read += len(cell.source)
        if read > SOURCE_LIMIT:
            break
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name in names:
                kinds += [function.name, *(type(node).__name__ for node in ast.walk(function))]
    runs = {"".join(kinds[i : i + size]) for i in range(len(kinds) - size + 1)}
    hashes = (int.from_bytes(hashlib.blake2b(run.encode(), digest_size=6).digest(), "big") for run in runs)
    return sorted(hashes)[:keep]

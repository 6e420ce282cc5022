"""`course grade`: a folder of submissions in, grades.csv and a page of feedback for each student out."""

from __future__ import annotations

import csv
import io
import os
import secrets
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from course.files import write as write_file
from course.grading.plugin import Graded, Grading, Outcome
from course.grading.report import feedback_page
from course.grading.submission import Submission, Unreadable
from course.lab import exercises
from course.lab.answer import Answer
from course.lab.check import examine
from course.lab.exercise import Exercise
from course.paths import project_root

COLUMNS = ("student", "notebook", "exercise", "score", "max_score", "status")


class GradingError(Exception):
    """A grading run cannot start or go on; the message says why."""


@dataclass(frozen=True)
class Result:
    """What one exercise of one submission is worth, and what the student is told about it."""

    exercise: Exercise
    score: int
    status: str
    missed: tuple[Outcome, ...] = ()
    visible: Answer | None = None


@dataclass
class Sheet:
    """One submitted notebook with its results."""

    student: str
    notebook: str
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def score(self) -> int:
        return sum(result.score for result in self.results)

    @property
    def max_score(self) -> int:
        return sum(result.exercise.points for result in self.results)


def hidden_tests(chapter: str) -> Path:
    """The hidden tests of a chapter. Raises GradingError where they are not, as in a student's bundle."""
    path = project_root() / "tests" / "hidden" / f"test_{chapter}.py"
    if not path.exists():
        raise GradingError(f"the hidden tests of {chapter} are not here ({path}); grade from the instructors' clone")
    return path


def run_tests(submissions: list[Graded], seed: int) -> dict[int, list[Outcome]]:
    """Every hidden test on every submission; the outcomes by id(submission)."""
    grading = Grading(submissions, seed)
    for chapter in sorted({submission.chapter for submission in submissions if submission.chapter}):
        chatter = io.StringIO()
        with redirect_stdout(chatter):
            # --noconftest and -c: whatever configuration stands around the hidden tests has no say in the grades.
            status = pytest.main(
                ["-q", "--noconftest", "-c", os.devnull, "--rootdir", str(project_root()), "-p", "no:cacheprovider",
                 "-p", "no:nbval", "-W", "ignore", "--tb=no", str(hidden_tests(chapter))],
                plugins=[grading],
            )  # fmt: skip
        if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise GradingError(f"the hidden tests of {chapter} did not run:\n{chatter.getvalue()[-2000:]}")
    return grading.outcomes


def results_of(submission: Graded, outcomes: Iterable[Outcome]) -> list[Result]:
    """The results of a submission: an exercise has its points when it was tested and passed every one of its tests."""
    by_exercise: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_exercise[outcome.exercise].append(outcome)
    results = []
    for exercise in exercises.of_chapter(submission.chapter or ""):
        mine = by_exercise[exercise.name]
        missed = tuple(outcome for outcome in mine if outcome.status != "passed")
        if mine and not missed:
            results.append(Result(exercise, exercise.points, "passed"))
            continue
        status = missed[0].status if missed else "not tested"
        visible = None
        if status in ("wrong value", "wrong type or shape", "raised"):
            visible = examine(exercise, lambda *args, name=exercise.name: submission.call(name, *args))
        results.append(Result(exercise, 0, status, missed, visible))
    return results


def collect(folder: Path, time_limit: float) -> tuple[list[Submission], list[Sheet]]:
    """The submissions below `folder`, <student>/<notebook>.ipynb, and a sheet for every file that cannot be graded."""
    if not folder.is_dir():
        raise GradingError(f"{folder} is not a folder; expected one with a folder for each student")
    files = sorted(p for p in folder.glob("*/*.ipynb") if not p.name.startswith("."))
    if not files:
        raise GradingError(f"{folder} holds no <student>/<notebook>.ipynb")
    submissions, broken = [], []
    for path in files:
        student = path.parent.name
        try:
            submission = Submission(student, path, time_limit)
        except Unreadable as reason:
            chapter = next((c for c in exercises.CHAPTERS if path.stem.startswith(c)), None)
            broken.append(_broken(student, path, chapter, f"unreadable: {reason}"))
            continue
        if submission.chapter is None:
            broken.append(
                _broken(student, path, None, "not a notebook of this course: it defines none of its exercises")
            )
        else:
            submissions.append(submission)
    return submissions, broken


def _broken(student: str, path: Path, chapter: str | None, status: str) -> Sheet:
    tasks = exercises.of_chapter(chapter) if chapter else ()
    results = [Result(exercise, 0, status.partition(":")[0]) for exercise in tasks]
    return Sheet(student, path.name, results, [status])


def grade(folder: Path, out: Path, time_limit: float = 30.0, seed: int | None = None) -> int:
    """Grade every submission and write the results to `out`; returns the exit status, 0 when the run is complete.

    Raises GradingError when there is nothing to grade, or nowhere to write.
    """
    try:
        (out / "feedback").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise GradingError(f"{out} cannot be written to ({error.strerror}); nothing was graded") from None
    seed = secrets.randbits(32) if seed is None else seed
    print(f"the hidden tests draw their inputs with --seed {seed}")

    submissions, sheets = collect(folder, time_limit)
    outcomes = run_tests(list(submissions), seed)
    for submission in submissions:
        try:
            results = results_of(submission, outcomes[id(submission)])
        finally:
            submission.close()
        sheets.append(Sheet(submission.student, submission.path.name, results, submission.problems))
    sheets.sort(key=lambda sheet: (sheet.student, sheet.notebook))
    write_results(sheets, out)
    for sheet in sheets:
        note = f"  ({'; '.join(sheet.problems)})" if sheet.problems else ""
        print(f"{sheet.student:24} {sheet.notebook:28} {sheet.score:3} of {sheet.max_score}{note}")
    print(f"{len(sheets)} notebooks; {out / 'grades.csv'} and {out / 'feedback'} written")
    return 0


def write_results(sheets: list[Sheet], out: Path) -> None:
    """grades.csv and feedback/<student>.html; each file is replaced as a whole."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    by_student: dict[str, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        by_student[sheet.student].append(sheet)
        for result in sheet.results:
            writer.writerow(
                (
                    sheet.student,
                    sheet.notebook,
                    result.exercise.name,
                    result.score,
                    result.exercise.points,
                    result.status,
                )
            )
        if not sheet.results:
            writer.writerow((sheet.student, sheet.notebook, "", 0, 0, sheet.problems[0]))
    write_file(out / "grades.csv", table.getvalue())
    for student, mine in by_student.items():
        write_file(out / "feedback" / f"{student}.html", feedback_page(student, mine))

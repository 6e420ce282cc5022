"""The hidden tests: pytest files that also run without pytest, a thousand times as they are graded with.

A test is a function `test_...` of tests/hidden/test_<chapter>.py with the mark `exercise`, a docstring, and the
arguments `submission` and `rng`. pytest runs the same files on the solutions (tests/hidden/conftest.py).

`submission.name(...)` calls the student's function `name`. A network that it builds stays with the student: the test
asks for `submission.shapes("name", ...)`, draws weights of these shapes, and compares what
`submission.outputs("name", (...), weights, x)` computes.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib.util
import inspect
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from course.grading.isolation import IsolationError
from course.grading.submission import StudentError
from course.paths import project_root


class HiddenTestError(Exception):
    """The hidden tests of a chapter are missing or not as they should be; the message says what is wrong."""


@dataclass(frozen=True)
class HiddenTest:
    """One test: the exercise it belongs to, the property in words, and the function (submission, rng) -> None."""

    name: str
    exercise: str
    property: str
    function: Callable[[Any, np.random.Generator], None]


@dataclass(frozen=True)
class Outcome:
    """How one hidden test went for one submission.

    status    passed, wrong value, not attempted, or what StudentError says
    property  what the function should do, in words
    message   what the student may read of the reason; empty where it could give the hidden input away
    """

    exercise: str
    status: str
    property: str
    message: str = ""


def path_of(chapter: str) -> Path:
    """The file of a chapter's hidden tests. Raises HiddenTestError where it is not, as in a student's bundle."""
    path = project_root() / "tests" / "hidden" / f"test_{chapter}.py"
    if not path.exists():
        raise HiddenTestError(f"the hidden tests of {chapter} are not here ({path}); grade from the instructors' clone")
    return path


@functools.cache
def digest() -> str:
    """A hash of all hidden tests: a grade holds for the tests it was given with."""
    files = sorted((project_root() / "tests" / "hidden").glob("test_*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


@functools.cache
def of_chapter(chapter: str) -> tuple[HiddenTest, ...]:
    """The hidden tests of a chapter, in the order of the file. Raises HiddenTestError."""
    path = path_of(chapter)
    names = vars(_module(f"hidden_{chapter}", path))
    return tuple(_declared(path, *item) for item in names.items() if item[0].startswith("test_"))


@functools.cache
def alternatives(chapter: str) -> dict[str, tuple[Callable, ...]]:
    """Other correct implementations, by exercise: ALTERNATIVES of tests/hidden/alternatives/c<chapter>.py, if it is."""
    path = project_root() / "tests" / "hidden" / "alternatives" / f"c{chapter}.py"
    return _module(f"alternatives_{chapter}", path).ALTERNATIVES if path.exists() else {}


def _module(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest warns of marks that no pytest run has registered
        spec.loader.exec_module(module)
    return module


def _declared(path: Path, name: str, function: Callable) -> HiddenTest:
    marks = [mark.args[0] for mark in getattr(function, "pytestmark", ()) if mark.name == "exercise"]
    arguments = list(inspect.signature(function).parameters)
    words = " ".join((function.__doc__ or "").split())
    if len(marks) != 1 or arguments != ["submission", "rng"] or not words:
        raise HiddenTestError(
            f"{path.name}: {name} needs one mark `exercise`, a docstring, and the arguments submission and rng"
        )
    return HiddenTest(name, marks[0], words, function)


def generator(test: str, seed: int) -> np.random.Generator:
    """Seeded by the run and the test: every student meets the same inputs, every run has new ones."""
    return np.random.default_rng([seed, zlib.crc32(test.encode())])


@dataclass(frozen=True)
class Ended:
    """In the place of a step's result: what it did ended the process that judges. `status` is for the gradebook."""

    status: str


Step = Callable[[Callable[[], Any]], Any]  # does a piece of work, and returns its result or Ended


def at_once(work: Callable[[], Any]) -> Any:
    """A step in this very process, which nothing watches."""
    return work()


def run(chapter: str, submission: Any, seed: int, only: str = "", step: Step = at_once) -> list[Outcome]:
    """Every hidden test of a chapter on one submission; those of one exercise where `only` names it."""
    outcomes: list[Outcome] = []
    ended: dict[str, Ended] = {}
    for test in of_chapter(chapter):
        if only not in ("", test.exercise):
            continue
        result = ended.get(test.exercise) or step(partial(_outcome, test, submission, seed))
        if isinstance(result, Ended):  # the exercise is lost: its other tests would but take their time
            ended[test.exercise] = result
            why = "takes too long to judge" if result.status == "time limit" else "cannot be judged"
            result = Outcome(test.exercise, result.status, test.property, f"what {test.exercise} returns {why}")
        outcomes.append(result)
    return outcomes


def _outcome(test: HiddenTest, submission: Any, seed: int) -> Outcome:
    status, message = "passed", ""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            test.function(submission, generator(test.name, seed))
    except NotImplementedError:
        status = "not attempted"
    except StudentError as error:
        status, message = error.status, str(error)
        if status == "wrong type or shape":  # the name of a type could carry a hidden input too
            message = ""
        if status == "raised":  # what a function says of itself could carry a hidden input: only a builtin name passes
            kind = message.partition(":")[0]
            message = f"it raised {kind}" if hasattr(builtins, kind) else ""
    except IsolationError:  # no fault of the student's
        raise
    except Exception:
        # AssertionError is the test's own verdict. Anything else means that the result was not what the test could
        # even work with: a wrong shape, say. The tests themselves are known to run: they pass on the solutions.
        status = "wrong value"
    return Outcome(test.exercise, status, test.property, message)

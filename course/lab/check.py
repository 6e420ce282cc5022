"""`check`: is the learner's function right, and if not, what is wrong with it?"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import inspect
import linecache
import os
from collections.abc import Callable
from typing import Any

from course.lab import exercises, inspect_code
from course.lab.answer import Answer, show
from course.lab.compare import agree, describe, difference, preview, same_kind
from course.lab.exercise import Case, Exercise, Mistake
from course.lab.formula import FormulaError

_MISSING = object()


def check(exercise: str, function: Any = _MISSING) -> Callable | None:
    """Check the learner's function, show the answer, and return the function to go on with.

    exercise   the name of the exercise, and of the function that solves it
    function   the function; without it, the one of that name in the notebook

    Returns the learner's function when it passed, and the course's own function otherwise, so that the notebook runs
    on. Never raises for what a learner may do wrong; an unknown name is said, and None is returned.
    """
    if function is _MISSING:
        caller = inspect.currentframe().f_back  # type: ignore[union-attr]
        function = caller.f_globals.get(exercise, _MISSING)  # type: ignore[union-attr]
    if os.environ.get("COURSE_GRADING"):  # in grading, the learner's function counts and nothing stands in for it
        return None if function is _MISSING else function
    try:
        declared = exercises.find(exercise)
    except exercises.UnknownExercise as unknown:
        show(Answer("unknown", str(unknown)))
        return None if function is _MISSING else function
    answer = examine(declared, function)
    if answer.passed:
        show(answer)
        return function
    onward = f'The course\'s own `{exercise}` is used below. `hint("{exercise}")` helps.'
    show(dataclasses.replace(answer, lines=(*answer.lines, onward)))
    return standing_in(declared)


def standing_in(exercise: Exercise) -> Callable:
    """The course's own function, marked so that a second check knows it."""

    @functools.wraps(exercise.reference)
    def course_own(*args, **kwargs):
        return exercise.reference(*args, **kwargs)

    course_own.__name__ = exercise.name
    course_own.of_the_course = True  # type: ignore[attr-defined]
    return course_own


def examine(exercise: Exercise, function: Any) -> Answer:
    """The verdict on `function`, without showing it: the first thing that is wrong, or "passed"."""
    name = exercise.name

    def verdict(status: str, *lines: str, mistake: Mistake | None = None) -> Answer:
        known = () if mistake is None else (f"It looks like a known mistake: {mistake.name}. {mistake.hint}",)
        return Answer(status, f"{name}: {status}", (*lines, *known), mistake="" if mistake is None else mistake.name)

    if function is _MISSING:
        return verdict("not attempted", f"There is no `{name}` yet: run the cell that defines it.")
    if getattr(function, "of_the_course", False):
        return verdict("not attempted", "This is the course's own function: run the cell with yours, then check again.")
    if not callable(function):
        return verdict("wrong type or shape", f"`{name}` is {describe(function)}, and should be a function.")
    tree = inspect_code.tree_of(function)
    if tree is not None:
        if inspect_code.is_stub(tree):
            return verdict("not attempted", f"The contract: {exercise.contract}")
        others = {other.name for other in exercises.of_chapter(exercise.chapter)}
        helpers = {k: v for k, v in inspect_code.notebook_helpers(function).items() if k not in others}
        banned = inspect_code.forbidden_use(tree, exercise.forbidden, helpers, exercise.reference.__name__)
        if banned:
            return verdict(
                "forbidden", f"Line {banned[1]} uses `{banned[0]}`, which this exercise asks you to do without."
            )

    for case in exercise.cases():
        given = copy.deepcopy(case.args)
        on = f"On {case.label}, `{name}({', '.join(map(preview, case.args))})`"
        expected = exercise.reference(*copy.deepcopy(case.args))
        try:
            got = function(*given)
        except NotImplementedError:
            return verdict("not attempted", f"The contract: {exercise.contract}")
        except (Exception, SystemExit) as error:
            return verdict("raised", f"{on} raised {_one_line(error)}{_place(function, error)}.")
        mistake = recognise(exercise, case, got)
        if not same_kind(expected, got):
            forgotten = " Is the `return` missing?" if got is None else ""
            return verdict(
                "wrong type or shape",
                f"{on} returned {describe(got)}; expected {describe(expected)}.{forgotten}",
                mistake=mistake,
            )
        gap = _difference(exercise, expected, got)
        if gap:
            return verdict("wrong value", f"{on}: {gap}.", mistake=mistake)
        if not all(agree(before, after, 0, 0) for before, after in zip(case.args, given, strict=True)):
            return verdict(
                "wrong value", f"{on}: the result is right, but the function changed its argument. Work on a copy."
            )

    borrowed = inspect_code.borrowed_data(function)
    note = (
        ()
        if not borrowed
        else (f"One thing: it reads `{borrowed[0]}` from the notebook. In grading it gets nothing but its arguments.",)
    )
    return verdict("passed", *note)


def recognise(exercise: Exercise, case: Case, got: Any) -> Mistake | None:
    """The registered mistake that gives just this wrong result on this case, if one does."""
    expected = exercise.reference(*copy.deepcopy(case.args))
    if same_kind(expected, got) and _difference(exercise, expected, got) is None:
        return None
    for mistake in exercise.mistakes:
        try:
            wrong = mistake.wrong(*copy.deepcopy(case.args))
        except Exception:  # some mistakes fail on some inputs: then this is not the one
            continue
        if same_kind(wrong, got) and _difference(exercise, wrong, got) is None:
            return mistake
    return None


def _difference(exercise: Exercise, expected: Any, got: Any) -> str | None:
    if exercise.canonical is not None:
        with contextlib.suppress(ValueError, IndexError, TypeError):  # without such a form, it is compared as it is
            try:
                expected, got = exercise.canonical(expected), exercise.canonical(got)
            except FormulaError as error:  # a text that is no formula is compared with nothing
                return str(error)
    return difference(expected, got, exercise.rtol, exercise.atol)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:200]
    name = getattr(error, "shown_as", type(error).__name__)  # the grader hands on what was raised elsewhere
    return ": ".join(part for part in (name, text) if part)


def _place(function: Callable, error: BaseException) -> str:
    """Where in the learner's own code the error came from."""
    if hasattr(error, "shown_as"):
        return ""  # the message has the place already
    code = getattr(function, "__code__", None)
    trace, line = error.__traceback__, None
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    if line is None or code is None:
        return ""
    source = linecache.getline(code.co_filename, line).strip()
    return f", at line {line} of your cell" + (f": `{source}`" if source else "")

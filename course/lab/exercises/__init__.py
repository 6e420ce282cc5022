"""The exercises, one module a chapter: those of 01_pca are in c01_pca.py, in a tuple EXERCISES. A new file is found."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator
from pathlib import Path

from course.lab.exercise import Exercise

CHAPTERS = tuple(sorted(path.stem[1:] for path in Path(__file__).parent.glob("c[0-9][0-9]_*.py")))


class UnknownExercise(LookupError):
    """No exercise has this name; the message offers the nearest ones."""


def of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of a chapter such as "01_pca", in the order of the notebook."""
    if chapter not in CHAPTERS:
        raise UnknownExercise(f"there is no chapter {chapter!r}; the chapters are {', '.join(CHAPTERS)}")
    return importlib.import_module(f"{__name__}.c{chapter}").EXERCISES


def every() -> Iterator[Exercise]:
    """All exercises in the order of the course. Lazy: a chapter is imported when the walk reaches it."""
    for chapter in CHAPTERS:
        yield from of_chapter(chapter)


def find(name: str) -> Exercise:
    """The exercise called `name`. Raises UnknownExercise, with the nearest names, when there is none."""
    for exercise in every():
        if exercise.name == name:
            return exercise
    near = difflib.get_close_matches(str(name), [exercise.name for exercise in every()], n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else "the names stand in the notebook, beside each exercise."
    raise UnknownExercise(f"no exercise is called {name!r}: {hint}")

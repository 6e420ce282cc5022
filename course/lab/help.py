"""`hint` and `solution`: help, only when it is asked for."""

from __future__ import annotations

import re
from collections import Counter

from course.lab import exercises
from course.lab.answer import Answer, show
from course.paths import project_root

_shown: Counter[str] = Counter()

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def hint(name: str) -> None:
    """Show one hint more for this exercise each time it is called; after the last one, start again."""
    try:
        exercise = exercises.find(name)
    except exercises.UnknownExercise as unknown:
        return show(Answer("unknown", str(unknown)))
    total = len(exercise.hints)
    number = _shown[name] % total + 1
    _shown[name] += 1
    more = (
        f'`hint("{name}")` again for the next one.'
        if number < total
        else f'That was the last; `solution("{name}")` shows one way.'
    )
    show(Answer("hint", f"{name}: hint {number} of {total}", (exercise.hints[number - 1], more)))


def solution(name: str) -> None:
    """Show the solution where the course's solutions/ folder is present; else say where to ask."""
    try:
        exercise = exercises.find(name)
    except exercises.UnknownExercise as unknown:
        return show(Answer("unknown", str(unknown)))
    source = project_root() / "solutions" / f"{exercise.chapter}.py"
    try:
        code = solved(source.read_text("utf-8"), name)
    except OSError:
        return show(
            Answer(
                "solution",
                f"{name}: the solutions are not in this copy of the course",
                ("Ask your instructor for the solutions folder, or for an hour of their time.",),
            )
        )
    show(Answer("solution", f"{name}: one solution", code=code))


def solved(source: str, name: str) -> str:
    """The cell of a chapter's source, in percent format, that defines the function `name`, without its markers."""
    cells = re.split(r"^# %%.*\n", source, flags=re.MULTILINE)
    cell = next((cell for cell in cells if BEGIN in cell and re.search(rf"^def {name}\(", cell, re.MULTILINE)), None)
    if cell is None:
        raise LookupError(f"the source defines no solution for {name}")
    return "\n".join(line for line in cell.strip().splitlines() if line.strip() not in (BEGIN, END))

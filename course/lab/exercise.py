"""How an exercise is declared: once, in course/lab/exercises/, for the notebook, the checks and the grader alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """One input that a check calls the function with, and that the learner may see."""

    label: str
    args: tuple

    def __init__(self, label: str, *args: Any):
        object.__setattr__(self, "label", label)
        object.__setattr__(self, "args", args)


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation that people write, and the hint it deserves.

    `wrong` is made from the course's own function, not from a solution: it is shipped to students.
    """

    name: str
    wrong: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """
    name        the function that the learner writes; unique in the whole course
    chapter     the notebook's stem, such as "01_pca"
    points      what it is worth in grading
    contract    arguments and result with their shapes; the first paragraph of the stub's docstring
    reference   the course's own function, written by another road than the solution
    cases       () -> list of Case; a function, so that nothing is computed before it is asked for
    hints       from gentle to plain, shown one at a time
    mistakes    what goes wrong, each with its own hint
    forbidden   names that the learner's function may not use: the last part only, "cov" for np.cov
    canonical   maps a result to one of several equally right ones (signs, order) before it is compared; it may raise
                FormulaError, whose message the learner reads
    rtol, atol  |difference| <= atol + rtol |expected|
    """

    name: str
    chapter: str
    points: int
    contract: str
    reference: Callable
    cases: Callable[[], Sequence[Case]]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    forbidden: tuple[str, ...] = ()
    canonical: Callable[[Any], Any] | None = None
    rtol: float = 1e-6
    atol: float = 1e-9

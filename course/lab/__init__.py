"""The learner's side of an exercise: `check`, `hint`, `solution`."""

from course.lab.check import check
from course.lab.help import hint, solution

__all__ = ["check", "hint", "solution"]

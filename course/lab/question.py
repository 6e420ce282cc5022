"""Written answers: how a text cell says that it is a question."""

from __future__ import annotations

import re
from collections.abc import Iterable


def question_in(tags: Iterable[str]) -> tuple[str, int] | None:
    """The name and the points of the question that a cell with these tags is, if it is one."""
    tags = list(tags)
    points = next((int(tag[7:]) for tag in tags if re.fullmatch(r"points-\d{1,3}", tag)), 1)
    names = [tag for tag in tags if tag != "written" and not tag.startswith("points-") and re.fullmatch(r"\w+", tag)]
    return (names[0], points) if "written" in tags and names else None

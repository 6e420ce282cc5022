"""The page that a student gets back: one self-contained HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

if TYPE_CHECKING:
    from course.grading.grade import Sheet

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def feedback_page(student: str, sheets: list[Sheet]) -> str:
    """The feedback on all notebooks of one student. Everything that came from the student is escaped."""
    return _ENVIRONMENT.get_template("feedback.html").render(student=student, sheets=sheets)

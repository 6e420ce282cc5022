"""Written answers: collected on a page for each question, marked by a person in a table, merged into the grades.

A question is a text cell of the notebook with the tags "written", its name, and its points, in the percent format
`# %% [markdown] tags=["written", "why_two", "points-3"]`. nbgrader knows it as a manually graded answer.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course.files import write
from course.grading.report import PAGES, plain
from course.lab.question import question_in
from course.paths import project_root

COLUMNS = ("student", "question", "score", "max_score", "comment")
LONGEST = 50_000  # characters of an answer that are shown

Sheets = Callable[[], Iterator[dict[str, Any]]]


class MarksError(Exception):
    """A table of marks cannot be used; the message says which line, and why."""


@dataclass(frozen=True)
class Mark:
    """What a person gave for one answer."""

    score: float
    comment: str = ""


Marks = dict[tuple[str, str], Mark]  # by student and question


def _texts(content: bytes) -> Iterator[tuple[str, list[str], str]]:
    """The id, the tags and the text of every text cell of a notebook file; nothing for what is no notebook."""
    try:
        cells = json.loads(content.decode("utf-8-sig"))["cells"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for cell in cells if isinstance(cells, list) else []:
        if isinstance(cell, dict) and cell.get("cell_type") == "markdown":
            metadata, source = cell.get("metadata"), cell.get("source", "")
            tags = metadata.get("tags") if isinstance(metadata, dict) else None
            text = source if isinstance(source, str) else "".join(map(str, source if isinstance(source, list) else ()))
            yield str(cell.get("id")), list(map(str, tags)) if isinstance(tags, list) else [], text


@functools.cache
def questions(chapter: str) -> dict[str, tuple[int, str, str]]:
    """The questions of a chapter: by name, the points, the text as it was released, and the id of its cell."""
    path = project_root() / "notebooks" / f"{chapter}.ipynb"
    texts = _texts(path.read_bytes()) if path.exists() else ()
    return {known[0]: (known[1], text, cell) for cell, tags, text in texts if (known := question_in(tags))}


def answers(content: bytes, chapter: str | None) -> dict[str, str]:
    """What a student wrote to each question of the chapter; empty where the released text still stands."""
    asked = questions(chapter) if chapter else {}
    found = dict.fromkeys(asked, "")
    if not asked:
        return found
    by_id = {cell: name for name, (_, _, cell) in asked.items()}
    for cell, tags, text in _texts(content):
        known = question_in(tags)
        name = known[0] if known else by_id.get(cell, "")
        if name in asked and text.strip() != asked[name][1].strip():
            found[name] = text[:LONGEST]
    return found


def read_marks(path: Path) -> Marks:
    """The marks of a table; lines without a score are left out. Raises MarksError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MarksError(f"{path} cannot be read ({error}); nothing was graded") from None
    if rows and not {"student", "question", "score", "max_score"} <= set(rows[0]):
        raise MarksError(f"{path} must have the columns {', '.join(COLUMNS)}; nothing was graded")
    marks: Marks = {}
    for number, row in enumerate(rows, 2):
        if not (row["score"] or "").strip():
            continue
        key = ((row["student"] or "").removeprefix("'"), row["question"] or "")
        try:
            score, most = float(row["score"]), float(row["max_score"])
        except (TypeError, ValueError):
            score = most = math.nan
        if not 0 <= score <= most:
            raise MarksError(
                f"{path}, line {number}: the score {row['score']!r} of {key[0]} is not between 0 and {row['max_score']}"
            )
        if key in marks:
            raise MarksError(f"{path}, line {number}: {key[0]} has two marks for {key[1]}")
        marks[key] = Mark(score, (row.get("comment") or "").strip())
    return marks


def merged(sheets: Sheets, marks: Marks) -> Sheets:
    """The records, with a result for every written answer: marked, to be marked, or no answer."""

    def read() -> Iterator[dict[str, Any]]:
        for sheet in sheets():
            asked = questions(sheet["chapter"]) if sheet["chapter"] and sheet["results"] else {}
            more = [_result(sheet, name, points, marks) for name, (points, _, _) in asked.items()]
            yield {**sheet, "results": [*sheet["results"], *more]}

    return read


def _result(sheet: dict[str, Any], name: str, points: int, marks: Marks) -> dict[str, Any]:
    mark = marks.get((sheet["student"], name))
    status = "marked" if mark else "to be marked" if sheet.get("written", {}).get(name) else "no answer"
    given = min(mark.score, points) if mark else 0
    told = {"missed": [], "message": mark.comment if mark else "", "visible": [], "mistake": "", "printed": ""}
    score = int(given) if given == int(given) else given
    return {"exercise": name, "score": score, "max_score": points, "status": status, "written": True, **told}


def write_pages(sheets: Sheets, out: Path, marks: Marks) -> None:
    """A page for each question, and marks.csv with a line for each answer: lines that are in it already stay."""
    by_question: dict[str, list[tuple[str, str, Mark | None]]] = {}
    asked: dict[str, tuple[int, str, str]] = {}
    for sheet in sheets():
        for name, text in sheet.get("written", {}).items():
            asked |= questions(sheet["chapter"])
            by_question.setdefault(name, []).append((sheet["student"], text, marks.get((sheet["student"], name))))
    if not by_question:
        return
    for name, theirs in by_question.items():
        page = PAGES.get_template("written.html").render(name=name, points=asked[name][0], answers=theirs)
        write(out / "written" / f"{name}.html", page)
    lines = [(student, name, asked[name][0]) for name, theirs in by_question.items() for student, _, _ in theirs]
    _extend(out / "written" / "marks.csv", lines)


def _extend(path: Path, lines: list[tuple[str, str, int]]) -> None:
    text = path.read_text("utf-8-sig") if path.exists() else ",".join(COLUMNS) + "\n"
    present = {(row.get("student"), row.get("question")) for row in csv.DictReader(io.StringIO(text))}
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    for student, name, points in dict.fromkeys(lines):
        if (plain(student), name) not in present:
            table.writerow((plain(student), name, "", points, ""))
    if stream.getvalue() or not path.exists():
        write(path, text + ("" if text.endswith("\n") else "\n") + stream.getvalue())

"""What becomes of the records: tables for people and for other systems, a page for each student, one for the class."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from course.files import write
from course.lab import exercises

COLUMNS = ("student", "notebook", "exercise", "score", "max_score", "status")
ALIKE = 0.9  # of the shingles of two notebooks that must be common for them to be shown as near-identical

Sheet = dict[str, Any]
Sheets = Callable[[], Iterator[Sheet]]

PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.filters["code"] = lambda text: jinja2.utils.markupsafe.Markup(
    re.sub(r"`([^`]+)`", r"<code>\1</code>", str(jinja2.utils.markupsafe.escape(text)))
)


def score(sheet: Sheet) -> int:
    """The points of one notebook."""
    return sum(result["score"] for result in sheet["results"])


def max_score(sheet: Sheet) -> int:
    """The points that one notebook could have had."""
    return sum(result["max_score"] for result in sheet["results"])


PAGES.globals.update(score=score, max_score=max_score, contract=lambda name: exercises.find(name).contract)


def write_all(sheets: Sheets, out: Path) -> int:
    """Every table and page from the records; returns how many submissions could not be graded."""
    write(out / "grades.csv", _table(sheets))
    for chapter, text in canvas(sheets).items():
        write(out / "canvas" / f"{chapter}.csv", text)
    for student, mine in groupby(sheets(), key=lambda sheet: sheet["student"]):
        notebooks = list(mine)
        write(out / "feedback" / f"{_file_name(student)}.html", feedback_page(student, notebooks))
        write(out / "gradescope" / _file_name(student) / "results.json", gradescope(notebooks))
    write(out / "class.html", class_page(sheets))
    return sum(bool(sheet.get("again")) for sheet in sheets())


def _file_name(student: str) -> str:
    """The student's name as it may stand in a path, whatever it is."""
    return re.sub(r"[^\w .@+-]", "_", student).strip(". ") or "_"


def _table(sheets: Sheets) -> str:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for sheet in sheets():
        whose = (plain(sheet["student"]), plain(sheet["notebook"]))
        for result in sheet["results"]:
            table.writerow((*whose, result["exercise"], result["score"], result["max_score"], result["status"]))
        if not sheet["results"]:
            table.writerow((*whose, "", 0, 0, sheet["problems"][0]))
    return stream.getvalue()


def plain(text: str) -> str:
    """A cell that a spreadsheet takes as text: a leading = + - @ would be run as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def canvas(sheets: Sheets) -> dict[str, str]:
    """Canvas's import format, a table for each chapter: the best notebook of each student.

    A student's folder is taken as the SIS login, or, of a name that Canvas gave its download, the number as the ID.
    """
    best: dict[str, dict[str, int]] = defaultdict(dict)
    worth: dict[str, int] = {}
    for sheet in sheets():
        if sheet["chapter"]:
            mine = best[sheet["chapter"]]
            mine[sheet["student"]] = max(score(sheet), mine.get(sheet["student"], 0))
            worth[sheet["chapter"]] = max_score(sheet)
    tables = {}
    for chapter, scores in sorted(best.items()):
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("Student", "ID", "SIS User ID", "SIS Login ID", "Section", chapter))
        table.writerow(("    Points Possible", "", "", "", "", worth[chapter]))
        for student, points in sorted(scores.items()):
            numbered = re.fullmatch(r"(.+)_(\d+)", student)
            name, number = (numbered[1], numbered[2]) if numbered else (student, "")
            table.writerow((plain(name), number, "", "" if numbered else plain(student), "", points))
        tables[chapter] = stream.getvalue()
    return tables


def gradescope(notebooks: list[Sheet]) -> str:
    """Gradescope's results.json for one student."""
    tests = [
        {
            "name": f"{sheet['notebook']}: {result['exercise']}",
            "score": result["score"],
            "max_score": result["max_score"],
            "output": "\n".join([result["status"], *told(result)]),
            "visibility": "visible",
        }
        for sheet in notebooks
        for result in sheet["results"]
    ]
    problems = [problem for sheet in notebooks for problem in sheet["problems"]]
    whole = {"score": sum(map(score, notebooks)), "output": "\n".join(problems), "tests": tests}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def told(result: dict[str, Any]) -> list[str]:
    """What a student is told of one exercise: never a hidden input, an expected value or a line of a test."""
    if result["status"] == "passed":
        return []
    if result["status"] == "marked":
        return [result["message"]] if result["message"] else []
    if result["status"] == "not attempted":
        return [exercises.find(result["exercise"]).contract]
    if result["message"] and result["status"] not in ("raised", "wrong value"):
        return [f"{result['message']}."]
    lines = [f"{result['message']}."] if result["message"] and not result["visible"] else []
    lines += [f"What should hold, and does not: {words}" for words in result["missed"]]
    if result["visible"]:
        return [*lines, *result["visible"]]
    if result["missed"]:
        lines.append("On the inputs of the notebook's own check your function is right; others show the difference.")
    return lines


PAGES.globals["told"] = told


def feedback_page(student: str, notebooks: list[Sheet]) -> str:
    """The feedback on all notebooks of one student, one self-contained page; all that came from them is escaped."""
    return PAGES.get_template("feedback.html").render(student=student, sheets=notebooks)


def class_page(sheets: Sheets) -> str:
    """The instructor's page: results by exercise, the commonest mistakes, misbehaviour, near-identical work."""
    statuses: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    mistakes: Counter[tuple[str, str, str]] = Counter()
    totals: dict[str, list[int]] = defaultdict(list)
    odd, prints = [], defaultdict(list)
    for sheet in sheets():
        chapter = sheet["chapter"] or ""
        for result in sheet["results"]:
            statuses[chapter, result["exercise"]][result["status"]] += 1
            if result["mistake"]:
                mistakes[chapter, result["exercise"], result["mistake"]] += 1
        if chapter:
            totals[chapter].append(score(sheet))
            prints[chapter].append((sheet["student"], sheet["notebook"], np.array(sheet["shingles"], dtype=np.int64)))
        worst = [r for r in sheet["results"] if r["status"] in ("time limit", "died", "forbidden")]
        if sheet["problems"] or worst:
            notes = sheet["problems"] + [f"{r['exercise']}: {r['message'] or r['status']}" for r in worst]
            odd.append((sheet["student"], sheet["notebook"], notes))
    return PAGES.get_template("class.html").render(
        statuses=dict(statuses),
        mistakes=mistakes.most_common(30),
        totals={chapter: (len(t), min(t), sum(t) / len(t), max(t)) for chapter, t in sorted(totals.items())},
        odd=odd,
        alike=[pair for group in prints.values() for pair in _alike(group)][:100],
    )


def _alike(group: list[tuple[str, str, np.ndarray]]) -> Iterator[tuple[str, str, str, str, float]]:
    for (a, a_name, x), (b, b_name, y) in combinations(group, 2):
        fewer, more = sorted((len(x), len(y)))
        if a != b and fewer >= 20 and fewer >= ALIKE * more:
            common = len(np.intersect1d(x, y, assume_unique=True))
            if common >= ALIKE * (len(x) + len(y) - common):
                yield a, a_name, b, b_name, common / (len(x) + len(y) - common)

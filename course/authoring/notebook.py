"""A chapter's notebook in its two versions, and its two file formats, always the same bytes."""

from __future__ import annotations

import copy
import hashlib
import re
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from course.lab import exercises
from course.lab.help import BEGIN, END
from course.lab.question import question_in

CHECKED = "nbval-check-output"  # nbval compares the output of cells with this tag, and no other output is stored
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# Written into every .py; pyproject.toml has the same two, for the files that jupytext writes itself.
_FILTERS = {
    "notebook_metadata_filter": "-course,-language_info,-widgets,-jupytext.text_representation.jupytext_version",
    "cell_metadata_filter": "tags,-all",
}
STUB = "raise NotImplementedError  # your code here"


class AuthoringError(Exception):
    """A source cannot be built, or a file would be lost; the message says where and what to do."""


def read(path: Path) -> NotebookNode:
    """The notebook in a .py (percent format) or .ipynb file. Raises AuthoringError when it is not one."""
    try:
        return jupytext.read(path, fmt="py:percent" if path.suffix == ".py" else None)
    except Exception as error:  # jupytext and nbformat raise whatever their parsers raise
        raise AuthoringError(f"{path} is not a notebook that can be read ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:120]}" if lines else type(error).__name__


def fingerprint(nb: NotebookNode) -> str:
    """A hash of what a person wrote, the cells' types and sources: the same for both halves of a pair."""
    content = [f"{cell.cell_type}\0{cell.source.strip()}" for cell in nb.cells if cell.source.strip()]
    return hashlib.sha256("\1".join(content).encode()).hexdigest()[:16]


def base_of(nb: NotebookNode) -> str | None:
    """The fingerprint that a notebook had when it was last built or synchronised."""
    return nb.metadata.get("course", {}).get("base")


def exercise_of(cell: NotebookNode) -> str | None:
    """The name of the function that a cell marks as a solution, if it marks one."""
    if cell.cell_type != "code" or BEGIN not in cell.source:
        return None
    found = re.search(r"^def (\w+)\(", cell.source, re.MULTILINE)
    return found.group(1) if found else None


def without_solutions(nb: NotebookNode, name: str) -> NotebookNode:
    """The student's version: marked regions become a stub, cells tagged "solution" go."""
    student = copy.deepcopy(nb)
    student.cells = [cell for cell in student.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in student.cells:
        cell.source = _stubbed(cell.source, name)
    return student


def solution_lines(source: str, name: str) -> list[str]:
    """The lines between the markers, stripped, blank ones left out. Raises AuthoringError for unpaired markers."""
    return [line.strip() for line, hidden in _regions(source, name) if hidden and line.strip()]


def _regions(source: str, name: str) -> list[tuple[str, bool]]:
    inside, lines = False, []
    for line in source.splitlines():
        marker = line.strip()
        if marker in (BEGIN, END):
            if (marker == BEGIN) is inside:
                raise AuthoringError(f"{name}: {marker!r} stands where the other marker was expected, in:\n{source}")
            inside = marker == BEGIN
            if inside:
                lines.append((line[: len(line) - len(line.lstrip())] + STUB, False))
        else:
            lines.append((line, inside))
    if inside:
        raise AuthoringError(f"{name}: {BEGIN!r} is never closed, in:\n{source}")
    return lines


def _stubbed(source: str, name: str) -> str:
    return "\n".join(line for line, hidden in _regions(source, name) if not hidden)


def mark_for_nbgrader(nb: NotebookNode, chapter: str) -> None:
    """Give the cell of each declared exercise, and its check, the metadata that nbgrader knows them by.

    The exercise is nbgrader's "solution" cell, the check its "autograder tests" with the exercise's points, a written
    answer its "manually graded answer".
    """
    points = {e.name: e.points for e in exercises.of_chapter(chapter)} if chapter in exercises.CHAPTERS else {}
    patterns = {"exercise": r"^def (\w+)\(", "check": r"\bcheck\(\s*[\"'](\w+)[\"']"}
    marked: set[str | tuple[str, str]] = set()
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)
        question = question_in(cell.metadata.get("tags", [])) if cell.cell_type == "markdown" else None
        if question and question[0] not in marked:
            marked.add(question[0])
            known = {"schema_version": 3, "task": False, "cell_type": "markdown", "grade_id": question[0]}
            known |= {"grade": True, "solution": True, "locked": False, "points": question[1]}
            cell.metadata["nbgrader"] = NotebookNode(known)
        kind = next((tag for tag in patterns if tag in cell.metadata.get("tags", [])), "")
        found = [name for name in re.findall(patterns.get(kind, r"(?!)"), cell.source, re.MULTILINE) if name in points]
        if cell.cell_type != "code" or not found or (kind, found[0]) in marked:
            continue
        marked.add((kind, found[0]))
        known = {"schema_version": 3, "task": False, "cell_type": "code"}
        if kind == "exercise":
            known |= {"grade_id": f"solution-{found[0]}", "grade": False, "solution": True, "locked": False}
        else:
            known |= {"grade_id": found[0], "grade": True, "solution": False, "locked": True}
            known |= {"points": points[found[0]]}
        cell.metadata["nbgrader"] = NotebookNode(known)


def finished(nb: NotebookNode, chapter: str, outputs: dict[str, list]) -> NotebookNode:
    """The notebook as it is stored: fixed metadata, cell ids from the content, no outputs but the compared ones.

    outputs maps the source of a compared cell to its outputs.
    """
    done = nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}, "course": {"chapter": chapter}}
    )
    seen: Counter[str] = Counter()
    for cell in nb.cells:
        tags = cell.metadata.get("tags", [])
        digest = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        stored = NotebookNode(
            id=digest if seen[digest] == 1 else f"{digest}-{seen[digest]}",
            cell_type=cell.cell_type,
            metadata={"tags": list(tags)} if tags else {},
            source=cell.source,
        )
        if cell.cell_type == "code":
            kept = copy.deepcopy(outputs.get(cell.source, [])) if CHECKED in tags else []
            stored["execution_count"] = len(done.cells) + 1 if kept else None  # nbval compares none without a count
            stored["outputs"] = kept
        done.cells.append(stored)
    mark_for_nbgrader(done, chapter)
    done.metadata["course"]["base"] = fingerprint(done)
    return done


def as_ipynb(nb: NotebookNode) -> str:
    """The text of the .ipynb file."""
    nbformat.validate(nb)
    return nbformat.writes(nb, version=4) + "\n"


def as_py(nb: NotebookNode) -> str:
    """The text of the .py file in percent format, as jupytext itself writes it under the project's settings."""
    plain = copy.deepcopy(nb)
    plain.metadata = NotebookNode(kernelspec=KERNEL, jupytext=_FILTERS)
    return jupytext.writes(plain, fmt="py:percent")


def compared_outputs(path: Path) -> dict[str, list]:
    """The outputs that a stored .ipynb keeps for its compared cells, by the cell's source."""
    if not path.exists():
        return {}
    return {
        cell.source: cell.outputs
        for cell in read(path).cells
        if cell.cell_type == "code" and CHECKED in cell.metadata.get("tags", []) and cell.outputs
    }


def executed_outputs(nb: NotebookNode, folder: Path) -> dict[str, list]:
    """Run a notebook in `folder` and return the outputs of its compared cells, without what differs between runs."""
    from nbclient import NotebookClient

    ran = copy.deepcopy(nb)
    NotebookClient(ran, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    outputs = {}
    for cell in ran.cells:
        if cell.cell_type == "code" and CHECKED in cell.metadata.get("tags", []):
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = None
            outputs[cell.source] = cell.outputs
    return outputs

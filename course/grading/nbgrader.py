"""At home in nbgrader: our sandbox as its execution step, and our marks in its gradebook. nbgrader is optional.

Two ways. With these lines in nbgrader_config.py, `nbgrader autograde` grades in the sandbox, and formgrader, manual
grading, late penalties, feedback and export go on as ever:

    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput", "course.grading.nbgrader.OwnCells",
        "nbgrader.preprocessors.OverwriteKernelspec", "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata"]
    c.Autograde.autograde_preprocessors = [
        "course.grading.nbgrader.SandboxExecute", "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties", "nbgrader.preprocessors.CheckCellMetadata"]
    c.SandboxExecute.seed = 1  # of the hidden tests' inputs; without this line drawn anew for each command

`python -m course.grading.nbgrader sqlite:///gradebook.db 01_pca` enters a chapter into the gradebook, as an assignment
of the same name; submissions lie in submitted/<student>/01_pca/01_pca.ipynb. No hidden test gets into the gradebook.

Or `course grade ... --gradebook sqlite:///gradebook.db`, many times faster, writes the marks alone: enough for export
and for reports. formgrader shows what `nbgrader autograde` left in autograded/, and late penalties are given there.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Bool, Float, Integer

from course.authoring import notebook
from course.grading.grade import prove_the_walls
from course.grading.report import score, told
from course.grading.work import Record
from course.grading.workers import grade_here
from course.lab import exercises
from course.paths import project_root

ATTEMPTS, PAUSE = 5, 2.0  # tries on a locked gradebook, and seconds between them; SQLite itself waits 5 s in each


class GradebookError(Exception):
    """The gradebook cannot be written; the message says why. No record is lost: the same command goes on."""


def _known(cell: NotebookNode) -> Record:
    known = cell.metadata.get("nbgrader")
    return known if isinstance(known, dict) else {}


def released(chapter: str) -> NotebookNode:
    """The notebook as students got it, with nbgrader's metadata. Raises GradebookError for an unknown chapter."""
    path = project_root() / "notebooks" / f"{chapter}.ipynb"
    if not path.exists():
        raise GradebookError(f"there is no notebook of the chapter {chapter!r} ({path})")
    return notebook.read(path)


def chapter_called(name: str) -> str:
    """The chapter of a notebook's or an assignment's name, such as "01_pca". Raises GradebookError."""
    for chapter in exercises.CHAPTERS:
        if name.startswith(chapter):
            return chapter
    raise GradebookError(f"{name!r} is no chapter of the course; there are {', '.join(exercises.CHAPTERS)}")


# --- nbgrader's preprocessors ---


def restore(nb: NotebookNode, original: NotebookNode) -> None:
    """Give a submitted notebook the metadata that nbgrader goes by, whatever it claims itself.

    The cells of exercises and checks are known by their code, written answers by their names; a check that is missing
    is put back at the end. Of what the student says about cells and points nothing is kept.
    """
    wanted = {known["grade_id"]: cell for cell in original.cells if (known := _known(cell))}
    places: dict[str, NotebookNode] = {}
    for cell in nb.cells:
        names = _names_of(cell)
        cell.metadata.pop("nbgrader", None)
        name = next((name for name in names if name in wanted and wanted[name].cell_type == cell.cell_type), None)
        if name:
            places[name] = cell  # of several the last, as when they run
    for name, cell in wanted.items():
        if name not in places and _known(cell)["grade"]:
            nb.cells.append(NotebookNode(cell, metadata=NotebookNode()))
            places[name] = nb.cells[-1]
        if name in places:
            places[name].metadata["nbgrader"] = NotebookNode(_known(cell))
    for number, cell in enumerate(nb.cells):  # a copied cell often keeps its id
        cell.pop("id", None)
        if (nb.nbformat, nb.nbformat_minor) >= (4, 5):
            cell["id"] = f"cell-{number}"


def _names_of(cell: NotebookNode) -> list[str]:
    """The names that a submitted cell may have: by its code, or for a text by what it claims."""
    if cell.cell_type != "code":
        return [str(_known(cell).get("grade_id"))]
    check = re.fullmatch(r"(\w+) = check\(\s*[\"']\1[\"']\s*\)", cell.source.strip())
    functions = re.findall(r"^def (\w+)\s*\(", cell.source, re.MULTILINE)
    return [check[1]] if check else [f"solution-{name}" for name in functions]


def outputs_of(name: str, points: float, results: list[Record]) -> list[NotebookNode]:
    """The outputs by which nbgrader gives the cell `name` our mark.

    nbgrader gives all points to a cell without any verdict, so there always is one: a number of points, or an error.
    """
    result = next((result for result in results if result["exercise"] == name), None)
    if result is None:
        return [_error("not tested", ["There is no hidden test for this cell: a person must mark it."])]
    if result["score"] <= 0:
        return [_error(result["status"], told(result))]
    points = min(float(result["score"]), float(points))
    return [nbformat.v4.new_output("execute_result", data={"text/plain": repr(points)}, execution_count=1)]


def _error(status: str, lines: list[str]) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=status, evalue=" ".join(lines), traceback=[status, *lines])


class OwnCells(Preprocessor):
    """Instead of nbgrader's DeduplicateIds: the released notebook says which cells there are, not the submitted one."""

    enabled = Bool(True).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        restore(nb, released(chapter_called(resources["nbgrader"]["notebook"])))
        return nb, resources


@functools.cache
def _the_walls() -> str:
    return prove_the_walls()  # once for all submissions of a command


class SandboxExecute(Preprocessor):
    """Instead of nbgrader's Execute: the student's functions run in the sandbox, the hidden tests in this process."""

    enabled = Bool(True).tag(config=True)
    seed = Integer(None, allow_none=True, help="of the hidden tests' inputs; drawn anew by default").tag(config=True)
    time_limit = Float(30.0, help="seconds for each cell and each call").tag(config=True)
    sandbox = Bool(True, help="False: there is none here, and every submission is trusted").tag(config=True)

    _drawn = secrets.randbits(32)  # for all submissions of one command

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        name = f"{resources['nbgrader']['notebook']}.ipynb"
        seed = self._drawn if self.seed is None else self.seed
        self.log.info("the hidden tests draw their inputs with c.SandboxExecute.seed = %d", seed)
        if self.sandbox:
            self.log.info("in force: %s", _the_walls())
        record = grade_here(name, nbformat.writes(nb).encode(), self.sandbox, self.time_limit, seed)
        for problem in record["problems"]:
            self.log.warning("%s", problem)
        mark(nb, record)
        return nb, resources


def mark(nb: NotebookNode, record: Record) -> None:
    """Write the verdicts of a record into the notebook, an output for every cell that nbgrader grades by outputs."""
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            known = _known(cell)
            if known.get("grade") and not known.get("solution"):
                cell.outputs = outputs_of(known["grade_id"], known["points"], record["results"])
                cell.execution_count = 1


# --- nbgrader's gradebook ---


def require() -> None:
    """Raises GradebookError where nbgrader is not installed."""
    if importlib.util.find_spec("nbgrader") is None:
        raise GradebookError("nbgrader is not installed, so there is no gradebook to write to: pip install nbgrader")


def write_gradebook(sheets: Callable[[], Iterator[Record]], url: str, assignment: str = "") -> int:
    """Write the records of a run into nbgrader's gradebook, and return how many notebooks were written.

    Each chapter is an assignment of its own name, or all of them are notebooks of `assignment`. Of two notebooks of a
    chapter by one student the better one counts. A mark that a person gave stays; where ours then changes, nbgrader is
    told that the person should look again. Raises GradebookError.
    """
    best: dict[tuple[str, str], tuple[int, list[Record]]] = {}
    for sheet in sheets():
        if sheet["chapter"] and not sheet.get("again"):
            key = (sheet["student"], sheet["chapter"])
            if key not in best or score(sheet) > best[key][0]:
                best[key] = (score(sheet), sheet["results"])

    def write(gradebook: Any) -> None:
        for chapter in sorted({chapter for _, chapter in best}):
            _enter(gradebook, chapter, assignment or chapter)
        for (student, chapter), (_, results) in best.items():
            _write_one(gradebook, student, chapter, assignment or chapter, results)

    _with_gradebook(url, write)
    return len(best)


def enter(chapter: str, url: str, assignment: str = "") -> None:
    """Enter a chapter as an assignment, instead of `nbgrader generate_assignment`. Raises GradebookError."""
    _with_gradebook(url, lambda gradebook: _enter(gradebook, chapter, assignment or chapter))


def _with_gradebook(url: str, write: Callable[[Any], None]) -> None:
    """Run `write` on the open gradebook, again where another program holds its lock."""
    require()
    from nbgrader.api import Gradebook, InvalidEntry
    from nbgrader.utils import setenv
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # it runs `alembic`
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with warnings.catch_warnings(), setenv(PATH=programs), Gradebook(url) as gradebook:
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own relations between its tables
                return write(gradebook)
        except (SQLAlchemyError, InvalidEntry) as error:
            reason = str(error).partition("\n")[0]
            if "locked" not in reason:
                raise GradebookError(f"{url} cannot be written to ({reason}); the records are kept") from None
            if attempt < ATTEMPTS:
                print(f"{url} is locked by another program; try {attempt + 1} of {ATTEMPTS}", file=sys.stderr)
                time.sleep(PAUSE)
    raise GradebookError(f"{url} is locked by another program; the records are kept, and the same command writes them")


def _enter(gradebook: Any, chapter: str, assignment: str) -> None:
    """The assignment, its notebook, and the cells that nbgrader must know of: as its generate_assignment would."""
    from nbgrader.api import MissingEntry
    from nbgrader.utils import compute_checksum

    gradebook.update_or_create_assignment(assignment)
    try:
        entered = gradebook.find_notebook(chapter, assignment)
    except MissingEntry:
        entered = gradebook.update_or_create_notebook(chapter, assignment)
    done = {cell.name for cell in entered.source_cells}
    for cell in released(chapter).cells:
        known = _known(cell)
        if not known or known["grade_id"] in done:
            continue
        place = (known["grade_id"], chapter, assignment)
        if known["grade"]:
            gradebook.update_or_create_grade_cell(*place, max_score=float(known["points"]), cell_type=cell.cell_type)
        if known["solution"]:
            gradebook.update_or_create_solution_cell(*place)
        gradebook.update_or_create_source_cell(
            *place,
            cell_type=cell.cell_type,
            source=cell.source,
            locked=known["locked"],
            checksum=compute_checksum(cell),
        )


def _write_one(gradebook: Any, student: str, chapter: str, assignment: str, results: list[Record]) -> None:
    from nbgrader.api import Comment, Grade

    gradebook.update_or_create_student(_id(student))
    submission = gradebook.update_or_create_submission(assignment, _id(student))
    book = next(book for book in submission.notebooks if book.name == chapter)
    grades = {grade.name: grade for grade in book.grades}
    comments = {comment.name: comment for comment in book.comments}
    for result in results:
        name = result["exercise"]
        if result.get("written"):  # nbgrader's "manually graded answer": a mark that formgrader gave stays
            if result["status"] == "marked" and name in grades and grades[name].manual_score is None:
                grades[name].manual_score, grades[name].needs_manual_grade = float(result["score"]), False
                comments[name].manual_comment = comments[name].manual_comment or result["message"]
            continue
        if name not in grades:  # the chapter got this exercise after the submission was entered
            cell = gradebook.find_grade_cell(name, chapter, assignment)
            grades[name] = Grade(cell_id=cell.id, notebook=book)
        grade = grades[name]
        grade.needs_manual_grade = grade.manual_score is not None and (
            bool(grade.needs_manual_grade) or grade.auto_score != float(result["score"])
        )
        grade.auto_score = float(result["score"])
        remark = f"solution-{name}"
        if remark not in comments:
            cell = gradebook.find_solution_cell(remark, chapter, assignment)
            comments[remark] = Comment(cell_id=cell.id, notebook=book)
        comments[remark].auto_comment = "\n\n".join([result["status"], *told(result)])
    gradebook.db.commit()


def _id(student: str) -> str:
    """A student's name as nbgrader can keep it: it is a folder's name of one level there, of 128 characters at most."""
    plain = re.sub(r"[/\\\0]", "_", student).strip(". ") or "_"
    return plain if len(plain) <= 128 else f"{plain[:100]}-{hashlib.sha256(student.encode()).hexdigest()[:16]}"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("python -m course.grading.nbgrader URL CHAPTER", file=sys.stderr)
        return 2
    try:
        enter(chapter_called(arguments[1]), arguments[0])
    except GradebookError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    print(f"{arguments[1]} is an assignment in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`course build`: solutions/NN_name.py -> solutions/NN_name.ipynb and notebooks/NN_name.{py,ipynb}."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode

from course.authoring import notebook
from course.authoring.notebook import CHECKED, AuthoringError
from course.files import write
from course.lab import exercises

_CHAPTER = re.compile(r"\d\d_[a-z0-9_]+")


def chapters(root: Path, only: Iterable[str] = ()) -> list[str]:
    """The chapters that have a source, or those of them that are asked for. Raises AuthoringError for unknown ones."""
    known = sorted(path.stem for path in (root / "solutions").glob("*.py") if _CHAPTER.fullmatch(path.stem))
    if not known:
        raise AuthoringError(f"{root / 'solutions'} holds no chapter; a student bundle cannot be built from")
    only = list(only)
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise AuthoringError(
                f"there is no chapter {name!r}; "
                + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}")
            )
    return only or known


def outputs_of(root: Path, chapter: str, rerun: bool = False) -> dict[str, list]:
    """The outputs that nbval compares: the stored ones, or new ones where a compared cell has none yet."""
    source = notebook.read(root / "solutions" / f"{chapter}.py")
    stored = notebook.compared_outputs(root / "solutions" / f"{chapter}.ipynb")
    wanted = [c.source for c in source.cells if c.cell_type == "code" and CHECKED in c.metadata.get("tags", [])]
    if wanted and (rerun or any(text not in stored for text in wanted)):
        return notebook.executed_outputs(source, root / "notebooks")
    return stored


def forms(root: Path, chapter: str, outputs: dict[str, list]) -> dict[Path, str]:
    """Every generated file of a chapter and its text."""
    source = notebook.read(root / "solutions" / f"{chapter}.py")
    _hold_to_declarations(source, chapter)
    full = notebook.finished(source, chapter, outputs)
    student = notebook.finished(notebook.without_solutions(source, chapter), chapter, outputs)
    return {
        root / "solutions" / f"{chapter}.py": notebook.as_py(full),
        root / "solutions" / f"{chapter}.ipynb": notebook.as_ipynb(full),
        root / "notebooks" / f"{chapter}.py": notebook.as_py(student),
        root / "notebooks" / f"{chapter}.ipynb": notebook.as_ipynb(student),
    }


def _hold_to_declarations(source: NotebookNode, chapter: str) -> None:
    """A chapter's exercise cells and its declared exercises name the same functions, with the same contracts."""
    written = {name: cell.source for cell in source.cells if (name := notebook.exercise_of(cell))}
    declared = {exercise.name: exercise for exercise in exercises.of_chapter(chapter)}
    if list(written) != list(declared):
        raise AuthoringError(
            f"{chapter}: the source has the exercises {', '.join(written) or 'none'}; "
            f"course/lab/exercises declares {', '.join(declared) or 'none'}"
        )
    for name, code in written.items():
        words = " ".join(code.split())
        if " ".join(declared[name].contract.split()) not in words:
            raise AuthoringError(
                f"{chapter}: the docstring of {name} must begin with its contract:\n{declared[name].contract}"
            )


def stale(root: Path, only: Iterable[str] = ()) -> list[str]:
    """What differs from its source, a line a file; empty when everything is as the builder would write it."""
    complaints = []
    for chapter in chapters(root, only):
        outputs = notebook.compared_outputs(root / "solutions" / f"{chapter}.ipynb")
        for path, text in forms(root, chapter, outputs).items():
            name = path.relative_to(root)
            if not path.exists():
                complaints.append(f"{name} is missing: run `course build {chapter}`")
            elif path.read_text("utf-8") != text:
                complaints.append(f"{name} differs from its source: run `course build {chapter}`")
        source = notebook.read(root / "solutions" / f"{chapter}.py")
        for cell in source.cells:
            if cell.cell_type == "code" and CHECKED in cell.metadata.get("tags", []) and cell.source not in outputs:
                complaints.append(
                    f"solutions/{chapter}.ipynb lacks the output to compare: run `course build {chapter}`"
                )
                break
    return complaints


def build(root: Path, only: Iterable[str] = (), rerun: bool = False, overwrite: bool = False) -> list[Path]:
    """Write every generated file that is not up to date, and return those that were written.

    Raises AuthoringError, before anything is written, where that would drop edits that only a generated file has.
    """
    todo = {}
    for chapter in chapters(root, only):
        if not overwrite:
            _refuse_to_lose(root, chapter)
        for path, text in forms(root, chapter, outputs_of(root, chapter, rerun)).items():
            if not path.exists() or path.read_text("utf-8") != text:
                todo[path] = text
    for path, text in todo.items():
        write(path, text)
    return list(todo)


def _refuse_to_lose(root: Path, chapter: str) -> None:
    """Raise when a generated file was edited by hand and its edits are nowhere else."""
    source = notebook.fingerprint(notebook.read(root / "solutions" / f"{chapter}.py"))
    full = root / "solutions" / f"{chapter}.ipynb"
    if full.exists():
        edited = notebook.read(full)
        if notebook.fingerprint(edited) not in (source, notebook.base_of(edited)):
            raise AuthoringError(
                f"{full.relative_to(root)} has edits that its .py lacks. "
                f"To keep them: `course sync {full.relative_to(root)}`. "
                f"To drop them: `course build {chapter} --overwrite`"
            )
    student = root / "notebooks" / f"{chapter}.ipynb"
    if not student.exists():
        return
    base = notebook.base_of(notebook.read(student))
    for path in (student, student.with_suffix(".py")):
        if path.exists() and notebook.fingerprint(notebook.read(path)) != base:
            raise AuthoringError(
                f"{path.relative_to(root)} was worked in. Save your copy under another name, "
                f"then `course build {chapter} --overwrite`"
            )

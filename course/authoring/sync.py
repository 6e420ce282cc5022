"""`course sync`: bring the two halves of a notebook together, and never at the price of an edit.

The .ipynb remembers the fingerprint that both halves had when they last agreed. The half that still has it is the old
one. When both have changed, each keeps what it has, and the person is told.
"""

from __future__ import annotations

from pathlib import Path

from jupytext.combine import combine_inputs_with_outputs

from course.authoring import notebook
from course.authoring.notebook import AuthoringError
from course.files import write


def sync(path: Path) -> str:
    """Carry the newer edits of NAME.py or NAME.ipynb over to the other half; returns what was done, in a sentence.

    Raises AuthoringError when both halves were edited, differently: then neither is touched.
    """
    script, book = path.with_suffix(".py"), path.with_suffix(".ipynb")
    if not book.exists() and not script.exists():
        raise AuthoringError(f"there is neither {script} nor {book}")
    if not book.exists():
        nb = notebook.finished(notebook.read(script), script.stem, {})
        write(book, notebook.as_ipynb(nb))
        return f"{book.name} was missing and is made from {script.name}"
    nb = notebook.read(book)
    if not script.exists():
        write(script, notebook.as_py(nb))
        return f"{script.name} was missing and is made from {book.name}"

    text = notebook.read(script)
    in_book, in_script, base = notebook.fingerprint(nb), notebook.fingerprint(text), notebook.base_of(nb)
    if in_book == in_script:
        done = "both halves already say the same"
        if base == in_book:
            return done
    elif in_script == base:
        write(script, notebook.as_py(nb))
        done = f"{script.name} now has the edits of {book.name}"
    elif in_book == base:
        nb = _with_old_outputs(text, nb)
        done = f"{book.name} now has the edits of {script.name}"
    else:
        changed = _changed_cells(nb, text)
        raise AuthoringError(
            f"both {book.name} and {script.name} were edited, differently ({changed}). Neither was changed. Copy "
            "what you want to keep from one into the other, or delete one of them, then sync again"
        )
    nb.metadata.setdefault("course", {})["base"] = notebook.fingerprint(nb)
    write(book, notebook.as_ipynb(nb))
    return done


def _with_old_outputs(text, nb):
    """The script's cells, with the outputs and the ids that unchanged cells had in the notebook."""
    combined = combine_inputs_with_outputs(text, nb, fmt="py:percent")
    combined.metadata = nb.metadata
    ids = {cell.source: cell.id for cell in nb.cells if "id" in cell}
    for cell in combined.cells:
        cell["id"] = ids.pop(cell.source, cell.id)
    notebook.mark_for_nbgrader(combined, nb.metadata.get("course", {}).get("chapter", ""))
    return combined


def _changed_cells(nb, text) -> str:
    mine = {cell.source.strip() for cell in nb.cells}
    other = {cell.source.strip() for cell in text.cells}
    return f"{len(mine - other)} cells stand only in the notebook, {len(other - mine)} only in the script"

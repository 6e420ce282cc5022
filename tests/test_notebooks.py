"""The notebooks as learners run them: one who solves all, one who gets all wrong; nbval is one who solves nothing."""

import importlib

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from course.authoring import notebook
from course.lab import exercises
from course.paths import project_root


def run(nb):
    """Run a notebook from top to bottom; returns {exercise: the text of its check}. Raises when a cell does."""
    resources = {"metadata": {"path": str(project_root() / "notebooks")}}
    NotebookClient(nb, timeout=300, kernel_name="python3", resources=resources).execute()
    return {
        cell.source.split('"')[1]: "".join(output["data"]["text/plain"] for output in cell.outputs)
        for cell in nb.cells
        if "check" in cell.metadata.get("tags", [])
    }


def names(chapter):
    return [exercise.name for exercise in exercises.of_chapter(chapter)]


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_untouched_every_check_says_not_attempted(chapter, monkeypatch):
    """nbval runs the untouched notebook as a whole, in a kernel; here only its setup, stubs and checks run."""
    nb = nbformat.read(project_root() / "notebooks" / f"{chapter}.ipynb", 4)
    said = []
    monkeypatch.setattr(importlib.import_module("course.lab.check"), "show", said.append)
    shell = InteractiveShell()
    for cell in nb.cells:
        if {"setup", "exercise", "check"} & set(cell.metadata.get("tags", [])):
            shell.run_cell(cell.source).raise_error()
    assert [answer.title for answer in said] == [f"{name}: not attempted" for name in names(chapter)]


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_solved_every_check_passes_without_a_remark(chapter):
    verdicts = run(nbformat.read(project_root() / "solutions" / f"{chapter}.ipynb", 4))
    assert verdicts == {name: f"✔ {name}: passed" for name in names(chapter)}


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_all_wrong_every_cell_runs_and_every_check_names_the_mistake(chapter):
    """The first registered mistake in each stub, called through the declaration, as if a learner had written it."""
    nb = nbformat.read(project_root() / "notebooks" / f"{chapter}.ipynb", 4)
    for cell in nb.cells:
        if "exercise" in cell.metadata.get("tags", []):
            name = next(n for n in names(chapter) if f"def {n}(" in cell.source)
            call = f"find('{name}').mistakes[0].wrong(*given.values())"
            wrong = f"given = dict(locals()); from course.lab.exercises import find; return {call}"
            cell.source = cell.source.replace(notebook.STUB, wrong)
    verdicts = run(nb)
    for name, text in verdicts.items():
        mistake = exercises.find(name).mistakes[0]
        assert f"It looks like a known mistake: {mistake.name}. {mistake.hint}" in text, text


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_the_anatomy_of_a_notebook(chapter):
    nb = nbformat.read(project_root() / "notebooks" / f"{chapter}.ipynb", 4)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    assert nb.cells[0].source.startswith("# ")
    assert "You need" in nb.cells[0].source
    assert "**Predict.**" in text
    assert "Break it" in text
    assert "## What you can do now" in text
    assert "## Test yourself" in text
    assert "<details>" in text
    tags = [tag for cell in nb.cells for tag in cell.metadata.get("tags", [])]
    assert tags.count("setup") == 1
    assert tags.count("exercise") == tags.count("check") == tags.count("help") == len(names(chapter))
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    assert "setup" in code[0].metadata.tags
    wide = [line for cell in code for line in cell.source.splitlines() if len(line) > 100]
    assert wide == [], "JupyterLab cuts these lines off on a laptop's screen"
    longest = max(code, key=lambda cell: len(cell.source.splitlines()))
    assert len(longest.source.splitlines()) <= 24, longest.source

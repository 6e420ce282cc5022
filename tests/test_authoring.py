"""One source, four forms: the builder, its guards, and the pairing in which no edit is lost."""

import asyncio
import json
import os
import shutil
import time

import jupytext
import nbformat
import pytest

from course.authoring import build, notebook
from course.authoring.notebook import AuthoringError
from course.authoring.sync import sync
from course.paths import project_root

CHAPTER = "01_pca"


@pytest.fixture
def root(tmp_path):
    """A copy of the project's sources and generated files of one chapter."""
    for folder in ("solutions", "notebooks"):
        (tmp_path / folder).mkdir()
        for ending in ("py", "ipynb"):
            shutil.copy(project_root() / folder / f"{CHAPTER}.{ending}", tmp_path / folder)
    shutil.copy(project_root() / "pyproject.toml", tmp_path)
    return tmp_path


def texts(root):
    return {path.name: path.read_bytes() for path in sorted(root.rglob(f"{CHAPTER}.*"))}


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_everything_committed_is_what_its_source_says():
    assert build.stale(project_root()) == []


def test_building_again_writes_the_same_bytes(root):
    before = texts(root)
    shutil.rmtree(root / "notebooks")
    assert len(build.build(root)) == 2
    assert texts(root) == before
    assert build.build(root) == []


@pytest.mark.parametrize("name", ["solutions/01_pca.ipynb", "notebooks/01_pca.py", "notebooks/01_pca.ipynb"])
def test_a_generated_file_that_differs_is_reported(root, name):
    edit(root / name, "Predict", "Guess")
    assert build.stale(root) == [f"{name} differs from its source: run `course build 01_pca`"]
    (root / name).unlink()
    assert build.stale(root)[0] == f"{name} is missing: run `course build 01_pca`"


def test_a_changed_source_is_reported_and_built(root):
    edit(root / "solutions/01_pca.py", "## 1.1 Without labels", "## 1.1 No labels")
    assert len(build.stale(root)) == 3
    assert len(build.build(root)) == 3
    assert all(b"1.1 No labels" in text for text in texts(root).values())
    assert build.stale(root) == []


def test_the_students_version_has_stubs_and_no_solution(root):
    student = notebook.read(root / "notebooks/01_pca.ipynb")
    full = notebook.read(root / "solutions/01_pca.ipynb")
    sources = "\n".join(cell.source for cell in student.cells)
    assert sources.count(notebook.STUB) == 6
    assert "SOLUTION" not in sources
    secret = [line for cell in full.cells for line in notebook.solution_lines(cell.source, CHAPTER)]
    assert len(secret) >= 6
    assert not set(secret) & {line.strip() for line in sources.splitlines()}


def test_cells_tagged_solution_are_left_out_of_the_students_version():
    nb = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("answer = 42", metadata={"tags": ["solution"]}),
            nbformat.v4.new_code_cell("question = 6 * 7"),
        ]
    )
    assert [cell.source for cell in notebook.without_solutions(nb, "x").cells] == ["question = 6 * 7"]


def test_a_stub_keeps_the_indentation_and_what_stands_around_it():
    source = "def f(x):\n    y = 2\n    ### BEGIN SOLUTION\n    z = x * y\n    ### END SOLUTION\n    return z"
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    (cell,) = notebook.without_solutions(nb, "x").cells
    assert cell.source == f"def f(x):\n    y = 2\n    {notebook.STUB}\n    return z"


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx = 1",
        "x = 1\n### END SOLUTION",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
    ],
)
def test_unpaired_markers_are_refused(source):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    with pytest.raises(AuthoringError, match="SOLUTION"):
        notebook.without_solutions(nb, "x")


def test_stored_notebooks_hold_no_output_but_the_compared_ones():
    for path in [*project_root().glob("solutions/*.ipynb"), *project_root().glob("notebooks/*.ipynb")]:
        for cell in nbformat.read(path, 4).cells:
            compared = notebook.CHECKED in cell.metadata.get("tags", [])
            assert not cell.get("outputs") or compared, f"{path.name}: {cell.source[:60]}"
            assert not compared or cell.outputs, f"{path.name} has nothing to compare with in: {cell.source[:60]}"


def test_a_missing_compared_output_is_reported(root):
    path = root / "solutions/01_pca.ipynb"
    nb = nbformat.read(path, 4)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    path.write_text(notebook.as_ipynb(nb))
    assert any("lacks the output to compare" in complaint for complaint in build.stale(root))


def test_cell_ids_are_unique_valid_and_survive_an_insertion(root):
    before = [cell.id for cell in nbformat.read(root / "notebooks/01_pca.ipynb", 4).cells]
    assert len(set(before)) == len(before)
    edit(root / "solutions/01_pca.py", "# %% [markdown]\n# ## 1.1", "# %%\nnew = 1\n\n# %% [markdown]\n# ## 1.1")
    build.build(root)
    after = [cell.id for cell in nbformat.read(root / "notebooks/01_pca.ipynb", 4).cells]
    assert len(set(after) - set(before)) == 1
    assert set(before) < set(after)


def test_an_exercise_without_a_declaration_is_refused(root):
    edit(root / "solutions/01_pca.py", "def covariance(X):", "def covariances(X):")
    with pytest.raises(AuthoringError, match="has the exercises standardise, covariances"):
        build.build(root)


def test_a_docstring_that_drifts_from_the_contract_is_refused(root):
    edit(
        root / "solutions/01_pca.py",
        "with divisor n - 1.\n\n    Example: the rows",
        "divisor n.\n\n    Example: the rows",
    )
    with pytest.raises(AuthoringError, match="docstring of covariance must begin with its contract"):
        build.build(root)


def test_the_builder_does_not_drop_an_authors_edit_of_the_notebook(root):
    edit(root / "solutions/01_pca.ipynb", "Without labels", "Sans labels")
    before = texts(root)
    with pytest.raises(AuthoringError, match=r"course sync solutions/01_pca\.ipynb"):
        build.build(root)
    assert texts(root) == before
    sync(root / "solutions/01_pca.ipynb")
    build.build(root)
    assert all(b"Sans labels" in text for text in texts(root).values())


@pytest.mark.parametrize("half", ["notebooks/01_pca.py", "notebooks/01_pca.ipynb"])
def test_the_builder_does_not_overwrite_a_worked_notebook(root, half):
    edit(root / half, "raise NotImplementedError  # your code here", "return X - X.mean(axis=0)")
    edit(root / "solutions/01_pca.py", "Without labels", "No labels")
    before = texts(root)
    with pytest.raises(AuthoringError, match="was worked in"):
        build.build(root)
    assert texts(root) == before
    build.build(root, overwrite=True)
    assert build.stale(root) == []


def test_outputs_are_renewed_on_request(root, monkeypatch, capsys):
    from course import cli

    book = root / "solutions/01_pca.ipynb"
    book.write_text(book.read_text().replace("0.62006", "0.99999"))
    monkeypatch.setattr(cli, "project_root", lambda: root)
    assert cli.main(["build", "01_pca", "--run"]) == 0
    assert "0.99999" not in book.read_text()
    assert "0.62006" in (root / "notebooks/01_pca.ipynb").read_text()


def test_unknown_chapters_and_bundles_without_sources_are_said(root, tmp_path):
    with pytest.raises(AuthoringError, match="did you mean 01_pca"):
        build.build(root, ["01_pcs"])
    with pytest.raises(AuthoringError, match="holds no chapter"):
        build.build(tmp_path / "nowhere")


def test_a_source_that_is_no_notebook_is_said(root):
    (root / "solutions/01_pca.ipynb").write_text("{")
    with pytest.raises(AuthoringError, match="is not a notebook that can be read"):
        build.build(root)


# --- no edit of a learner's is ever lost, whichever half and whichever editor made it ---


def age(path, seconds):
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def jupyterlab(root):
    """What JupyterLab reads and writes notebooks with, jupytext's contents manager, on this folder."""
    from jupytext import AsyncTextFileContentsManager

    manager = AsyncTextFileContentsManager()
    manager.root_dir = str(root)
    return manager


def open_and_save(manager, path, add=None):
    """Open a notebook as JupyterLab does, perhaps add a cell, and save it."""
    model = asyncio.run(manager.get(path))
    if add:
        model["content"].cells.append(nbformat.v4.new_code_cell(add))
    asyncio.run(manager.save({"type": "notebook", "format": "json", "content": model["content"]}, path))


@pytest.mark.parametrize("newer", ["py", "ipynb"])
@pytest.mark.parametrize("opened", ["py", "ipynb"])
def test_jupyterlab_keeps_both_halves_of_a_students_notebook(root, opened, newer):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    edit(book, "Without labels", "Edited in VS Code")
    edit(script, "Fifty states", "Edited in an editor")
    age(book if newer == "py" else script, 3600)
    open_and_save(jupyterlab(root), f"notebooks/01_pca.{opened}", add="mine = 'from JupyterLab'")
    assert "Edited in VS Code" in book.read_text()
    assert "Edited in an editor" in script.read_text()
    assert "from JupyterLab" in (root / f"notebooks/01_pca.{opened}").read_text()


def test_jupyterlab_pairs_the_halves_of_a_source(root):
    open_and_save(jupyterlab(root), "solutions/01_pca.ipynb", add="fresh = 'from an author'")
    assert "from an author" in (root / "solutions/01_pca.py").read_text()
    age(root / "solutions/01_pca.ipynb", 3600)
    edit(root / "solutions/01_pca.py", "fresh", "fresher")
    model = asyncio.run(jupyterlab(root).get("solutions/01_pca.ipynb"))
    assert model["content"].cells[-1].source.startswith("fresher")


def test_saving_a_source_in_jupyterlab_changes_no_line_of_its_script(root):
    before = (root / "solutions/01_pca.py").read_text()
    open_and_save(jupyterlab(root), "solutions/01_pca.ipynb")
    assert (root / "solutions/01_pca.py").read_text() == before


@pytest.mark.parametrize(("edited", "other"), [("py", "ipynb"), ("ipynb", "py")])
@pytest.mark.parametrize("newer", ["py", "ipynb"])
def test_sync_carries_the_edits_over_whatever_the_clock_says(root, edited, other, newer):
    folder = root / "notebooks"
    edit(folder / f"01_pca.{edited}", "raise NotImplementedError  # your code here", "return X - X.mean(axis=0)")
    age(folder / f"01_pca.{'py' if newer == 'ipynb' else 'ipynb'}", 3600)
    assert sync(folder / "01_pca.ipynb") == f"01_pca.{other} now has the edits of 01_pca.{edited}"
    assert "return X - X.mean(axis=0)" in (folder / f"01_pca.{other}").read_text()
    assert "return X - X.mean(axis=0)" in (folder / f"01_pca.{edited}").read_text()
    assert sync(folder / "01_pca.py") == "both halves already say the same"


def test_sync_again_and_again_follows_the_half_that_was_edited_last(root):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    for turn, (half, other) in enumerate([(book, script), (script, book), (book, script)]):
        edit(half, "Without labels" if turn == 0 else f"turn {turn - 1}", f"turn {turn}")
        sync(book)
        assert f"turn {turn}" in other.read_text()


def test_sync_refuses_when_both_halves_were_edited_and_touches_neither(root):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    edit(book, "Without labels", "One way")
    edit(script, "Without labels", "Another way")
    before = texts(root)
    with pytest.raises(AuthoringError, match="1 cells stand only in the notebook, 1 only in the script"):
        sync(book)
    assert texts(root) == before


def test_sync_takes_the_same_edit_on_both_sides_as_agreement(root):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    for half in (book, script):
        edit(half, "Without labels", "No labels")
    assert sync(book) == "both halves already say the same"
    edit(script, "No labels", "None")
    assert "now has the edits of 01_pca.py" in sync(book)


def test_sync_keeps_the_outputs_and_ids_of_cells_that_did_not_change(root):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    nb = nbformat.read(book, 4)
    cell = next(cell for cell in nb.cells if cell.source.startswith("y = np.repeat"))
    cell.outputs = [nbformat.v4.new_output("stream", text="kept")]
    book.write_text(json.dumps(nb))
    edit(script, "# ## 1.1 Without labels", "# ## 1.1 None")
    sync(book)
    after = {c.source: c for c in nbformat.read(book, 4).cells}
    assert after[cell.source].outputs[0].text == "kept"
    assert after[cell.source].id == cell.id


def test_sync_makes_a_half_that_is_missing(root):
    book, script = root / "notebooks/01_pca.ipynb", root / "notebooks/01_pca.py"
    before = script.read_text()
    script.unlink()
    assert "01_pca.py was missing" in sync(book)
    assert script.read_text() == before
    book.unlink()
    assert "01_pca.ipynb was missing" in sync(script)
    assert notebook.fingerprint(notebook.read(book)) == notebook.fingerprint(jupytext.read(script))
    with pytest.raises(AuthoringError, match="there is neither"):
        sync(root / "notebooks/99_nothing.ipynb")

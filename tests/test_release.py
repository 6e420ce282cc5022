"""The bundle that students get."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from course.authoring import build, notebook, release
from course.authoring.notebook import AuthoringError
from course.paths import project_root


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return release.release(project_root(), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def unpacked(bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    zipfile.ZipFile(bundle).extractall(folder)
    return folder / release.NAME


def test_the_bundle_has_what_a_student_needs(unpacked):
    assert {path.name for path in unpacked.iterdir()} >= {
        "notebooks", "course", "data", "environment.yml", "README.md", "Makefile", "pyproject.toml", "constraints.txt",
    }  # fmt: skip
    for chapter in build.chapters(project_root()):
        for ending in ("py", "ipynb"):
            committed = project_root() / "notebooks" / f"{chapter}.{ending}"
            assert (unpacked / "notebooks" / committed.name).read_bytes() == committed.read_bytes()
    assert (unpacked / "data/usarrests.csv").exists()


def test_the_bundle_has_no_solutions_folder_and_no_hidden_test(unpacked):
    names = [path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*")]
    assert not [name for name in names if name.startswith(("solutions", "tests", ".git")) or "/test_" in name]
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_bundle_has_no_line_of_a_solution_or_of_a_hidden_test(unpacked):
    """Looked for here by other means than the builder's own: raw text, every file, every line between the markers."""
    secret = {}
    for source in (project_root() / "solutions").glob("*.py"):
        text, inside = source.read_text("utf-8"), False
        stub = (project_root() / "notebooks" / source.name).read_text("utf-8").splitlines()
        for line in text.splitlines():
            if "### BEGIN SOLUTION" in line or "### END SOLUTION" in line:
                inside = "BEGIN" in line
            elif inside and len(line.split()) >= 3 and line not in stub:
                secret[line.strip()] = source.name
    for test in (project_root() / "tests" / "hidden").glob("test_*.py"):
        for line in test.read_text("utf-8").splitlines():
            if line.strip().startswith(("assert", "np.testing")):
                secret[line.strip()] = test.name
    assert len(secret) > 20
    for path in unpacked.rglob("*"):
        if path.suffix in (".py", ".md", ".yml", ".toml", ".txt", ".cff", ".ipynb"):
            text = path.read_text("utf-8")
            if path.suffix == ".ipynb":
                text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
            lines = {line.strip() for line in text.splitlines()}
            assert not lines & secret.keys(), path


def test_the_same_sources_give_the_same_bytes(bundle, tmp_path):
    assert release.release(project_root(), tmp_path).read_bytes() == bundle.read_bytes()


def test_a_leak_is_refused_and_nothing_is_written(tmp_path):
    root = tmp_path / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__", "tests")
    shutil.copytree(project_root(), root, ignore=ignored)
    secret = max(release.secret_lines(root), key=len)
    (root / "course/notes.py").write_text(f"def helper(X):\n        {secret}\n")
    with pytest.raises(AuthoringError, match=r"course/notes\.py has a line of a solution"):
        release.release(root, tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


def test_a_worked_notebook_of_the_authors_does_not_get_into_the_bundle(tmp_path):
    root = tmp_path / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__", "tests")
    shutil.copytree(project_root(), root, ignore=ignored)
    path = root / "notebooks/01_pca.ipynb"
    path.write_text(path.read_text().replace(notebook.STUB, "return secret"))
    files = release.contents(root)
    assert b"return secret" not in files["notebooks/01_pca.ipynb"]


def test_a_notebook_of_the_bundle_runs_and_says_where_to_ask_for_solutions(unpacked):
    """In a copy of its own, with the bundle's package and nothing of this clone's."""
    code = (
        "import course, course.lab, pathlib; "
        "assert pathlib.Path(course.__file__).parent.parent == pathlib.Path.cwd(), course.__file__; "
        "course.lab.solution('covariance'); "
        "import nbformat, nbclient; nb = nbformat.read('notebooks/01_pca.ipynb', 4); "
        "nbclient.NotebookClient(nb, resources={'metadata': {'path': 'notebooks'}}, timeout=300).execute(); "
        "print(sum('not attempted' in str(c.get('outputs')) for c in nb.cells), 'stubs left')"
    )
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    run = subprocess.run([sys.executable, "-c", code], cwd=unpacked, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "the solutions are not in this copy of the course" in run.stdout
    assert "6 stubs left" in run.stdout


def test_a_bundle_cannot_be_built_from_a_bundle_nor_graded_with(unpacked):
    for command, says in ((["release"], "holds no chapter"), (["build"], "holds no chapter")):
        environment = {**os.environ, "PYTHONPATH": str(unpacked)}
        run = subprocess.run(
            [sys.executable, "-m", "course.cli", *command],
            cwd=unpacked,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 2
        assert says in run.stderr
        assert "Traceback" not in run.stderr

"""At home in nbgrader: its metadata in the notebooks, our sandbox as its execution step, our marks in its gradebook."""

import copy
import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course.authoring import notebook
from course.authoring.sync import sync
from course.cli import main
from course.grading import nbgrader
from course.grading.nbgrader import GradebookError, mark, outputs_of, restore, write_gradebook
from course.lab import exercises
from course.paths import project_root

CHAPTER = "01_pca"
TASKS = {exercise.name: exercise.points for exercise in exercises.of_chapter(CHAPTER)}
needs_nbgrader = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is not installed: its autograde and its gradebook were NOT tried",
)


def book(folder="notebooks"):
    return notebook.read(project_root() / folder / f"{CHAPTER}.ipynb")


def marked(nb):
    """nbgrader's metadata of the cells that have some, by grade_id."""
    return {c.metadata.nbgrader.grade_id: c for c in nb.cells if c.metadata.get("nbgrader")}


@pytest.mark.parametrize("folder", ["notebooks", "solutions"])
@pytest.mark.parametrize("chapter", ["00_start_here", CHAPTER])
def test_every_exercise_has_a_solution_cell_and_a_test_cell_with_its_points(folder, chapter):
    points = {exercise.name: exercise.points for exercise in exercises.of_chapter(chapter)}
    cells = marked(notebook.read(project_root() / folder / f"{chapter}.ipynb"))
    assert list(cells) == [name for task in points for name in (f"solution-{task}", task)]
    common = {"schema_version": 3, "task": False, "cell_type": "code"}
    for name, worth in points.items():
        solution = {"grade": False, "solution": True, "locked": False, "grade_id": f"solution-{name}"}
        test = {"grade": True, "solution": False, "locked": True, "grade_id": name, "points": worth}
        assert cells[f"solution-{name}"].metadata.nbgrader == common | solution
        assert cells[name].metadata.nbgrader == common | test
        assert f"def {name}(" in cells[f"solution-{name}"].source
        assert f'check("{name}")' in cells[name].source


def test_the_metadata_stay_out_of_the_scripts():
    for folder in ("notebooks", "solutions"):
        assert "nbgrader" not in (project_root() / folder / f"{CHAPTER}.py").read_text()


def test_a_copy_of_a_marked_cell_is_not_marked_again():
    nb = book()
    before = {name: cell.metadata.nbgrader for name, cell in marked(nb).items()}
    nb.cells += copy.deepcopy(nb.cells)
    notebook.mark_for_nbgrader(nb, CHAPTER)
    found = [cell.metadata.nbgrader for cell in nb.cells if cell.metadata.get("nbgrader")]
    assert found == list(before.values())


@pytest.mark.parametrize("half", ["py", "ipynb"])
def test_an_edit_and_a_sync_keep_the_metadata(tmp_path, half):
    for ending in ("py", "ipynb"):
        shutil.copy(project_root() / f"notebooks/{CHAPTER}.{ending}", tmp_path)
    edited = tmp_path / f"{CHAPTER}.{half}"
    text = edited.read_text()
    stub = "raise NotImplementedError  # your code here"
    edited.write_text(text.replace(stub, "return X - X.mean(axis=0)", 1).replace("Without labels", "No labels", 1))
    sync(tmp_path / f"{CHAPTER}.ipynb")
    after = marked(notebook.read(tmp_path / f"{CHAPTER}.ipynb"))
    assert {n: c.metadata.nbgrader for n, c in after.items()} == {
        n: c.metadata.nbgrader for n, c in marked(book()).items()
    }
    assert "return X - X.mean(axis=0)" in after["solution-standardise"].source


# --- what nbgrader reads a mark from: a number or an error, never nothing ---


def result(name, score, status="passed"):
    told = {"missed": ["Something holds."], "message": "", "visible": [], "mistake": "", "printed": ""}
    return {"exercise": name, "score": score, "max_score": TASKS[name], "status": status, **told}


@pytest.mark.parametrize(
    ("results", "kind", "text"),
    [
        ([result("covariance", 2)], "execute_result", "2.0"),
        ([result("covariance", 0, "wrong value")], "error", "Something holds."),
        ([result("covariance", 0, "not attempted")], "error", "X (n, p) -> S (p, p)"),
        ([result("scores", 2)], "error", "a person must mark it"),
        ([], "error", "a person must mark it"),
        ([{**result("covariance", 2), "score": 7}], "execute_result", "2.0"),
    ],
    ids=["passed", "wrong", "stub", "another exercise", "nothing", "too many points"],
)
def test_there_is_always_a_verdict(results, kind, text):
    (output,) = outputs_of("covariance", 2, results)
    assert output.output_type == kind
    assert text in (output.evalue if kind == "error" else output.data["text/plain"])


def test_a_verdict_replaces_whatever_a_cell_shows():
    nb = book()
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "100.0"})]
    mark(nb, {"results": [result("covariance", 2)]})
    verdicts = {name: cell.outputs for name, cell in marked(nb).items() if cell.metadata.nbgrader.grade}
    assert {name for name, (output,) in verdicts.items() if output.output_type != "error"} == {"covariance"}
    assert not any(cell.outputs for cell in nb.cells if cell.cell_type == "code" and cell not in marked(nb).values())
    nbformat.validate(nb)


def forge(nb):
    """Points and names that a student made up, a deleted check, a copied exercise, an answer to claim."""
    for cell in nb.cells:
        if cell.metadata.get("nbgrader"):
            cell.metadata.nbgrader.update(points=100, grade_id="standardise", locked="no")
    nb.cells = [cell for cell in nb.cells if 'check("spectrum")' not in cell.source]
    nb.cells.append(copy.deepcopy(next(cell for cell in nb.cells if "def covariance(" in cell.source)))
    nb.cells[0].metadata["nbgrader"] = ["not", "a", "dict"]


def test_a_submission_gets_the_metadata_of_the_released_notebook_whatever_it_claims():
    nb, original = book("solutions"), book()
    forge(nb)
    restore(nb, original)
    found = {name: cell.metadata.nbgrader for name, cell in marked(nb).items()}
    assert found == {name: cell.metadata.nbgrader for name, cell in marked(original).items()}
    assert marked(nb)["solution-covariance"] is [c for c in nb.cells if "def covariance(" in c.source][-1]
    nbformat.validate(nb)


# --- with nbgrader ---


def sheet(student, chapter=CHAPTER, **scores):
    results = [result(n, scores.get(n, p), "passed" if scores.get(n, p) else "wrong value") for n, p in TASKS.items()]
    whole = {"student": student, "notebook": f"{chapter}.ipynb", "chapter": chapter, "results": results}
    return {**whole, "problems": [], "shingles": []}


def in_the_gradebook(url):
    """{student: {cell: (auto_score, manual_score, needs_manual_grade)}}"""
    from nbgrader.api import Gradebook

    with Gradebook(url) as gradebook:
        return {
            submission.student.id: {
                grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(CHAPTER)
        }


def test_without_nbgrader_a_gradebook_is_one_clear_line_before_anything_is_graded(tmp_path, monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "nbgrader" else real(name, *a))
    with pytest.raises(GradebookError, match="pip install nbgrader"):
        write_gradebook(lambda: iter([sheet("ann")]), f"sqlite:///{tmp_path}/g.db")
    command = ["grade", str(tmp_path), "--out", str(tmp_path / "out"), "--gradebook", "sqlite:///g.db"]
    assert main(command) == 2
    assert "nbgrader is not installed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_course_itself_needs_no_nbgrader():
    code = "import sys, course.cli, course.grading.grade, course.grading.nbgrader; print('nbgrader' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


@needs_nbgrader
def test_marks_are_written_and_a_persons_mark_is_kept(tmp_path):
    from nbgrader.api import Gradebook

    url = f"sqlite:///{tmp_path}/gradebook.db"
    first = [sheet("ann"), sheet("ann", covariance=0), sheet("ben", covariance=0), {**sheet("cem"), "again": True}]
    assert write_gradebook(lambda: iter(first), url) == 2
    found = in_the_gradebook(url)
    assert found["ann"] == {name: (points, None, False) for name, points in TASKS.items()}
    assert found["ben"]["covariance"] == (0, None, False)
    assert set(found) == {"ann", "ben"}

    with Gradebook(url) as gradebook:
        grade = gradebook.find_grade("covariance", CHAPTER, CHAPTER, "ben")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.db.commit()
    write_gradebook(lambda: iter(first), url)
    assert in_the_gradebook(url)["ben"]["covariance"] == (0, 1.5, False)
    write_gradebook(lambda: iter([sheet("ben")]), url)
    assert in_the_gradebook(url)["ben"]["covariance"] == (2, 1.5, True)  # ours changed: the person looks again
    assert in_the_gradebook(url)["ann"]["covariance"] == (2, None, False)


@needs_nbgrader
def test_a_name_of_two_levels_does_not_corrupt_the_gradebook(tmp_path):
    url = f"sqlite:///{tmp_path}/gradebook.db"
    write_gradebook(lambda: iter([sheet("../a/b"), sheet("x" * 500)]), url)
    assert not [name for name in in_the_gradebook(url) if "/" in name or len(name) > 128]


@needs_nbgrader
def test_a_locked_gradebook_is_tried_again_and_then_said(tmp_path, monkeypatch, capsys):
    url = f"sqlite:///{tmp_path}/gradebook.db?timeout=0.1"
    write_gradebook(lambda: iter([sheet("ann")]), url)
    holder = sqlite3.connect(tmp_path / "gradebook.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(nbgrader, "ATTEMPTS", 2)
    monkeypatch.setattr(nbgrader, "PAUSE", 0.01)
    with pytest.raises(GradebookError, match="locked by another program; the records are kept"):
        write_gradebook(lambda: iter([sheet("ben")]), url)
    assert "try 2 of 2" in capsys.readouterr().err
    monkeypatch.setattr(nbgrader.time, "sleep", lambda seconds: holder.rollback())  # the other program is done
    write_gradebook(lambda: iter([sheet("ben")]), url)
    assert set(in_the_gradebook(url)) == {"ann", "ben"}


@needs_nbgrader
def test_a_gradebook_that_cannot_be_opened_is_one_clear_line(tmp_path):
    (tmp_path / "gradebook.db").write_text("no database, but text that is long enough to be taken for a header of one")
    with pytest.raises(GradebookError, match="cannot be written to"):
        write_gradebook(lambda: iter([sheet("ann")]), f"sqlite:///{tmp_path}/gradebook.db")


def run(folder, *command):
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout + ran.stderr


@needs_nbgrader
def test_autograde_with_our_step_gives_our_marks(tmp_path):
    lines = (nbgrader.__doc__ or "").partition("nbgrader_config.py")[2]
    config = [line.strip() for line in lines.splitlines() if re.match(r"    (    |c\.)", line)]
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n" + "\n".join(config) + "\n")
    run(tmp_path, "course.grading.nbgrader", "sqlite:///gradebook.db", CHAPTER)
    forged = book("solutions")
    forge(forged)
    source = next(cell for cell in forged.cells if "def scores(" in cell.source)
    source.source = "def scores(X, E):\n    return X @ E * 0"
    for student, nb in (("ann", book("solutions")), ("ben", book()), ("eve", forged)):
        (tmp_path / "submitted" / student / CHAPTER).mkdir(parents=True)
        (tmp_path / "submitted" / student / CHAPTER / f"{CHAPTER}.ipynb").write_text(json.dumps(nb))
    run(tmp_path, "nbgrader", "autograde", CHAPTER)
    found = in_the_gradebook(f"sqlite:///{tmp_path}/gradebook.db")
    assert {name: grade[0] for name, grade in found["ann"].items()} == TASKS
    assert {grade[0] for grade in found["ben"].values()} == {0}
    assert {name for name, grade in found["eve"].items() if grade[0] != TASKS[name]} == {"scores"}
    run(tmp_path, "nbgrader", "generate_feedback", CHAPTER)
    assert "your code here" not in (tmp_path / f"feedback/ann/{CHAPTER}/{CHAPTER}.html").read_text()
    page = (tmp_path / f"feedback/eve/{CHAPTER}/{CHAPTER}.html").read_text()
    assert "wrong value" in page


@needs_nbgrader
@pytest.mark.parametrize("folder", ["notebooks", "solutions"])
def test_nbgrader_validates_the_notebook(tmp_path, folder):
    shutil.copy(project_root() / folder / f"{CHAPTER}.ipynb", tmp_path)
    assert "Success! Your notebook passes all the tests." in run(
        tmp_path, "nbgrader", "validate", f"{CHAPTER}.ipynb"
    )  # it exits with 0 whatever it finds


@needs_nbgrader
def test_a_mark_for_a_written_answer_is_entered_and_one_that_formgrader_gave_stays(tmp_path, monkeypatch):
    nb = book()
    tags = ["written", "why_two", "points-3"]
    nb.cells.append(nbformat.v4.new_markdown_cell("Why?", metadata={"tags": tags}))
    notebook.mark_for_nbgrader(nb, CHAPTER)
    monkeypatch.setattr(nbgrader, "released", lambda chapter: nb)
    url = f"sqlite:///{tmp_path}/gradebook.db"

    def marked(status, score):
        whole = sheet("ann")
        whole["results"].append(
            {**result("scores", score, status), "exercise": "why_two", "written": True, "message": "", "max_score": 3}
        )
        return lambda: iter([whole])

    write_gradebook(marked("to be marked", 0), url)
    assert in_the_gradebook(url)["ann"]["why_two"] == (None, None, True)
    write_gradebook(marked("marked", 2.5), url)
    assert in_the_gradebook(url)["ann"]["why_two"] == (None, 2.5, False)
    write_gradebook(marked("marked", 1), url)
    assert in_the_gradebook(url)["ann"]["why_two"] == (None, 2.5, False)

"""Written answers: collected and escaped on a page, marked in a table by a person, merged into grades and feedback."""

import csv
import json

import nbformat
import pytest

from course.authoring import notebook
from course.cli import main
from course.grading import workers, written
from course.grading.grade import grade
from course.grading.work import grade_one
from course.grading.written import MarksError, question_in, read_marks
from course.paths import project_root

PROMPT = "**Why** are two components enough here? *Your answer.*"
TAGS = ["written", "why_two", "points-3"]


def question(text=PROMPT):
    return nbformat.v4.new_markdown_cell(text, id="question", metadata={"tags": list(TAGS)})


def in_this_process(tasks, jobs, judges, launcher, sandbox, time_limit, seed):
    for key, name, read in tasks:
        yield key, grade_one(name, read(), launcher, time_limit, seed)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Four submissions of a 01_pca that has a written question, as no chapter has one yet."""
    released = notebook.read(project_root() / "notebooks/01_pca.ipynb")
    released.cells.append(question())
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/01_pca.ipynb").write_text(notebook.as_ipynb(notebook.finished(released, "01_pca", {})))
    monkeypatch.setattr(written, "project_root", lambda: tmp_path)
    monkeypatch.setattr(workers, "local", in_this_process)  # another one would know of no question
    written.questions.cache_clear()
    answers = {"ann": "Because <script>alert(1)</script> they hold 87 %.", "ben": PROMPT, "cem": "=1+1", "dora": None}
    for student, text in answers.items():
        nb = notebook.read(project_root() / "notebooks/01_pca.ipynb")
        nb.cells += [] if text is None else [question(text)]
        if student == "cem":
            nb.cells[-1].metadata.clear()  # then the id of the cell says which question it is
            nb.cells[-1].id = released.cells[-1].id
        (tmp_path / "in" / student).mkdir(parents=True)
        (tmp_path / "in" / student / "01_pca.ipynb").write_text(json.dumps(nb))
    content = json.loads((tmp_path / "notebooks/01_pca.ipynb").read_text())
    content["cells"][-1]["id"] = "question"
    (tmp_path / "notebooks/01_pca.ipynb").write_text(json.dumps(content))
    yield tmp_path / "in"
    written.questions.cache_clear()


def table(path):
    with path.open() as file:
        return {(row["student"], row.get("exercise") or row.get("question")): row for row in csv.DictReader(file)}


def fill(path, **scores):
    """Enter marks into the table, as a person does."""
    rows = list(table(path).values())
    for row in rows:
        row["score"], row["comment"] = scores.get(row["student"], ("", ""))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, written.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_answers_are_collected_marked_and_merged(place, tmp_path, capsys):
    out = tmp_path / "out"
    grade(place, out, seed=3)
    page = (out / "written/why_two.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page
    assert page.count("no answer") == 2
    status = {student: row["status"] for (student, name), row in table(out / "grades.csv").items() if name == "why_two"}
    assert status == {"ann": "to be marked", "ben": "no answer", "cem": "to be marked", "dora": "no answer"}
    marks = out / "written/marks.csv"
    assert set(table(marks)) == {(student, "why_two") for student in ("ann", "ben", "cem", "dora")}

    fill(marks, ann=("2.5", "Which 87 %? <b>"), cem=("0", "Not an answer."))
    entered = marks.read_bytes()
    assert main(["grade", str(place), "--out", str(out), "--marks", str(marks)]) == 0
    assert "4 of 4 were graded before" in capsys.readouterr().out
    rows = table(out / "grades.csv")
    assert (rows["ann", "why_two"]["score"], rows["ann", "why_two"]["max_score"]) == ("2.5", "3")
    assert rows["cem", "why_two"]["status"] == "marked"
    assert rows["ben", "why_two"]["status"] == "no answer"
    assert "Which 87 %? &lt;b&gt;" in (out / "feedback/ann.html").read_text()
    assert marks.read_bytes() == entered  # what a person entered is never written over


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("ann,why_two,4,3,", "line 2: the score '4' of ann is not between 0 and 3"),
        ("ann,why_two,good,3,", "line 2: the score 'good'"),
        ("ann,why_two,nan,3,", "line 2: the score 'nan'"),
        ("ann,why_two,1,3,\nann,why_two,2,3,", "line 3: ann has two marks for why_two"),
    ],
)
def test_a_mark_that_cannot_be_is_said_with_its_line(tmp_path, lines, says):
    path = tmp_path / "marks.csv"
    path.write_text(f"student,question,score,max_score,comment\n{lines}\n")
    with pytest.raises(MarksError, match=says):
        read_marks(path)


def test_another_table_is_said(tmp_path):
    (tmp_path / "marks.csv").write_text("name,points\nann,3\n")
    with pytest.raises(MarksError, match="must have the columns student, question"):
        read_marks(tmp_path / "marks.csv")
    with pytest.raises(MarksError, match="cannot be read"):
        read_marks(tmp_path / "nothing.csv")


def test_a_question_is_known_by_its_tags_and_marked_for_nbgrader():
    assert question_in(TAGS) == ("why_two", 3)
    assert question_in(["written", "plain"]) == ("plain", 1)
    assert question_in(["written"]) is None
    assert question_in(["why_two", "points-3"]) is None
    nb = notebook.finished(nbformat.v4.new_notebook(cells=[question()]), "01_pca", {})
    assert nb.cells[0].metadata["nbgrader"] == {
        "schema_version": 3, "task": False, "cell_type": "markdown", "grade_id": "why_two",
        "grade": True, "solution": True, "locked": False, "points": 3,
    }  # fmt: skip


def test_a_notebook_that_is_none_has_no_answers(place):
    for content in (b"", b"[]", b'{"cells": 3}', b'{"cells": [1, {"cell_type": "markdown", "metadata": 3}]}'):
        assert written.answers(content, "01_pca") == {"why_two": ""}

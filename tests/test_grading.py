"""A class of submissions, honest, untouched, mistaken, broken, hanging: each gets what it deserves, all are graded."""

import csv
import json
import os
import shutil

import numpy as np
import pytest

from course.cli import main
from course.grading.grade import GradingError, grade
from course.grading.submission import StudentError, Submission, Unreadable, chapter_of, code_cells
from course.paths import project_root

SOLVED = project_root() / "solutions/01_pca.ipynb"
UNTOUCHED = project_root() / "notebooks/01_pca.ipynb"


def changed(path, replacements, extra=()):
    """The solved notebook with some functions replaced by other code, and cells added in front."""
    content = json.loads(SOLVED.read_text())
    for cell in content["cells"]:
        source = "".join(cell["source"])
        for name, code in replacements.items():
            if f"def {name}(" in source:
                cell["source"] = code
    new = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    content["cells"] = [{**new, "id": f"extra-{i}", "source": code} for i, code in enumerate(extra)] + content["cells"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """grades.csv of one class, as {student: {exercise: (score, status)}}, and the folder of results."""
    folder, out = tmp_path_factory.mktemp("submitted"), tmp_path_factory.mktemp("graded")

    def hand_in(student, source, name="01_pca.ipynb"):
        (folder / student).mkdir(exist_ok=True)
        shutil.copy(source, folder / student / name)

    hand_in("solved", SOLVED)
    hand_in("solved", project_root() / "solutions/00_start_here.ipynb", "00_start_here.ipynb")
    hand_in("untouched", UNTOUCHED)
    hand_in("renamed", SOLVED, "My PCA homework (final) v2.ipynb")
    changed(folder / "mistaken/01_pca.ipynb", {
        "standardise": "def standardise(X):\n    return (X - X.mean(axis=0)) / X.std(axis=0)",
        "covariance": "def covariance(X):\n    return X.T @ X / (len(X) - 1)",
    })  # fmt: skip
    changed(folder / "harmful/01_pca.ipynb", {
        "standardise": "def standardise(X):\n    while True:\n        pass",
        "covariance": "def covariance(X):\n    import os\n    os._exit(0)",
        "spectrum": "def spectrum(S):\n    return object()",
        "scores": "def scores(X, E):\n    return X[0] / undefined_name",
        "explained_variance": "def explained_variance(lam):\n    print('noise ' * 9999)\n    return lam / lam.sum()",
    }, extra=[
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "raise RuntimeError('<b>boom</b>')",
        "while True: pass",
    ])  # fmt: skip
    changed(folder / "borrowing/01_pca.ipynb", {
        "standardise": "from course.unsupervised.pca import standardise",
        "covariance": "from course.unsupervised import pca\ndef covariance(X):\n    return pca.covariance(X)",
        "spectrum": "from course.unsupervised.pca import spectrum as s\ndef spectrum(S):\n    return s(S)",
        "scores": "def scores(X, E):\n    from sklearn.decomposition import PCA\n    return PCA().fit_transform(X) @ E",
        "explained_variance": "from course import unsupervised as u\nexplained_variance = u.pca.explained_variance",
    })  # fmt: skip
    (folder / "cut short").mkdir()
    (folder / "cut short/01_pca.ipynb").write_bytes(SOLVED.read_bytes()[:5000])
    (folder / "empty").mkdir()
    (folder / "empty/01_pca.ipynb").write_bytes(b"")
    (folder / "another").mkdir()
    (folder / "another/holiday.ipynb").write_text('{"cells": [{"cell_type": "code", "source": "x = 1"}]}')
    (folder / "marked").mkdir()
    (folder / "marked/01_pca.ipynb").write_bytes(b"\xef\xbb\xbf" + SOLVED.read_bytes())
    assert grade(folder, out, time_limit=2, seed=7) == 0
    table: dict = {}
    with (out / "grades.csv").open() as file:
        for row in csv.DictReader(file):
            table.setdefault(row["student"], {})[row["exercise"]] = (int(row["score"]), row["status"])
    return table, out


def total(graded, student):
    return sum(score for score, _ in graded[0][student].values())


@pytest.mark.parametrize(("student", "points"), [("solved", 14), ("renamed", 13), ("marked", 13), ("untouched", 0)])
def test_honest_work_keeps_its_marks_and_no_work_gets_none(graded, student, points):
    assert total(graded, student) == points


def test_an_untouched_notebook_is_said_to_be_so(graded):
    assert {status for _, status in graded[0]["untouched"].values()} == {"not attempted"}


def test_a_mistake_costs_its_exercise_alone(graded):
    mine = graded[0]["mistaken"]
    assert {name for name, (score, _) in mine.items() if score == 0} == {"standardise", "covariance"}
    assert mine["affine_approximation"] == (3, "passed")  # it calls covariance: the course's stood in for it


def test_hanging_dying_and_raising_cost_their_exercise_alone(graded):
    assert graded[0]["harmful"] == {
        "standardise": (0, "time limit"),
        "covariance": (0, "died"),
        "spectrum": (0, "wrong type or shape"),
        "scores": (0, "raised"),
        "explained_variance": (1, "passed"),
        "affine_approximation": (3, "passed"),
    }


def test_the_courses_own_functions_earn_nothing(graded):
    mine = graded[0]["borrowing"]
    assert {name: status for name, (score, status) in mine.items() if score == 0} == {
        "standardise": "forbidden",
        "covariance": "forbidden",
        "spectrum": "forbidden",
        "scores": "forbidden",
        "explained_variance": "forbidden",
    }


@pytest.mark.parametrize("student", ["cut short", "empty"])
def test_an_unreadable_notebook_is_in_the_table_with_no_points(graded, student):
    assert set(graded[0][student].values()) == {(0, "unreadable")}
    assert len(graded[0][student]) == 6


def test_a_notebook_of_another_course_is_in_the_table(graded):
    assert graded[0]["another"][""][1].startswith("not a notebook of this course")


def test_everyone_has_a_page_of_feedback(graded):
    assert {path.stem for path in (graded[1] / "feedback").iterdir()} == set(graded[0])


def test_the_feedback_says_what_is_wrong_in_words(graded):
    page = (graded[1] / "feedback/mistaken.html").read_text()
    assert "9 of 13 points" in page
    assert "It looks like a known mistake: the variance is divided by n." in page
    assert "Adding a constant to a column leaves the covariance matrix as it is." in page
    page = (graded[1] / "feedback/harmful.html").read_text()
    assert "standardise took longer than 2 s" in page
    assert "undefined_name" in page
    assert "&lt;b&gt;boom&lt;/b&gt;" in page
    assert "<b>boom" not in page
    assert "was left out" in page


def test_the_feedback_holds_no_line_of_a_hidden_test(graded):
    secret = [
        line.strip()
        for line in (project_root() / "tests/hidden/test_01_pca.py").read_text().splitlines()
        if line.strip().startswith(("assert", "np.testing", "X =", "lam"))
    ]
    assert len(secret) > 15
    for page in (graded[1] / "feedback").iterdir():
        text = page.read_text()
        assert not [line for line in secret if line in text]


def test_the_same_seed_gives_the_same_grades(tmp_path):
    (tmp_path / "in/someone").mkdir(parents=True)
    shutil.copy(SOLVED, tmp_path / "in/someone")
    for out in ("a", "b"):
        grade(tmp_path / "in", tmp_path / out, seed=3)
    assert (tmp_path / "a/grades.csv").read_bytes() == (tmp_path / "b/grades.csv").read_bytes()


def test_no_process_of_a_student_is_left():
    submission = Submission("solved", SOLVED)
    submission.explained_variance(np.ones(3))
    pid = submission._process.pid
    submission.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_students_process_has_a_home_of_its_own(tmp_path):
    changed(tmp_path / "a/01_pca.ipynb", {
        "explained_variance": "import os\ndef explained_variance(lam):\n    return [os.getcwd(), os.environ['HOME']]"
    })  # fmt: skip
    submission = Submission("a", tmp_path / "a/01_pca.ipynb")
    here, home = submission.explained_variance(np.ones(3))
    submission.close()
    assert here == home
    assert str(project_root()) not in here
    assert not os.path.exists(here)


def test_cells_that_merely_demonstrate_are_not_run_again(tmp_path):
    submission = Submission("solved", SOLVED)
    assert not any("plots.biplot" in source for source in submission._sources)
    assert any("import numpy" in source for source in submission._sources)
    assert sum("def " in source for source in submission._sources) == 6


def test_setup_is_there_even_when_the_student_deleted_it(tmp_path):
    content = json.loads(SOLVED.read_text())
    content["cells"] = [c for c in content["cells"] if "setup" not in c["metadata"].get("tags", [])]
    path = tmp_path / "01_pca.ipynb"
    path.write_text(json.dumps(content))
    submission = Submission("someone", path)
    assert submission.explained_variance(np.array([3.0, 1.0])).tolist() == [0.75, 0.25]
    submission.close()


def test_a_notebook_is_known_by_its_exercises_whatever_it_is_called():
    assert chapter_of(code_cells(SOLVED), "homework") == "01_pca"
    assert chapter_of([], "01_pca-Copy1") == "01_pca"
    assert chapter_of([], "homework") is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "UTF-8"),
        (b"[1, 2]", "without cells"),
        (b'{"metadata": {}}', "without cells"),
        (b"[" * 100_000, "not JSON"),
    ],
    ids=["empty", "not text", "a list", "no cells", "nested"],
)
def test_what_is_not_a_notebook_is_said(tmp_path, content, says):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=says):
        code_cells(path)


def test_odd_cells_are_read_as_far_as_they_go(tmp_path):
    path = tmp_path / "x.ipynb"
    cells = [1, {}, {"cell_type": "code"}, {"cell_type": "code", "source": ["a\n", "b"], "metadata": 3}]
    path.write_text(json.dumps({"cells": cells}))
    assert [cell.source for cell in code_cells(path)] == ["", "a\nb"]


def test_a_missing_function_is_said():
    submission = Submission("x", UNTOUCHED)
    with pytest.raises(StudentError, match="defines no function column_range"):
        submission.column_range(np.ones((2, 2)))
    with pytest.raises(NotImplementedError):
        submission.covariance(np.ones((2, 2)))
    submission.close()


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.write_text("x"), lambda p: p.mkdir()])
def test_a_folder_without_submissions_is_one_clear_line(tmp_path, make, capsys):
    make(tmp_path / "in")
    assert main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: ")
    assert error.count("\n") == 1


def test_a_place_that_cannot_be_written_to_is_said_before_anything_is_graded(tmp_path):
    (tmp_path / "out").write_text("a file, not a folder")
    with pytest.raises(GradingError, match=r"cannot be written to .*nothing was graded"):
        grade(tmp_path, tmp_path / "out")

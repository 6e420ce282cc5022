"""A class of submissions, honest, untouched, mistaken, broken, hanging: each gets what it deserves, all are graded."""

import contextlib
import csv
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from processes import children

from course import files
from course.cli import main
from course.grading import grade as grading
from course.grading.collect import CollectError, collect
from course.grading.grade import GradingError, grade
from course.grading.submission import LocalSubmission, StudentError, Submission, Unreadable, chapter_of, code_cells
from course.grading.workers import launcher_of_this_process
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


def everything_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small_class(tmp_path):
    for student, source in (("ann", SOLVED), ("ben", UNTOUCHED), ("cem", SOLVED)):
        (tmp_path / "in" / student).mkdir(parents=True)
        shutil.copy(source, tmp_path / "in" / student / "01_pca.ipynb")
    return tmp_path / "in"


def test_one_process_two_processes_and_a_cluster_give_the_same_bytes(small_class, tmp_path):
    grade(small_class, tmp_path / "one", seed=3)
    grade(small_class, tmp_path / "two", seed=3, jobs=2)
    assert everything_in(tmp_path / "one") == everything_in(tmp_path / "two")
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: the cluster was NOT tried")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as dask:
        grade(small_class, tmp_path / "three", seed=3, cluster=dask.scheduler_address)
    assert everything_in(tmp_path / "one") == everything_in(tmp_path / "three")


def test_a_cluster_that_is_not_there_is_one_line_and_nothing_is_lost(small_class, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    from course.grading import workers

    monkeypatch.setattr(workers, "CLUSTER_LIMIT", "1s")
    grade(small_class, tmp_path / "out", seed=3)
    before = everything_in(tmp_path / "out")
    (small_class / "dora").mkdir()
    shutil.copy(SOLVED, small_class / "dora" / "01_pca.ipynb")
    capsys.readouterr()
    command = ["grade", str(small_class), "--out", str(tmp_path / "out"), "--cluster", "tcp://127.0.0.1:9"]
    assert main(command) == 2
    assert "the cluster at tcp://127.0.0.1:9 does not answer" in capsys.readouterr().err
    assert everything_in(tmp_path / "out") == before


def test_a_killed_run_goes_on_where_it_stopped_and_ends_with_the_same_bytes(small_class, tmp_path):
    grade(small_class, tmp_path / "whole", seed=3)
    command = [sys.executable, "-m", "course.cli", "grade", str(small_class), "--out", str(tmp_path / "killed")]
    run = subprocess.Popen([*command, "--seed", "3"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    records = tmp_path / "killed" / "records"
    deadline = time.monotonic() + 60
    while len(list(records.glob("[0-9a-f]*.json"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    run.kill()
    run.wait()
    first = {path: path.stat().st_mtime_ns for path in records.glob("[0-9a-f]*.json")}
    assert 1 <= len(first) <= 3
    grade(small_class, tmp_path / "killed")  # the seed is that of the run that was begun
    assert all(path.stat().st_mtime_ns == moment for path, moment in first.items())
    whole = everything_in(tmp_path / "whole")
    assert {k: v for k, v in everything_in(tmp_path / "killed").items() if "/." not in k} == whole


def test_a_torn_record_is_graded_again(small_class, tmp_path):
    grade(small_class, tmp_path / "out", seed=3)
    before = everything_in(tmp_path / "out")
    torn = next((tmp_path / "out/records").iterdir())
    torn.write_bytes(torn.read_bytes()[:50])
    grade(small_class, tmp_path / "out")
    assert everything_in(tmp_path / "out") == before


def test_a_changed_notebook_is_graded_again_and_the_others_are_not(small_class, tmp_path):
    grade(small_class, tmp_path / "out", seed=3)
    first = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/records").iterdir()}
    shutil.copy(SOLVED, small_class / "ben" / "01_pca.ipynb")
    grade(small_class, tmp_path / "out")
    second = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out/records").iterdir()}
    assert {name for name in second if name not in first or second[name] != first[name]} == set(second) - set(first)
    assert len(second) == 4
    with (tmp_path / "out/grades.csv").open() as file:
        assert sum(int(row["score"]) for row in csv.DictReader(file) if row["student"] == "ben") == 13


def test_results_are_written_as_canvas_and_gradescope_take_them(graded):
    out = graded[1]
    with (out / "canvas/01_pca.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01_pca"]
    assert rows[1][0].strip() == "Points Possible"
    assert rows[1][5] == "13"
    assert {row[0]: row[5] for row in rows[2:]}["solved"] == "13"
    results = json.loads((out / "gradescope/solved/results.json").read_text())
    assert results["score"] == 14
    assert {test["max_score"] for test in results["tests"]} == {1, 2, 3}


def test_the_page_of_the_class_shows_who_misbehaved_and_what_looks_alike(graded):
    page = (graded[1] / "class.html").read_text()
    assert "standardise took longer than 2 s" in page
    assert "the variance is divided by n" in page
    assert "<td>marked</td>" in page.partition("Near-identical")[2]
    assert "untouched" not in page.partition("Near-identical")[2]
    assert "<b>boom" not in page


@pytest.mark.parametrize(
    ("layout", "student", "notebook"),
    [
        ("ann/01_pca.ipynb", "ann", "01_pca.ipynb"),
        ("ann/pca/01_pca.ipynb", "ann", "01_pca.ipynb"),
        ("Ann Lee_123456_assignsubmission_file_/my work.ipynb", "Ann Lee", "my work.ipynb"),
        ("leeann_4711_998877_01_pca.ipynb", "leeann_4711", "01_pca.ipynb"),
        ("leeann_LATE_4711_998877_01_pca-2.ipynb", "leeann_4711", "01_pca.ipynb"),
    ],
    ids=["folders", "nbgrader", "moodle", "canvas", "canvas, late and again"],
)
def test_submissions_are_found_as_other_systems_leave_them(tmp_path, layout, student, notebook):
    folder = tmp_path / "in"
    (folder / layout).parent.mkdir(parents=True)
    (folder / layout).write_bytes(b"{}")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr(layout, b"{}")
        archive.writestr(f"__MACOSX/{layout}", b"junk")
    for place in (folder, tmp_path / "in.zip"):
        (found,) = collect(place)
        assert (found.student, found.notebook, found.read()) == (student, notebook, b"{}")


def test_a_link_is_not_followed_and_costs_nobody_else(small_class, tmp_path):
    (tmp_path / "secret.ipynb").write_bytes(SOLVED.read_bytes())
    (small_class / "eve").mkdir()
    (small_class / "eve" / "01_pca.ipynb").symlink_to(tmp_path / "secret.ipynb")
    assert grade(small_class, tmp_path / "out", seed=3) == 1  # one is left to be graded
    table = (tmp_path / "out/grades.csv").read_text()
    assert 'eve,01_pca.ipynb,,0,0,"could not be graded: the file cannot be read' in table
    assert table.count("passed") == 12


def test_a_damaged_zip_is_said(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/all.zip").write_bytes(b"PK broken")
    with pytest.raises(CollectError, match="is damaged, or not a zip"):
        collect(tmp_path / "in")


def test_a_name_cannot_lead_out_of_the_folder_of_results(tmp_path, small_class):
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(SOLVED, "../01_pca.ipynb")
        archive.write(SOLVED, "=cmd()/01_pca.ipynb")
    grade(tmp_path / "in.zip", tmp_path / "a/b/out", seed=3)
    assert not list(tmp_path.glob("*.html"))
    assert not list((tmp_path / "a").glob("*.html"))
    assert "'=cmd()" in (tmp_path / "a/b/out/grades.csv").read_text()


@pytest.fixture(scope="module")
def submission():
    """A Submission of the bytes of a notebook; all are closed in the end."""
    made = []

    def make(content, **settings):
        made.append(Submission(content, launcher_of_this_process(sandbox=True), **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_no_process_of_a_student_is_left(submission):
    launcher_of_this_process(sandbox=True)
    time.sleep(1)  # whatever earlier tests ended is gone by then
    before = children()
    one = submission(SOLVED.read_bytes())
    one.explained_variance(np.ones(3))
    assert len(children()) == len(before) + 2  # the warden and the student
    one.close()
    deadline = time.monotonic() + 5
    while children() != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children() == before


def test_a_students_process_has_a_home_of_its_own(tmp_path, submission):
    changed(tmp_path / "a/01_pca.ipynb", {
        "explained_variance": "import os\ndef explained_variance(lam):\n    return [os.getcwd(), os.environ['HOME']]"
    })  # fmt: skip
    here, home = submission((tmp_path / "a/01_pca.ipynb").read_bytes()).explained_variance(np.ones(3))
    assert here == home == "/box"


def test_cells_that_merely_demonstrate_are_not_run_again(submission):
    sources = submission(SOLVED.read_bytes())._sources
    assert not any("plots.biplot" in source for source in sources)
    assert any("import numpy" in source for source in sources)
    assert sum("def " in source for source in sources) == 6


def test_setup_is_there_even_when_the_student_deleted_it(submission):
    content = json.loads(SOLVED.read_text())
    content["cells"] = [c for c in content["cells"] if "setup" not in c["metadata"].get("tags", [])]
    one = submission(json.dumps(content).encode())
    assert one.explained_variance(np.array([3.0, 1.0])).tolist() == [0.75, 0.25]


def test_a_notebook_is_known_by_its_exercises_whatever_it_is_called():
    assert chapter_of(code_cells(SOLVED.read_bytes()), "homework") == "01_pca"
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
def test_what_is_not_a_notebook_is_said(content, says):
    with pytest.raises(Unreadable, match=says):
        code_cells(content)


def test_odd_cells_are_read_as_far_as_they_go():
    cells = [1, {}, {"cell_type": "code"}, {"cell_type": "code", "source": ["a\n", "b"], "metadata": 3}]
    assert [cell.source for cell in code_cells(json.dumps({"cells": cells}).encode())] == ["", "a\nb"]


def test_a_missing_function_is_said(submission):
    one = submission(UNTOUCHED.read_bytes())
    with pytest.raises(StudentError, match="defines no function column_range"):
        one.column_range(np.ones((2, 2)))
    with pytest.raises(NotImplementedError):
        one.covariance(np.ones((2, 2)))


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.write_text("x"), lambda p: p.mkdir()])
def test_a_folder_without_submissions_is_one_clear_line(tmp_path, make, capsys):
    make(tmp_path / "in")
    assert main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: ")
    assert error.count("\n") == 1


def test_a_place_that_cannot_be_written_to_is_said_before_anything_is_graded(small_class, tmp_path):
    (tmp_path / "out").write_text("a file, not a folder")
    with pytest.raises(GradingError, match=r"cannot be written to .*nothing was graded"):
        grade(small_class, tmp_path / "out")


def test_all_calls_of_a_function_together_have_a_limit(tmp_path, submission):
    slow = "import time\ndef explained_variance(lam):\n    time.sleep(0.8)\n    return lam"
    changed(tmp_path / "a/01_pca.ipynb", {"explained_variance": slow})
    one = submission((tmp_path / "a/01_pca.ipynb").read_bytes(), time_limit=1.5)
    for _ in range(2):
        with pytest.raises(StudentError, match="took longer than 6 s in all"):
            list(map(one.explained_variance, [np.ones(2)] * 8))
    assert one.covariance(np.eye(3)).shape == (3, 3)


NETWORK = """
import torch
def covariance(width, depth):
    layers = [torch.nn.Linear(width, width) for _ in range(depth)]
    return torch.nn.Sequential(*layers, torch.nn.BatchNorm1d(width), torch.nn.Tanh())
def scores(width, depth):
    return [width, depth]
"""


def test_a_network_is_judged_by_what_it_computes(tmp_path, submission):
    """Whatever it is made of: the grader draws the weights, and knows what should come out."""
    changed(tmp_path / "a/01_pca.ipynb", {"covariance": NETWORK})
    space = {}
    exec(NETWORK, space)
    for one in (submission((tmp_path / "a/01_pca.ipynb").read_bytes()), LocalSubmission("01_pca", space)):
        shapes = one.shapes("covariance", 3, 2)
        assert list(shapes)[:4] == ["0.weight", "0.bias", "1.weight", "1.bias"]
        generator = torch.Generator().manual_seed(0)
        weights = {name: torch.rand(shape, generator=generator) for name, shape in shapes.items()}
        x = torch.rand(5, 3, generator=generator)
        y = (x @ weights["0.weight"].T + weights["0.bias"]) @ weights["1.weight"].T + weights["1.bias"]
        y = (y - weights["2.running_mean"]) / (weights["2.running_var"] + 1e-5).sqrt()
        expected = torch.tanh(y * weights["2.weight"] + weights["2.bias"])
        torch.testing.assert_close(one.outputs("covariance", (3, 2), weights, x), expected)
    one = submission((tmp_path / "a/01_pca.ipynb").read_bytes())
    with pytest.raises(StudentError, match="AttributeError"):
        one.shapes("scores", 3, 2)
    with pytest.raises(StudentError, match="Missing key"):
        one.outputs("covariance", (3, 2), {}, x)


def test_what_is_wrong_with_the_cells_is_said(tmp_path, submission):
    content = json.loads(SOLVED.read_text())
    content["cells"] *= 2
    one = submission(json.dumps(content).encode())
    assert "2 cells define covariance: what was defined last counts" in one.past.problems
    assert submission(SOLVED.read_bytes()).past.problems == []
    content = json.loads(SOLVED.read_text())
    content["cells"].reverse()
    turned = submission(json.dumps(content).encode()).past.problems
    assert turned == ["the exercises stand in another order than in the released notebook, which costs nothing"]
    content["cells"] = [cell for cell in content["cells"] if "def covariance(" not in "".join(cell["source"])]
    assert "no cell defines covariance" in submission(json.dumps(content).encode()).past.problems


def test_a_renamed_file_is_known_by_its_exercises_and_said(submission):
    one = submission(SOLVED.read_bytes(), name="homework")
    assert one.past.problems == ["the file is called homework; by its exercises it is 01_pca"]
    assert submission(SOLVED.read_bytes(), name="mia_77_01_pca-2").past.problems == []


def test_two_notebooks_of_one_student_are_both_graded_and_the_better_one_counts(small_class, tmp_path, capsys):
    shutil.copy(SOLVED, small_class / "ben" / "01_pca (second try).ipynb")
    assert grade(small_class, tmp_path / "out", seed=3) == 0
    assert "grading: 100%" in capsys.readouterr().err
    with (tmp_path / "out/grades.csv").open() as file:
        mine = [row for row in csv.DictReader(file) if row["student"] == "ben"]
    assert {row["notebook"] for row in mine} == {"01_pca.ipynb", "01_pca (second try).ipynb"}
    assert len(mine) == 12
    with (tmp_path / "out/canvas/01_pca.csv").open() as file:
        assert {row[0]: row[5] for row in csv.reader(file)}["ben"] == "13"


def test_a_cluster_that_goes_away_is_one_line_and_what_was_graded_stays(small_class, tmp_path, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed")
    grade(small_class, tmp_path / "whole", seed=3)
    real, out = grading.write, tmp_path / "out"
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as dask:

        def write_and_pull_the_plug(path, text):
            real(path, text)
            if path.parent.name == "records":
                dask.close()

        command = ["grade", str(small_class), "--out", str(out), "--seed", "3"]
        with monkeypatch.context() as patch:
            patch.setattr(grading, "write", write_and_pull_the_plug)
            assert main([*command, "--cluster", dask.scheduler_address]) == 2
    assert "went away" in capsys.readouterr().err.splitlines()[-1]
    assert 1 <= len(list((out / "records").iterdir())) < 3
    assert main(command) == 0
    assert everything_in(out) == everything_in(tmp_path / "whole")


# --- a disk that fills ---


@pytest.mark.parametrize("whole", [0, 2, 6], ids=lambda whole: f"after {whole} files")
def test_a_disk_that_fills_is_one_line_and_a_rerun_ends_with_the_same_bytes(
    small_class, tmp_path, capsys, monkeypatch, whole
):
    grade(small_class, tmp_path / "undisturbed", seed=3)
    real, written = os.fdopen, []

    @contextlib.contextmanager
    def filling(*args):
        with real(*args) as file:
            written.append(file)
            if len(written) <= whole:
                yield file
                return
            half = lambda content: (file.write(content[: len(content) // 2]), no_space())  # noqa: E731
            yield SimpleNamespace(write=half)

    def no_space():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    command = ["grade", str(small_class), "--out", str(tmp_path / "out"), "--seed", "3"]
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fdopen", filling)
        assert main(command) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"course: {tmp_path / 'out'} cannot be written to (No space left on device). All records")
    so_far, undisturbed = everything_in(tmp_path / "out"), everything_in(tmp_path / "undisturbed")
    assert len(so_far) == whole
    assert so_far.items() <= undisturbed.items()
    assert main(command) == 0
    assert everything_in(tmp_path / "out") == undisturbed


ON_A_SMALL_DISK = """
import shutil, sys
from pathlib import Path
from course import files
from course.cli import main
from course.grading import namespaces
place, disk, copy = sys.argv[1:]
namespaces.unshare(namespaces.NEWNS)
namespaces.mount(None, "/", None, 16384 | 1 << 18)  # what is mounted here is seen by this process alone
namespaces.mount("tmpfs", disk, "tmpfs", 0, "size=8k")
for pages in (2, 3, 6, 12, 24, 1000):
    namespaces.mount("tmpfs", disk, "tmpfs", 32, f"size={4 * pages}k")  # 32: the same one, larger
    status = main(["grade", place, "--out", f"{disk}/out", "--seed", "3"])
    assert not list(Path(disk).rglob(".*")), "something half-written was left"
    print("status", status)
shutil.copytree(f"{disk}/out", copy)
"""


def test_a_disk_that_is_really_full(small_class, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("NOT TRIED: only root can make a small disk; the test above fills one in words")
    grade(small_class, tmp_path / "undisturbed", seed=3)
    (tmp_path / "disk").mkdir()
    command = [sys.executable, "-c", ON_A_SMALL_DISK, *(str(tmp_path / name) for name in ("in", "disk", "copy"))]
    run = subprocess.run(command, cwd=project_root(), capture_output=True, text=True)
    if "unshare" in run.stderr:
        pytest.skip(f"NOT TRIED: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr
    statuses = re.findall(r"status (\d)", run.stdout)
    assert statuses[0] == "2"
    assert statuses[-1] == "0"
    assert statuses.count("2") == run.stderr.count("cannot be written to (No space left on device)")
    assert everything_in(tmp_path / "copy") == everything_in(tmp_path / "undisturbed")

"""The walls, tried from inside: they hold where they are said to, and where there are none the probe says so."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from course.cli import main
from course.grading import grade, isolation
from course.grading.submission import Submission
from course.paths import project_root

SOLVED = project_root() / "solutions/01_pca.ipynb"


def made(kind):
    """A launcher, or the test is skipped, and says why."""
    try:
        return kind()
    except isolation.IsolationError as error:
        pytest.skip(f"NOT TRIED: {error}")


@pytest.mark.parametrize("kind", [isolation.ForkServer, isolation.Bubblewrap])
def test_every_wall_holds(kind):
    launcher = made(kind)
    try:
        found = dict(isolation.probe(launcher))
    finally:
        launcher.close()
    assert len(found) == 9
    assert [sentence for sentence, holds in found.items() if not holds] == []


def test_without_a_sandbox_the_probe_finds_every_wall_fallen_but_that_of_memory():
    if os.geteuid() != 0:
        pytest.skip("NOT TRIED: an ordinary user may not write to the system even without a sandbox")
    found = dict(isolation.probe(isolation.Unsandboxed()))
    assert len(found) == 9
    assert [sentence for sentence, holds in found.items() if holds] == EVEN_THEN


EVEN_THEN = ["memory is bounded", "files are bounded"]  # by limits on the process, which need no sandbox


@pytest.mark.parametrize("kind", [isolation.ForkServer, isolation.Bubblewrap])
def test_a_submission_runs_within_the_walls(kind):
    launcher = made(kind)
    submission = Submission(SOLVED.read_bytes(), launcher)
    try:
        assert submission.explained_variance(np.array([3.0, 1.0])).tolist() == [0.75, 0.25]
    finally:
        submission.close()
        launcher.close()
    assert submission.problems == []


def test_grading_does_not_start_where_a_wall_has_fallen(tmp_path, monkeypatch, capsys):
    (tmp_path / "in" / "ann").mkdir(parents=True)
    shutil.copy(SOLVED, tmp_path / "in/ann/01_pca.ipynb")

    class Named:
        name = "a fence"

    monkeypatch.setattr(grade.workers, "launcher_of_this_process", lambda sandbox: Named())
    monkeypatch.setattr(
        grade, "probe", lambda launcher: [("the hidden tests cannot be seen", True), ("memory is bounded", False)]
    )
    assert main(["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "the sandbox (a fence) does not hold what it should: memory is bounded. Nothing was graded." in said
    assert "--no-sandbox" in said
    assert not list((tmp_path / "out").glob("**/*.csv"))


def test_where_there_is_no_sandbox_at_all_every_reason_is_given(monkeypatch):
    monkeypatch.setattr(isolation.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(isolation.shutil, "which", lambda name: None)
    with pytest.raises(isolation.IsolationError, match=r"needs Linux.*not Darwin.*bubblewrap is not.*--no-sandbox"):
        isolation.best()


ORDINARY = """
from course.grading.isolation import ForkServer, IsolationError, probe
import os
assert os.getuid() == 65534
try:
    launcher = ForkServer()
except IsolationError as error:
    print("NOT TRIED:", error)
else:
    print([sentence for sentence, holds in probe(launcher) if not holds])
    launcher.close()
"""


def test_it_works_for_an_ordinary_user(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("NOT TRIED here: the tests above were run by an ordinary user already")
    os.chmod(tmp_path, 0o777)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        trial = subprocess.run([sys.executable, "-c", "import course"], user=65534, group=65534, extra_groups=[],
                               cwd="/", env=environment, capture_output=True)  # fmt: skip
    except PermissionError:
        trial = None
    if trial is None or trial.returncode:
        pytest.skip(f"NOT TRIED: the user 65534 cannot reach {sys.executable} or the course's package")
    run = subprocess.run([sys.executable, "-c", ORDINARY], user=65534, group=65534, extra_groups=[], cwd="/",
                         env=environment, capture_output=True, text=True, timeout=180)  # fmt: skip
    if run.stdout.startswith("NOT TRIED"):
        pytest.skip(run.stdout.strip())
    assert (run.returncode, run.stdout) == (0, "[]\n"), run.stderr

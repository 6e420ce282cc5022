"""The walls, tried from inside: they hold where they are said to, and where there are none the probe says so."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from course.cli import main
from course.grading import grade, isolation, namespaces, workers
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
    assert len(found) == 10
    assert [sentence for sentence, holds in found.items() if not holds] == []


def test_without_a_sandbox_the_probe_finds_every_wall_fallen_but_that_of_memory():
    if os.geteuid() != 0:
        pytest.skip("NOT TRIED: an ordinary user may not write to the system even without a sandbox")
    found = dict(isolation.probe(isolation.Unsandboxed()))
    assert len(found) == 10
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
    assert submission.past.problems == []


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


AS_AN_ORDINARY_USER = """
import os, sys
from course.grading import namespaces, nursery
from course.paths import project_root

# As root: what is needed, copied nowhere, wherever it lies, in folders that everyone may enter.
namespaces.enter_small_root([*nursery.visible(), str(project_root()), "/dev/tty"], sys.argv[1])
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.chdir("/")
os.execv(sys.executable, [sys.executable, "-c", sys.argv[2]])
"""
ORDINARY = """
import json, os
import numpy as np
from course.grading.submission import Submission
from course.paths import project_root
from course.grading.isolation import Bubblewrap, ForkServer, IsolationError, probe
assert os.getuid() == 65534
THREADED = json.dumps({"cells": [{"cell_type": "code", "source":
    "def covariance(n):\\n    import threading\\n    stop = threading.Event()\\n    for _ in range(n):\\n"
    "        threading.Thread(target=stop.wait, daemon=True).start()\\n    return threading.active_count()"
}]}).encode()
found = {}
for kind in (ForkServer, Bubblewrap):
    try:
        launcher = kind()
    except IsolationError as error:
        found[kind.__name__] = f"NOT TRIED: {error}"
    else:
        found[kind.__name__] = {sentence: holds for sentence, holds in probe(launcher)}
        submission = Submission((project_root() / "solutions/01_pca.ipynb").read_bytes(), launcher)
        share = submission.explained_variance(np.array([3.0, 1.0]))
        found[kind.__name__]["a submission runs"] = share.tolist() == [0.75, 0.25]
        submission.close()
        two = [Submission(THREADED, launcher) for _ in range(2)]
        found[kind.__name__]["threads are counted for each alone"] = [one.covariance(100) for one in two] == [101, 101]
        for one in two:
            one.close()
        launcher.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def for_an_ordinary_user(tmp_path_factory):
    """What an ordinary user's probes found, for each kind of sandbox."""
    if os.geteuid() != 0:
        pytest.skip("NOT TRIED here: the tests above were run by an ordinary user already")
    environment = {"PATH": os.environ["PATH"], "HOME": "/box", "TMPDIR": "/box", "PYTHONPATH": str(project_root())}
    command = [sys.executable, "-c", AS_AN_ORDINARY_USER, str(tmp_path_factory.mktemp("root")), ORDINARY]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if "unshare" in run.stderr or "PermissionError" in run.stderr:
        pytest.skip(f"NOT TRIED: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("kind", ["ForkServer", "Bubblewrap"])
def test_it_works_for_an_ordinary_user(for_an_ordinary_user, kind):
    found = for_an_ordinary_user[kind]
    if isinstance(found, str):
        pytest.skip(found)
    assert len(found) == 12
    assert [sentence for sentence, holds in found.items() if not holds] == []


@pytest.mark.parametrize(("kernel", "bound"), [("5.13.9-generic", 128 + 700), ("5.14.0", 128), ("6.18.44-fc", 128)])
def test_threads_are_bounded_as_the_kernel_counts_them(monkeypatch, kernel, bound):
    """Before 5.14 it counts all processes of a user together, whatever their namespace: those that run are added."""
    found = {}
    monkeypatch.setattr(namespaces.platform, "release", lambda: kernel)
    monkeypatch.setattr(namespaces.Path, "read_text", lambda path: "0.31 0.20 0.12 2/700 12345\n")
    monkeypatch.setattr(namespaces.resource, "setrlimit", lambda what, bounds: found.update({what: bounds}))
    namespaces.bound_threads()
    assert found == {namespaces.resource.RLIMIT_NPROC: (bound, bound)}


WINDOWS = """
import ctypes, os, platform, signal, socket, subprocess, sys
import jinja2, numpy, tqdm, multiprocessing.connection  # packages that are there on Windows, in their own way
platform.system = lambda: "Windows"
for module, names in {os: ["fork", "killpg", "pidfd_open", "geteuid", "getuid"], socket: ["send_fds", "recv_fds"],
                      signal: ["setitimer", "SIGKILL", "SIGPROF"]}.items():
    for name in names:
        delattr(module, name)
sys.modules["resource"] = None
sys.platform, ctypes.CDLL, subprocess.Popen = "win32", None, None
from course.cli import main
sys.exit(main(["grade", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("options", [[], ["--no-sandbox"], ["--jobs", "2"]])
def test_windows_is_one_clear_line_before_anything_starts(tmp_path, options):
    (tmp_path / "in/ann").mkdir(parents=True)
    shutil.copy(SOLVED, tmp_path / "in/ann/01_pca.ipynb")
    command = [sys.executable, "-c", WINDOWS, str(tmp_path / "in"), "--out", str(tmp_path / "out"), *options]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2, run.stderr
    assert run.stderr.startswith("course: Windows has not what grading needs")
    assert "wsl --install" in run.stderr
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_on_macos_it_goes_on_without_a_sandbox_where_it_is_asked_to(tmp_path, monkeypatch):
    """There a process with libraries in it is not forked: each judge is a Python of its own."""
    (tmp_path / "in/ann").mkdir(parents=True)
    shutil.copy(SOLVED, tmp_path / "in/ann/01_pca.ipynb")
    monkeypatch.setattr(workers.sys, "platform", "darwin")
    monkeypatch.setattr(workers, "_launcher", None)
    assert grade.grade(tmp_path / "in", tmp_path / "out", seed=1, sandbox=False) == 0
    assert (tmp_path / "out/grades.csv").read_text().count("passed") == 6

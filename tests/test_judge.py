"""A judge can be done without: what hangs or ends it costs one exercise, and nothing of a run outlives it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trapped_judge
from processes import alive, children

from course.grading import judge, workers
from course.grading.grade import grade
from course.grading.isolation import IsolationError


@pytest.fixture(autouse=True)
def sandboxed():
    try:
        workers.launcher_of_this_process(sandbox=True)
    except IsolationError as error:
        pytest.skip(f"NOT TRIED: no sandbox can be had here ({error})")


def hand_in(place, student, *cells):
    new = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    path = place / student / "01_pca.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"cells": [{**new, "source": cell} for cell in cells]}))


def returning(covariance, scores=2):
    return f"def covariance(X):\n    return {covariance}\ndef scores(X, E):\n    return {scores}"


def statuses(out):
    records = [json.loads(path.read_text()) for path in (out / "records").iterdir()]
    return {
        record["student"]: {r["exercise"]: r["status"] for r in record["results"] if r["status"] != "not tested"}
        for record in records
    }


@pytest.fixture
def trapped(monkeypatch):
    """Judges of which trapped_judge says what ends them."""
    monkeypatch.setattr(workers, "JUDGE", "tests.trapped_judge")
    monkeypatch.setattr(judge, "STEP", trapped_judge.STEP)


def test_what_hangs_or_ends_a_judge_costs_its_exercise_alone(trapped, tmp_path):
    for student, covariance in (("ann", 1), ("ben", 7), ("cem", 8), ("dora", 9), ("eve", 1), ("fay", 3)):
        hand_in(tmp_path / "in", student, returning(covariance))
    assert grade(tmp_path / "in", tmp_path / "two", time_limit=2, seed=1, jobs=2) == 0
    found = statuses(tmp_path / "two")
    assert {student: mine["scores"] for student, mine in found.items()} == dict.fromkeys(found, "passed")
    assert {student: mine["covariance"] for student, mine in found.items()} == {
        "ann": "passed", "ben": "time limit", "cem": "died", "dora": "wrong value", "eve": "passed",
        "fay": "wrong value",
    }  # fmt: skip
    pages = {student: (tmp_path / f"two/feedback/{student}.html").read_text() for student in found}
    assert "what covariance returns takes too long to judge" in pages["ben"]
    assert "what covariance returns cannot be judged" in pages["cem"]
    assert "What should hold, and does not: It is 1." in pages["dora"]  # without the visible cases, which hung
    grade(tmp_path / "in", tmp_path / "one", time_limit=2, seed=1)
    assert statuses(tmp_path / "one") == found


def test_what_is_known_of_a_submission_outlives_its_judge(trapped, tmp_path):
    hand_in(tmp_path / "in", "ann", "print('seen')\nraise RuntimeError('boom')", "import os\nos._exit(0)", returning(7))
    hand_in(tmp_path / "in", "ben", returning(10))
    grade(tmp_path / "in", tmp_path / "out", time_limit=2, seed=1, jobs=2)
    assert statuses(tmp_path / "out")["ben"] == {"covariance": "time limit", "scores": "passed"}
    page = (tmp_path / "out/feedback/ann.html").read_text()
    assert "RuntimeError: boom" in page
    assert page.count("ended the process and was left out") == 1


def test_judges_that_cannot_be_started_stop_the_run(monkeypatch, tmp_path):
    monkeypatch.setattr(workers, "JUDGE", "course.nothing_of_this_name")
    hand_in(tmp_path / "in", "ann", returning(1))
    with pytest.raises(IsolationError, match="the fork server has gone"):
        grade(tmp_path / "in", tmp_path / "out", seed=1)
    assert not list((tmp_path / "out/records").iterdir())


@pytest.fixture
def run(tmp_path):
    """`course grade` in a process of its own, started on what lies in tmp_path / "in"."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "course.cli", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
        started.append(subprocess.Popen([*command, "--seed", "1", *options], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL))  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def of_module(process, module):
    """The processes among a run's that run a module of ours, and those of them that the run itself started."""
    found, own = set(), set()
    for pid in children(process.pid):
        with contextlib.suppress(OSError):
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
                if int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == process.pid:
                    own.add(pid)
    return found, own


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_all_judges_share_one_fork_server_and_none_outlives_a_run_that_is_killed(tmp_path, run):
    for student in ("ann", "ben", "cem"):
        hand_in(tmp_path / "in", student, returning(1), "while True:\n    pass")
    process = run("--jobs", "3")
    assert until(lambda: len(of_module(process, "course.grading.nursery")[0]) == 1 + 3 * 2)  # wardens and students
    assert len(of_module(process, "course.grading.nursery")[1]) == 1
    judges, server = of_module(process, "course.grading.judge")
    assert (len(judges), len(server)) == (4, 1)
    everything = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert until(lambda: not alive(everything), 10)


def test_a_fork_server_that_dies_stops_the_run_and_costs_nobody_a_mark(tmp_path, run):
    hand_in(tmp_path / "in", "ann", "import time\ntime.sleep(4)", returning(1))
    process = run()
    assert until(lambda: len(of_module(process, "course.grading.judge")[0]) == 2)
    assert until(lambda: len(of_module(process, "course.grading.nursery")[0]) == 3)
    (server,) = of_module(process, "course.grading.nursery")[1]
    os.kill(server, signal.SIGKILL)
    assert process.wait(60) == 2
    assert not list((tmp_path / "out/records").iterdir())


def test_a_judge_that_is_killed_is_replaced_and_takes_its_student_along(tmp_path, run):
    hand_in(tmp_path / "in", "ann", "import time\ntime.sleep(4)", returning(1))
    process = run()

    def forked(module):
        every, servers = of_module(process, module)
        return every - servers

    assert until(lambda: len(forked("course.grading.judge")) == 1 and len(forked("course.grading.nursery")) == 2)
    (one,), sandboxed = forked("course.grading.judge"), forked("course.grading.nursery")
    os.kill(one, signal.SIGKILL)
    assert until(lambda: not sandboxed & forked("course.grading.nursery"), 2)
    assert process.wait(60) == 0
    assert statuses(tmp_path / "out")["ann"]["standardise"] == "missing"

"""Run by pytest, the hidden tests are run on the solutions, in the sandbox: they must all pass."""

import pytest

from course.grading import hidden
from course.grading.isolation import IsolationError, Unsandboxed, best
from course.grading.submission import Submission
from course.paths import project_root


@pytest.fixture(scope="session")
def launcher():
    try:
        launcher = best()
    except IsolationError:
        launcher = Unsandboxed()
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def submission(request, launcher):
    chapter = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    content = (project_root() / "solutions" / f"{chapter}.ipynb").read_bytes()
    submission = Submission(content, launcher, chapter=chapter)
    yield submission
    submission.close()


@pytest.fixture
def rng(request):
    return hidden.generator(request.node.originalname, seed=0)

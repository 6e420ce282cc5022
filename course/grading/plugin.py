"""The pytest plugin of the hidden tests: the fixtures `submission` and `rng`, and an outcome for every test."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from course.grading.submission import LocalSubmission, StudentError, Submission

Graded = Submission | LocalSubmission


@dataclass(frozen=True)
class Outcome:
    """How one hidden test went for one submission.

    status    passed, wrong value, not attempted, or what StudentError says
    property  the test's docstring: what the function should do, in words
    message   what the student may read of the reason; empty where it could give the hidden input away
    """

    exercise: str
    status: str
    property: str
    message: str = ""


class Grading:
    """Runs every hidden test on every submission of its chapter. `outcomes` maps id(submission) to its outcomes."""

    def __init__(self, submissions: Sequence[Graded], seed: int):
        self.submissions, self.seed = list(submissions), seed
        self.outcomes: dict[int, list[Outcome]] = {id(submission): [] for submission in submissions}

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "submission" in metafunc.fixturenames:
            chapter = metafunc.module.__name__.rpartition(".")[2].removeprefix("test_")
            mine = [submission for submission in self.submissions if submission.chapter == chapter]
            # Module scope: pytest takes all tests of one submission together, so each needs one process at a time.
            metafunc.parametrize("submission", mine, ids=[s.student for s in mine], indirect=True, scope="module")

    @pytest.fixture(scope="module")
    @classmethod
    def submission(cls, request: pytest.FixtureRequest) -> Iterator[Graded]:
        yield request.param
        request.param.close()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """Seeded by the run and the test: every student meets the same inputs, every run has new ones."""
        return np.random.default_rng([self.seed, zlib.crc32(request.node.originalname.encode())])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        report = yield
        if call.when == "call" and hasattr(item, "callspec") and "submission" in item.callspec.params:
            marker = item.get_closest_marker("exercise")
            words = " ".join((item.function.__doc__ or item.originalname.replace("_", " ")).split())
            status, message = _reason(call.excinfo)
            submission = item.callspec.params["submission"]
            self.outcomes[id(submission)].append(Outcome(marker.args[0] if marker else "", status, words, message))
        return report


def _reason(excinfo: Any) -> tuple[str, str]:
    if excinfo is None:
        return "passed", ""
    if excinfo.errisinstance(NotImplementedError):
        return "not attempted", ""
    if excinfo.errisinstance(StudentError):
        # What a student's function says of itself, "raised ValueError: ...", could carry a hidden input: not shown.
        shown = "" if excinfo.value.status == "raised" else str(excinfo.value)
        return excinfo.value.status, shown
    return "wrong value", ""

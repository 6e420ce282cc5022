"""A judge that a result can make hang or die, as a comparison may: run by tests/test_judge.py in the place of its own.

What `covariance` returns says what happens: 7 hangs in C, where no handler of Python's runs; 8 ends the judge; 9 is
wrong, and hangs what describes it to the student; 10 waits for ever.
"""

import os
import signal
import sys

import numpy as np

from course.grading import hidden, judge, work

STEP = 0.3  # CPU seconds beyond the time limit


def hang():
    sum(range(10**15))


def covariance(submission, rng):
    """It is 1."""
    got = submission.covariance(np.zeros((1, 1)))
    if got == 7:
        hang()
    if got == 10:
        signal.pause()
    if got == 8:
        os.abort()
    assert got == 1


def scores(submission, rng):
    """It is 2."""
    assert submission.scores(np.zeros((1, 1)), np.zeros((1, 1))) == 2


def examine(exercise, function, real=work.examine):
    if function(np.zeros((1, 1))) == 9:
        hang()
    return real(exercise, function)


TESTS = tuple(
    hidden.HiddenTest(name, function.__name__, function.__doc__, function)
    for name, function in {"first": covariance, "second": covariance, "third": scores}.items()
)

if __name__ == "__main__":
    judge.STEP, judge.PATIENCE = STEP, 12
    hidden.of_chapter = lambda chapter: TESTS
    work.examine = examine
    judge.main(int(sys.argv[1]), *sys.argv[2:])

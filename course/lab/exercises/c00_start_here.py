"""The exercise of 00_start_here."""

from __future__ import annotations

import numpy as np

from course.lab.exercise import Case, Exercise, Mistake

_TABLE = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])


def column_range(X) -> np.ndarray:
    """max_i x_ij - min_i x_ij for every column j.   X (n, p) -> (p,), in the units of the columns."""
    return np.ptp(np.asarray(X), axis=0)


EXERCISES = (
    Exercise(
        name="column_range",
        chapter="00_start_here",
        points=1,
        contract="X (n, p) -> (p,): for every column, its largest value minus its smallest.",
        reference=column_range,
        cases=lambda: [Case("a table of three rows", _TABLE), Case("negative numbers", -_TABLE[:, ::-1])],
        hints=(
            "NumPy arrays have the methods `max` and `min`; both take an `axis`.",
            "`axis=0` runs down the rows and leaves one number for each column.",
        ),
        mistakes=(
            Mistake(
                "rows instead of columns",
                lambda X: column_range(X.T),
                "`axis=1` leaves one number for each row. You want one for each column.",
            ),
            Mistake(
                "one number for the whole table",
                lambda X: float(X.max() - X.min()),
                "Without an `axis`, max and min run over the whole table.",
            ),
            Mistake(
                "smallest minus largest",
                lambda X: -column_range(X),
                "A range is never negative: take the difference the other way round.",
            ),
        ),
    ),
)

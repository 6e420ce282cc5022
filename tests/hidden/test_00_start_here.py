import numpy as np
import pytest

exercise = pytest.mark.exercise

# The contract does not promise float64, so the tolerance is one that float32 keeps.


@exercise("column_range")
def test_range_of_every_column(submission, rng):
    """Each entry is the largest value of its column minus the smallest."""
    X = rng.normal(size=(9, 5))
    expected = [max(column) - min(column) for column in X.T.tolist()]
    np.testing.assert_allclose(submission.column_range(X), expected, rtol=1e-5)


@exercise("column_range")
def test_one_row_has_no_range(submission, rng):
    """A table with one row has the range 0 in every column."""
    np.testing.assert_array_equal(submission.column_range(rng.normal(size=(1, 3))), [0, 0, 0])

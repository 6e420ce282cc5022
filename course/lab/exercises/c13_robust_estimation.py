"""The exercises of chapter 13. Rows are samples throughout."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from course.lab.exercise import Case, Exercise, Mistake
from course.robust import contamination, depth, medians

EVEN = np.array([[1.0, 20.0], [2.0, 10.0], [4.0, 40.0], [9.0, 30.0]])
ODD = np.array([[5.0, -1.0, 0.0], [100.0, -3.0, 2.0], [6.0, -2.0, 2.0], [5.5, 50.0, 7.0], [5.2, -1.5, 2.0]])


def _cloud() -> np.ndarray:
    return np.random.default_rng(13).normal(size=(40, 2)) * [1.5, 0.7] + [1.0, -0.5]


SQUARE = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [0.0, 0.0]])
COMPASS = np.array([[1.0, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])


def _upper_of_two(X: np.ndarray) -> np.ndarray:
    return np.sort(X, axis=0)[len(X) // 2]


def _rows_in_order_of_the_first(X: np.ndarray) -> np.ndarray:
    return medians.weighted_median(X[np.argsort(X[:, 0])][(len(X) - 1) // 2 : len(X) // 2 + 1])


EXERCISES = (
    Exercise(
        name="mixture_mean",
        chapter="13_robust_estimation",
        points=1,
        contract="theta (p,), the mean q (p,) of the contamination, share eps -> (p,): the mean of a row of "
        "(1 - eps) P_theta + eps Q, where P_theta has mean theta.",
        reference=contamination.mixture_mean,
        cases=lambda: [
            Case("the example", np.array([0.0]), np.array([10.0]), 0.2),
            Case("the plane", np.array([1.0, -1.0]), np.array([5.0, 2.0]), 0.1),
        ],
        hints=(
            "A row is clean with probability 1 - eps, and then its mean is theta. And otherwise?",
            "The mean of a mixture is the mixture of the means, with the same weights.",
        ),
        mistakes=(
            Mistake(
                "the weights the wrong way round",
                lambda theta, q, eps: contamination.mixture_mean(theta, q, 1 - eps),
                "`eps` is the share of the contamination: at eps = 0 the mean is theta.",
            ),
            Mistake(
                "the contamination was added, and nothing taken away",
                lambda theta, q, eps: theta + eps * q,
                "Only a share 1 - eps of the rows is clean: theta has a weight too.",
            ),
            Mistake(
                "the bias alone",
                lambda theta, q, eps: contamination.mixture_mean(theta, q, eps) - theta,
                "The contract asks where the mean is, not by how much it is off.",
            ),
        ),
    ),
    Exercise(
        name="coordinate_median",
        chapter="13_robust_estimation",
        points=2,
        contract="X (n, p) -> (p,): the median of each column; with n even, the mean of the two values in the middle.",
        reference=medians.weighted_median,
        cases=lambda: [
            Case("four rows", EVEN),
            Case("five rows, with wild entries", ODD),
            Case("forty rows", _cloud()),
        ],
        hints=(
            "Sort each column by itself: `np.sort` takes an axis.",
            "With n rows sorted, counted from 0, the middle is row n // 2 when n is odd. "
            "And when n is even, there are two: which?",
            "Rows (n - 1) // 2 and n // 2 are the same one for odd n and the two in the middle for even n.",
        ),
        mistakes=(
            Mistake(
                "the upper one of the two in the middle",
                _upper_of_two,
                "With an even number of rows there are two in the middle: take their mean.",
            ),
            Mistake(
                "columns were not sorted each by itself",
                _rows_in_order_of_the_first,
                "Whole rows were put in the order of the first column. Each column has an order of its own.",
            ),
            Mistake(
                "not sorted at all",
                lambda X: (X[(len(X) - 1) // 2] + X[len(X) // 2]) / 2,
                "These are the rows in the middle of the table. Sort first.",
            ),
            Mistake(
                "one median for all columns",
                lambda X: np.full(X.shape[1], medians.weighted_median(X.reshape(-1, 1))[0]),
                "Sort along the rows, `axis=0`, so that every column keeps its values.",
            ),
        ),
        forbidden=("median", "nanmedian", "percentile", "quantile", "weighted_median", "CoordinateMedian"),
    ),
    Exercise(
        name="hidden_distance",
        chapter="13_robust_estimation",
        points=2,
        contract="share eps, 0 <= eps < 1/2 -> a number: the distance d at which N(0, 1) and N(d, 1) have total "
        "variation eps / (1 - eps), so that an adversary with share eps can make them look alike.",
        reference=contamination.indistinguishable,
        cases=lambda: [Case("one row in five", 0.2), Case("one in twenty", 0.05), Case("nobody", 0.0)],
        hints=(
            "Where do the densities cross? The total variation is how much more mass each of them has on its own side.",
            "It is `Phi(d / 2) - Phi(-d / 2)`, that is `2 Phi(d / 2) - 1`. Set it to eps / (1 - eps) and solve for d.",
            "`norm.ppf` from scipy.stats is the inverse of Phi.",
        ),
        mistakes=(
            Mistake(
                "half of it",
                lambda eps: contamination.indistinguishable(eps) / 2,
                "This is d / 2, the error that cannot be avoided. The contract asks for the distance d.",
            ),
            Mistake(
                "total variation eps",
                lambda eps: contamination.indistinguishable(eps / (1 + eps)),
                "The clean parts have weight 1 - eps: the total variation that a share eps makes up for is larger.",
            ),
            Mistake(
                "the total variation taken for a probability of Phi",
                lambda eps: 2 * ndtri(eps / (1 - eps)),
                "Phi(d / 2) is at least 1/2 for a distance d: solve 2 Phi(d / 2) - 1 = eps / (1 - eps).",
            ),
        ),
    ),
    Exercise(
        name="directional_depth",
        chapter="13_robust_estimation",
        points=3,
        contract="z (p,), X (n, p), directions U (k, p) -> a number: the smallest share of the rows in a halfspace "
        "{x : u^T x >= u^T z}, over the rows u of U.",
        reference=depth.depth_along,
        cases=lambda: [
            Case("three points on a line", np.array([2.0]), np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [-1.0]])),
            Case("a corner of a square", np.array([1.0, 1.0]), SQUARE, COMPASS),
            Case("off the centre", np.array([1.5, -0.7]), _cloud(), COMPASS),
        ],
        hints=(
            "One direction u: the rows in the halfspace are those with `X @ u >= z @ u`. What share is that?",
            "`(X - z) @ U.T` has a column for each direction: how far each row lies beyond the edge through z.",
            "The mean of a boolean array along axis 0 is a share for each direction. The depth is the smallest.",
        ),
        mistakes=(
            Mistake(
                "rows on the edge left out",
                lambda z, X, U: min(np.count_nonzero((X - z) @ u > 0) for u in U) / len(X),
                "The halfspace is closed: a row on its edge, and z itself, counts. Use `>=`.",
            ),
            Mistake(
                "the fullest halfspace",
                lambda z, X, U: max(np.count_nonzero((X - z) @ u >= 0) for u in U) / len(X),
                "Depth is how badly a point can be exposed: the smallest share over the directions, not the largest.",
            ),
            Mistake(
                "a count, not a share",
                lambda z, X, U: len(X) * depth.depth_along(z, X, U),
                "Divide by the number of rows: the depth lies between 0 and 1.",
            ),
            Mistake(
                "halfspaces through the origin",
                lambda z, X, U: depth.depth_along(np.zeros_like(z), X, U),
                "The edge goes through z: compare `u^T x` with `u^T z`, not with 0.",
            ),
        ),
        forbidden=("halfspace_depth", "depth_along"),
    ),
    Exercise(
        name="weiszfeld_step",
        chapter="13_robust_estimation",
        points=2,
        contract="m (p,), X (n, p), no row equal to m -> (p,): the mean of the rows with weights 1 / r_i, where r_i is "
        "the distance of row i from m.",
        reference=medians.weiszfeld_step,
        cases=lambda: [
            Case("two points", np.array([1.0, 0.0]), np.array([[0.0, 0.0], [4.0, 0.0]])),
            Case("forty rows", np.array([3.0, 3.0]), _cloud()),
            Case("four columns", np.full(4, 0.5), np.random.default_rng(3).normal(size=(7, 4))),
        ],
        hints=(
            "First the distances: one for each row, `np.linalg.norm` with `axis=1`.",
            "A weighted mean is the sum of weight times row, divided by the sum of the weights.",
        ),
        mistakes=(
            Mistake(
                "squared distances",
                lambda m, X: np.average(X, axis=0, weights=((X - m) ** 2).sum(axis=1) ** -1.0),
                "The weights are one over the distance: take the square root of the sum of squares.",
            ),
            Mistake(
                "weights grow with the distance",
                lambda m, X: np.average(X, axis=0, weights=np.sqrt(((X - m) ** 2).sum(axis=1))),
                "Far rows must count less: the weight is one over the distance.",
            ),
            Mistake(
                "divided by n",
                lambda m, X: medians.weiszfeld_step(m, X) * np.mean(1 / np.sqrt(((X - m) ** 2).sum(axis=1))),
                "The weights do not add up to n: divide by their sum.",
            ),
            Mistake(
                "the mean of the rows",
                lambda m, X: X.mean(axis=0),
                "All rows have the same weight here. The weights are one over the distance from m.",
            ),
        ),
        forbidden=("GeometricMedian", "_pull"),
    ),
)

"""The exercises of 01_pca."""

from __future__ import annotations

import numpy as np

from course import data
from course.lab.exercise import Case, Exercise, Mistake
from course.unsupervised import pca

_TRIANGLE = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 7.0]])


def _arrests() -> np.ndarray:
    return data.load("usarrests").X


def _plane() -> np.ndarray:
    """Six correlated points in three dimensions, of no simple form."""
    return np.random.default_rng(0).normal(size=(6, 3)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.3]])


def _components(X: np.ndarray, k: int) -> np.ndarray:
    return pca.principal_components(X)[1][:, :k]


def _signed(result):
    """(lam, E) with the signs of the eigenvectors settled: an eigenvector times -1 is an eigenvector."""
    lam, E = result
    return lam, pca.fix_signs(E)


EXERCISES = (
    Exercise(
        name="standardise",
        chapter="01_pca",
        points=2,
        contract="X (n, p) -> (n, p): every column with mean 0 and variance 1, the variance with divisor n - 1.",
        reference=pca.standardise,
        cases=lambda: [Case("three points", _TRIANGLE), Case("USArrests", _arrests())],
        hints=(
            "Two numbers describe a column: its mean and its standard deviation. Subtract one, divide by the other.",
            "`X.mean(axis=0)` has one number for each column, and NumPy subtracts it from every row.",
            "`X.std(axis=0)` divides by n. Its argument `ddof=1` makes that n - 1.",
        ),
        mistakes=(
            Mistake(
                "the variance is divided by n",
                lambda X: pca.standardise(X) * np.sqrt(len(X) / (len(X) - 1)),
                "NumPy's default divisor is n; the contract asks for n - 1: look up `ddof`.",
            ),
            Mistake(
                "divided by the variance",
                lambda X: pca.standardise(X) / X.std(axis=0, ddof=1),
                "Divide by the standard deviation, the square root of the variance: the result then has no units.",
            ),
            Mistake(
                "only centred",
                lambda X: X - X.mean(axis=0),
                "The mean is gone, the spread is still there: divide by it.",
            ),
            Mistake(
                "rows instead of columns",
                lambda X: pca.standardise(X.T).T,
                "A column is a feature, and it is features that are made comparable: `axis=0`, not `axis=1`.",
            ),
        ),
        forbidden=("scale", "StandardScaler", "zscore"),
    ),
    Exercise(
        name="covariance",
        chapter="01_pca",
        points=2,
        contract="X (n, p) -> S (p, p): the sample covariance matrix, with divisor n - 1.",
        reference=pca.covariance,
        cases=lambda: [Case("three points", _TRIANGLE), Case("USArrests", _arrests())],
        hints=(
            "Entry (j, k) of S says how columns j and k vary together, about their means.",
            "Centre the columns first. What is the product of the centred matrix, transposed, with itself?",
            "The sum of the outer products `x_i x_i^T` over the rows is the matrix product `Xc.T @ Xc`.",
        ),
        mistakes=(
            Mistake(
                "divided by n",
                lambda X: pca.covariance(X) * (len(X) - 1) / len(X),
                "Having estimated the mean from the same rows costs one: divide by n - 1.",
            ),
            Mistake(
                "the columns are not centred",
                lambda X: pca.covariance(X) + np.outer(X.mean(axis=0), X.mean(axis=0)) * len(X) / (len(X) - 1),
                "S measures variation about the mean: subtract each column's mean first.",
            ),
            Mistake(
                "samples instead of features",
                lambda X: pca.covariance(X.T),
                "The result is p by p, one row for each feature: put the transpose on the other factor.",
            ),
            Mistake(
                "a sum, not a mean",
                lambda X: pca.covariance(X) * (len(X) - 1),
                "This is the sum of the outer products; divide it by n - 1.",
            ),
        ),
        forbidden=("cov", "corrcoef", "EmpiricalCovariance", "empirical_covariance"),
    ),
    Exercise(
        name="spectrum",
        chapter="01_pca",
        points=3,
        contract="S (p, p) symmetric -> (lam, E): eigenvalues (p,), largest first, and unit eigenvectors in the "
        "columns of E (p, p).",
        reference=pca.spectrum,
        cases=lambda: [
            Case("a 2 by 2 matrix", np.array([[2.0, 1.0], [1.0, 2.0]])),
            Case("the covariance of standardised USArrests", pca.covariance(pca.standardise(_arrests()))),
        ],
        hints=(
            "NumPy has a function for the eigenvectors of a symmetric matrix. Which end does it begin with?",
            "`np.linalg.eigh` returns the eigenvalues in ascending order, and the eigenvectors in columns.",
            "`a[::-1]` turns a vector round, and `A[:, ::-1]` the columns of a matrix.",
        ),
        mistakes=(
            Mistake(
                "smallest first",
                lambda S: (pca.spectrum(S)[0][::-1], pca.spectrum(S)[1][:, ::-1]),
                "`eigh` sorts upwards. The first principal component has the largest variance: turn both round.",
            ),
            Mistake(
                "the eigenvectors were not reordered with the eigenvalues",
                lambda S: (pca.spectrum(S)[0], pca.spectrum(S)[1][:, ::-1]),
                "Column k of E belongs to lam[k]: what is done to one must be done to the other.",
            ),
            Mistake(
                "the eigenvectors stand in the rows",
                lambda S: (pca.spectrum(S)[0], pca.spectrum(S)[1].T),
                "The contract has e_k in column k, `E[:, k]`.",
            ),
            Mistake(
                "rows turned round instead of columns",
                lambda S: (pca.spectrum(S)[0], pca.spectrum(S)[1][::-1]),
                "`E[::-1]` turns the rows round; the columns are `E[:, ::-1]`.",
            ),
            Mistake(
                "square roots of the eigenvalues",
                lambda S: (np.sqrt(np.abs(pca.spectrum(S)[0])), pca.spectrum(S)[1]),
                "The eigenvalue itself is the variance; its square root is the standard deviation.",
            ),
        ),
        forbidden=("PCA", "svd", "spectrum", "principal_components"),
        canonical=_signed,
    ),
    Exercise(
        name="scores",
        chapter="01_pca",
        points=2,
        contract="X (n, p), E (p, k) -> Z (n, k): the coordinates of the centred samples along the columns of E.",
        reference=pca.scores,
        cases=lambda: [
            Case("USArrests, four components", _arrests(), _components(_arrests(), 4)),
            Case("six points in space, two components", _plane(), _components(_plane(), 2)),
        ],
        hints=(
            "`Z_k = X e_k` in the lecture, where the columns of X have mean zero.",
            "Centre X, then multiply once: the columns of the product are the scores.",
        ),
        mistakes=(
            Mistake(
                "not centred",
                lambda X, E: pca.scores(X, E) + X.mean(axis=0) @ E,
                "The lecture's X has columns of mean zero: subtract the means first.",
            ),
            Mistake(
                "multiplied by the transpose of E",
                lambda X, E: pca.scores(X, E.T),
                "`e_k` is column k of E, so the product is with E itself.",
            ),
            Mistake(
                "standardised",
                lambda X, E: pca.scores(pca.standardise(X), E),
                "The contract says centred. Whether to standardise is decided before, by whoever calls the function.",
            ),
        ),
        forbidden=("PCA", "fit_transform"),
    ),
    Exercise(
        name="explained_variance",
        chapter="01_pca",
        points=1,
        contract="lam (p,) -> (p,): the share of the total variance along each component, adding up to 1.",
        reference=pca.explained_variance,
        cases=lambda: [
            Case("three variances", np.array([5.0, 3.0, 2.0])),
            Case("standardised USArrests", pca.principal_components(pca.standardise(_arrests()))[0]),
        ],
        hints=(
            "The total variance is the trace of S. What is the trace of a matrix in terms of its eigenvalues?",
            "The trace is the sum of the eigenvalues.",
        ),
        mistakes=(
            Mistake(
                "relative to the largest",
                lambda lam: lam / lam.max(),
                "A share is of the whole: divide by the sum, not by the largest.",
            ),
            Mistake(
                "added up along the way",
                lambda lam: np.cumsum(pca.explained_variance(lam)),
                "These are the cumulative shares; the contract asks for each component's own.",
            ),
            Mistake(
                "square roots",
                lambda lam: pca.explained_variance(np.sqrt(lam)),
                "Variances add up, standard deviations do not: use lam as it is.",
            ),
            Mistake(
                "in per cent",
                lambda lam: 100 * pca.explained_variance(lam),
                "A share lies between 0 and 1.",
            ),
        ),
    ),
    Exercise(
        name="affine_approximation",
        chapter="01_pca",
        points=3,
        contract="X (n, p), integer k -> (n, p): the samples moved to the closest points of the best k-dimensional "
        "affine subspace.",
        reference=pca.affine_approximation,
        cases=lambda: [
            Case("six points in space, k = 1", _plane(), 1),
            Case("USArrests, k = 2", _arrests(), 2),
            Case("USArrests, k = 0: every sample becomes the mean", _arrests(), 0),
        ],
        hints=(
            "A sample is the mean plus a step along every e_j. Keep the first k steps and drop the rest.",
            "You have written `covariance`, `spectrum` and `scores`: the steps are the scores times the loadings.",
            "With `E` cut to its first k columns, the approximation is the mean plus `Z @ E.T`.",
        ),
        mistakes=(
            Mistake(
                "the mean was not added back",
                lambda X, k: pca.affine_approximation(X, k) - X.mean(axis=0),
                "Scores are measured from the mean: add it at the end.",
            ),
            Mistake(
                "the last components instead of the first",
                lambda X, k: X.mean(axis=0) + X - pca.affine_approximation(X, X.shape[1] - k),
                "Keep the components with the largest variance: what does your `spectrum` put first?",
            ),
            Mistake(
                "a linear subspace, through the origin",
                lambda X, k: _linear(X, k),
                "Centre X before you look for directions. Without that, the first one merely points at the mean.",
            ),
            Mistake(
                "one component too many",
                lambda X, k: pca.affine_approximation(X, min(k + 1, X.shape[1])),
                "`E[:, :k]` has exactly k columns.",
            ),
        ),
        forbidden=("PCA", "inverse_transform", "svd"),
    ),
)


def _linear(X: np.ndarray, k: int) -> np.ndarray:
    U, d, Vt = np.linalg.svd(X, full_matrices=False)
    return (U[:, :k] * d[:k]) @ Vt[:k]

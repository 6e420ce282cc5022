"""Estimates of location that a share of wild rows cannot carry away: medians, the trimmed mean, a spectral filter.

The estimators have scikit-learn's interface, `fit(X)` and `location_`. They derive from BaseEstimator and not from
EmpiricalCovariance, because they estimate a location and nothing else: a covariance computed beside a median would be
as fragile as ever, and so would the Mahalanobis distances that it promises.

Sources: the lecture's slides on robust estimation; Vardi and Zhang, The multivariate L1-median and associated data
depth, PNAS 97 (2000); Diakonikolas, Kamath, Kane, Li, Moitra, Stewart, Being robust (in high dimensions) can be
practical, ICML 2017.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.special import ndtr
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, validate_data


def checked(estimator: BaseEstimator, X) -> np.ndarray:
    """X as scikit-learn's conventions want it: finite, two-dimensional, float32 or float64; sets n_features_in_."""
    X = validate_data(estimator, X, dtype=[np.float64, np.float32])
    if len(X) == 1:
        warnings.warn("Only one sample available. You may want to reshape your data array", stacklevel=3)
    return X


def weighted_median(X: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """The median of every column of X (n, p) -> (p,): the middle of all m that minimise sum_i w_i |x_ij - m|.

    weights (n,) are at least 0; a row of weight 2 counts as two rows.
    """
    if weights is None:
        return np.median(X, axis=0)
    X, weights = X[weights > 0], weights[weights > 0]
    order = np.argsort(X, axis=0)
    below = np.cumsum(weights[order], axis=0)
    half = below[-1] / 2
    ties = 1e-12 * half  # sums of weights are rounded; half of the weight exactly is where two values share the middle
    lower, upper = (below < half - ties).sum(axis=0), (below <= half + ties).sum(axis=0)
    ranked = np.take_along_axis(X, order, axis=0)
    columns = np.arange(X.shape[1])
    return (ranked[lower, columns] + ranked[np.minimum(upper, len(X) - 1), columns]) / 2


class CoordinateMedian(BaseEstimator):
    """theta_j = median of column j, for each j on its own.

    Breakdown point 1/2. In Huber's model with N(theta, I) each coordinate is off by at most about
    Phi^{-1}(1 / (2 (1 - eps))), and all p of them can be at once: the error is of order sqrt(p) eps.

    Attributes: location_ (p,), in the floating type of X; n_features_in_. Raises ValueError on NaN or infinity.
    """

    def fit(self, X, y=None, sample_weight=None) -> CoordinateMedian:
        """X (n, p); sample_weight (n,), not negative: a row of weight 2 counts as two rows."""
        X = checked(self, X)
        self.location_ = weighted_median(X, _weights(sample_weight, X)).astype(X.dtype)
        return self


class GeometricMedian(BaseEstimator):
    """The point with the smallest sum of distances, argmin_m sum_i w_i |x_i - m|, by Weiszfeld's iteration

        m <- sum_i w_i x_i / r_i  /  sum_i w_i / r_i,     r_i = |x_i - m|,

    with Vardi and Zhang's rule for an m that is a data point, where r_i = 0. A data point x_k is the answer when the
    unit vectors to all the others nearly cancel, |sum_{r_i > 0} w_i (x_i - x_k) / r_i| <= the weight at x_k; each data
    point that comes nearest to m is asked, so the iteration does not creep towards one for ever.

    max_iter   the largest number of iterations
    tol        stop when the mean of the unit vectors (x_i - m) / r_i is shorter than this: 0 at the minimum

    Breakdown point 1/2; commutes with rotations and shifts. In Huber's model the error is of order sqrt(p) eps, like
    that of the coordinatewise median. Attributes: location_ (p,), n_iter_, n_features_in_. Warns with
    ConvergenceWarning when max_iter is reached first.
    """

    def __init__(self, max_iter: int = 1000, tol: float = 1e-7):
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X, y=None, sample_weight=None) -> GeometricMedian:
        """X (n, p); sample_weight (n,), not negative: a row of weight 2 counts as two rows."""
        X = checked(self, X)
        weights = _weights(sample_weight, X)
        m = weighted_median(X, weights).astype(float)
        self.n_iter_ = 0
        if X.shape[1] > 1:  # on a line the geometric median is the median
            w = np.ones(len(X)) if weights is None else weights / weights.mean()
            m = self._weiszfeld(X.astype(float), w, m)
        self.location_ = m.astype(X.dtype)
        return self

    def _weiszfeld(self, X: np.ndarray, w: np.ndarray, m: np.ndarray) -> np.ndarray:
        asked = -1
        for step in range(self.max_iter):
            self.n_iter_ = step + 1
            pull, at_m, slope, nearest = _pull(X, w, m)
            length = np.linalg.norm(pull)
            if length <= max(at_m, self.tol * w.sum()):
                return m
            if nearest != asked:
                asked = nearest
                there, weight_there, _, _ = _pull(X, w, X[nearest])
                if np.linalg.norm(there) <= weight_there:
                    return X[nearest]
            m = m + max(0.0, 1 - at_m / length) * pull / slope
        warnings.warn(
            f"the geometric median moved on after {self.max_iter} iterations; raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=3,
        )
        return m


def _pull(X: np.ndarray, w: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, float, float, int]:
    """sum w_i (x_i - m) / r_i and sum w_i / r_i over r_i > 0, the weight at m itself, and the row nearest to m."""
    D = X - m
    r = np.sqrt(np.einsum("ij,ij->i", D, D))
    away = r > 0
    share = np.divide(w, r, out=np.zeros_like(r), where=away)
    nearest = int(np.argmin(np.where(w > 0, r, np.inf)))
    return share @ D, float(w[~away].sum()), float(share.sum()), nearest


def weiszfeld_step(m, X) -> np.ndarray:
    """One step of Weiszfeld's iteration from m (p,), which is no row of X (n, p): a mean with weights 1 / |x_i - m|."""
    m, X = np.asarray(m, dtype=float), np.asarray(X, dtype=float)
    if X.ndim != 2 or m.shape != (X.shape[1],):
        raise ValueError(f"m has shape {m.shape} and X {X.shape}; expected (p,) and (n, p)")
    pull, at_m, slope, _ = _pull(X, np.ones(len(X)), m)
    if at_m:
        raise ValueError("m is one of the rows, at distance 0: GeometricMedian knows what to do there")
    return m + pull / slope


def trimmed_mean(X, share: float) -> np.ndarray:
    """The mean of every column without its floor(share n) smallest and as many of its largest values.   (n, p) -> (p,)

    share in [0, 1/2); its breakdown point is share. Share 0 is the mean, and towards 1/2 it becomes the median.
    """
    X = np.asarray(X, dtype=float)
    if not 0 <= share < 0.5:
        raise ValueError(f"share = {share}; a share in [0, 0.5) can be cut from both ends")
    if X.ndim != 2 or not len(X) or not np.isfinite(X).all():
        raise ValueError("X must be a data matrix (n, p) of finite numbers, n at least 1")
    cut = int(share * len(X))
    return np.sort(X, axis=0)[cut : len(X) - cut].mean(axis=0)


class FilteredMean(BaseEstimator):
    """A mean of what a spectral filter leaves: for clean rows with covariance I, or one that is known.

    Rows that move the mean together must stretch the covariance along the way that they move it. So look at the
    direction v of largest variance; while the variance there is larger than that of clean rows could be, compare the
    tail of |v^T (x_i - centre)| with the Gaussian one, and drop the rows beyond the point where it is too heavy.

    covariance   of the clean rows, (p, p); None is the identity
    max_iter     the largest number of rounds; each drops at least one row

    The error is of order eps sqrt(log(1 / eps)), without sqrt(p), but clean rows must be nearly Gaussian and their
    covariance known. Attributes: location_ (p,), support_ (n,) boolean, n_iter_, n_features_in_. Warns with
    ConvergenceWarning when max_iter is reached or half of the rows are gone.
    """

    def __init__(self, covariance=None, max_iter: int = 100):
        self.covariance = covariance
        self.max_iter = max_iter

    def fit(self, X, y=None) -> FilteredMean:
        """X (n, p)."""
        X = checked(self, X)
        n, p = X.shape
        root = np.eye(p) if self.covariance is None else np.linalg.cholesky(self.covariance)
        Z = np.linalg.solve(root, X.T.astype(float)).T if self.covariance is not None else X.astype(float)
        keep = np.ones(n, dtype=bool)
        # What a clean sample of this size shows by chance (Marchenko and Pastur), and a twentieth on top.
        largest = 1.05 * (1 + np.sqrt(p / n)) ** 2
        for step in range(self.max_iter):
            self.n_iter_ = step + 1
            kept = Z[keep]
            S = np.atleast_2d(np.cov(kept, rowvar=False, ddof=0))
            lam, V = np.linalg.eigh(S)
            if lam[-1] <= largest:
                break
            t = np.abs(kept @ V[:, -1] - np.median(kept @ V[:, -1]))
            gone = t > _heavy_from(t)
            if gone.sum() + (~keep).sum() > n / 2:
                break
            keep[np.flatnonzero(keep)[gone]] = False
        if lam[-1] > largest:
            warnings.warn(
                f"after {self.n_iter_} rounds the rows kept still vary too much for the covariance that they should "
                "have; give the right covariance, or raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.support_ = keep
        self.location_ = X[keep].mean(axis=0, dtype=float).astype(X.dtype)
        return self


def _heavy_from(t: np.ndarray) -> float:
    """Where the share of values above it exceeds twice the Gaussian's P(|Z| > t) most clearly; the tails begin at 1.

    If it is nowhere too heavy, a little below the largest value, so that one row at least goes.
    """
    ranked = np.sort(t)
    beyond = 1 - np.searchsorted(ranked, ranked, side="right") / len(t)
    excess = beyond - 2 * (2 * ndtr(-ranked))
    excess[ranked < 1] = -np.inf
    best = int(np.argmax(excess))
    return ranked[best] if excess[best] > 0 else np.nextafter(ranked[-1], 0)


def _weights(sample_weight, X: np.ndarray) -> np.ndarray | None:
    if sample_weight is None:
        return None
    return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

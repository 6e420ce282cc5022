"""Samples from Huber's model, X ~ (1 - eps) P_theta + eps Q: most rows are clean, a share eps comes from an adversary.

A *sampler* is a function (m, rng) -> (m, p) that draws m rows. `huber_sample` mixes two of them. The ones that the
lecture and the papers use have names, in `CLEAN` and `CONTAMINATION`; the true location of every clean one is 0.

Sources: the lecture's slides on robust estimation; Huber, Robust estimation of a location parameter, Annals of
Mathematical Statistics 35 (1964); Chen, Gao, Ren, Robust covariance and scatter matrix estimation under Huber's
contamination model, Annals of Statistics 46 (2018); Gao, Liu, Yao, Zhu, Robust estimation and generative adversarial
networks, ICLR 2019; Gao, Yao, Zhu, Generative adversarial nets for robust scatter estimation, JMLR 21 (2020).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

Sampler = Callable[[int, np.random.Generator], np.ndarray]


def ar_covariance(p: int, rho: float = 0.5) -> np.ndarray:
    """Sigma_jk = rho^|j - k|, the covariance of an autoregression of order one.   -> (p, p), for -1 < rho < 1."""
    if not -1 < rho < 1:
        raise ValueError(f"rho = {rho}; a correlation that makes a covariance matrix lies strictly between -1 and 1")
    steps = np.arange(p)
    return np.asarray(rho, dtype=float) ** np.abs(np.subtract.outer(steps, steps))


def gaussian(mean, covariance=None) -> Sampler:
    """Samples of N(mean, covariance): mean (p,), covariance (p, p), the identity by default."""
    mean = np.atleast_1d(np.asarray(mean, dtype=float))
    root = _root(covariance, len(mean))

    def draw(m: int, rng: np.random.Generator) -> np.ndarray:
        return mean + _spread(rng.standard_normal((m, len(mean))), root)

    return draw


def elliptical(centre, scatter=None, degrees: float = 1.0) -> Sampler:
    """Samples of the multivariate t: centre + A Z / sqrt(chi2 / degrees), with A A^T = scatter and Z ~ N(0, I).

    centre (p,), scatter (p, p), the identity by default. One degree of freedom gives the multivariate Cauchy, which
    has a centre and a scatter but neither a mean nor a covariance.
    """
    if not degrees > 0:
        raise ValueError(f"degrees = {degrees}; the degrees of freedom must be positive (1 is Cauchy)")
    centre = np.atleast_1d(np.asarray(centre, dtype=float))
    root = _root(scatter, len(centre))

    def draw(m: int, rng: np.random.Generator) -> np.ndarray:
        length = np.sqrt(degrees / rng.chisquare(degrees, size=(m, 1)))
        return centre + length * _spread(rng.standard_normal((m, len(centre))), root)

    return draw


def point_mass(at) -> Sampler:
    """Every sample is the point `at` (p,): the contamination that is easiest to move about."""
    at = np.atleast_1d(np.asarray(at, dtype=float))
    return lambda m, rng: np.tile(at, (m, 1))


def least_favourable(direction, eps: float) -> Sampler:
    """The contamination Q that hides the truth: (1 - eps) N(0, I) + eps Q is symmetric about a point beside 0.

    Two Gaussians at distance d have total variation 2 Phi(d / 2) - 1. At d = 2 Phi^{-1}(1 / (2 (1 - eps))) that is
    eps / (1 - eps), and then (1 - eps) N(0, I) + eps Q = (1 - eps) N(d u, I) + eps Q' with the density

        q(x) = (1 - eps) / eps  max(phi(x - d u) - phi(x), 0),

    u the unit vector along `direction` (p,), and Q' the mirror image of Q. Nobody can tell 0 from d u, so no estimator
    is nearer than d / 2 to both (Huber 1964; see `indistinguishable` for d). Raises ValueError unless 0 < eps < 1/2.
    """
    d = indistinguishable(eps)
    u = np.atleast_1d(np.asarray(direction, dtype=float))
    if eps == 0 or not np.linalg.norm(u) > 0:
        raise ValueError("the adversary needs a share eps > 0 and a direction that is not the zero vector")
    u = u / np.linalg.norm(u)

    def draw(m: int, rng: np.random.Generator) -> np.ndarray:
        # Along u: N(d, 1) beyond d / 2, kept with probability 1 - phi(t) / phi(t - d). Across u: N(0, I).
        along = np.empty(0)
        while len(along) < m:
            t = d + ndtri(rng.uniform(ndtr(-d / 2), 1, size=4 * m + 64))
            along = np.concatenate([along, t[rng.random(len(t)) > np.exp(d * (d / 2 - t))]])
        X = rng.standard_normal((m, len(u)))
        return X + np.outer(along[:m] - X @ u, u)

    return draw


def mixture_mean(theta, contamination_mean, eps: float) -> np.ndarray:
    """E X = (1 - eps) theta + eps E_Q X in Huber's model: where the sample mean goes.   (p,), (p,) -> (p,)"""
    theta, elsewhere = np.asarray(theta, dtype=float), np.asarray(contamination_mean, dtype=float)
    return theta + eps * (elsewhere - theta)


def indistinguishable(eps: float) -> float:
    """d = 2 Phi^{-1}(1 / (2 (1 - eps))): how far apart N(0, I) and N(d u, I) can be and yet look alike to everybody.

    Half of it is a lower bound for the error of every estimator in Huber's model. In standard deviations;
    about eps sqrt(2 pi) for small eps. Raises ValueError unless 0 <= eps < 1/2: with half the rows an adversary can
    imitate the truth anywhere.
    """
    if not 0 <= eps < 0.5:
        raise ValueError(f"eps = {eps}; an adversary with half of the rows or more can imitate anything: use eps < 0.5")
    return float(2 * ndtri(1 / (2 * (1 - eps))))


CLEAN: dict[str, Callable[[int], Sampler]] = {
    "gaussian": lambda p: gaussian(np.zeros(p)),
    "ar": lambda p: gaussian(np.zeros(p), ar_covariance(p)),
    "cauchy": lambda p: elliptical(np.zeros(p)),
    "elliptical": lambda p: elliptical(np.zeros(p), ar_covariance(p), degrees=3),
}

CONTAMINATION: dict[str, Callable[[int], Sampler]] = {
    "near": lambda p: gaussian(np.full(p, 0.5)),
    "far": lambda p: gaussian(np.full(p, 5.0)),
    "hard": lambda p: gaussian(np.full(p, 0.2)),
    "correlated": lambda p: gaussian(np.full(p, 0.5), ar_covariance(p, 0.8)),
    "point": lambda p: point_mass(np.full(p, 5.0)),
    "cauchy": lambda p: elliptical(np.full(p, 0.5)),
    "cauchy_far": lambda p: elliptical(np.full(p, 5.0)),
    "wide": lambda p: gaussian(np.full(p, 5.0), 5 * np.eye(p)),
}


def huber_sample(
    n: int,
    eps: float,
    p: int = 2,
    clean: str | Sampler = "gaussian",
    contamination: str | Sampler = "near",
    rng: np.random.Generator | int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """n rows of Huber's model: each is clean with probability 1 - eps and contaminated with probability eps.

    clean, contamination   a sampler, or the name of one in CLEAN or CONTAMINATION, or "adversarial" for the
                           contamination: the least favourable one along (1, ..., 1)
    p                      the dimension; read for names only, samplers know theirs

    Returns X (n, p), and a boolean array (n,), True where the row is clean: for judging an estimate, never for making
    it. X[mask].mean(axis=0) is the oracle. Rows come in random order.
    """
    if not 0 <= eps < 1:
        raise ValueError(f"eps = {eps}; the share of contaminated rows lies in [0, 1)")
    if n < 1 or p < 1:
        raise ValueError(f"n = {n}, p = {p}; a sample needs at least one row and one column")
    rng = np.random.default_rng(rng)
    if contamination == "adversarial":
        contamination = least_favourable(np.ones(p), eps) if eps else "near"
    P, Q = _named(clean, CLEAN, p), _named(contamination, CONTAMINATION, p)
    is_clean = rng.random(n) >= eps
    X = P(n, rng)
    dirty = Q(int(n - is_clean.sum()), rng)
    if dirty.shape[1] != X.shape[1]:
        raise ValueError(f"clean rows have {X.shape[1]} columns and contaminated ones {dirty.shape[1]}")
    X[~is_clean] = dirty
    return X, is_clean


def _named(sampler: str | Sampler, table: dict[str, Callable[[int], Sampler]], p: int) -> Sampler:
    if not isinstance(sampler, str):
        return sampler
    if sampler not in table:
        raise ValueError(f"no sampler is called {sampler!r}; the names are {', '.join(table)}")
    return table[sampler](p)


def _root(covariance, p: int) -> np.ndarray | None:
    if covariance is None:
        return None
    covariance = np.asarray(covariance, dtype=float)
    if covariance.shape != (p, p):
        raise ValueError(f"the covariance has shape {covariance.shape}; {p} columns need ({p}, {p})")
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise ValueError("the covariance is not positive definite: are its eigenvalues all above zero?") from error


def _spread(Z: np.ndarray, root: np.ndarray | None) -> np.ndarray:
    return Z if root is None else Z @ root.T

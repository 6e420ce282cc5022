"""From a first robust fit to the final one: which rows are clean, judged along a few directions.

A JS-GAN is biased where clean and contaminated rows overlap, because the generator may take some of both: by .32
standard deviations for eps = .2 and a separation of two, whatever n. But once it has found centre and scale,
contamination shows along few directions, and along one of them Huber's model is simple enough for maximum likelihood:

    the rows along u:   pi N(m_0, v_0) + (1 - pi) N(m_1, v_1),   pi >= 1/2,   against one normal.

Where two normals fit much better than one, each row's weight is multiplied by its probability of belonging to the
larger of them. Weights depend on a row through its projection alone, so there is little to overfit, and a direction
that could have learnt the rows by heart is judged on rows that it has not seen: that is what keeps the step harmless
where n / p is small, when weighing rows by the discriminator's own scores is not.

What it costs: contaminated rows are taken to look roughly normal along the direction. A Q that is shaped to look like
part of the clean rows defeats it, as it defeats every estimator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import chi2

BINS, GAIN, ROUNDS = 200, 25.0, 6


def radius_cut(r2: NDArray) -> float:
    """The squared radius beyond which a row is far, from squared radii r2 (n,), not knowing how many are far.

    The cube root of a chi-square, whatever its degrees of freedom, is nearly normal (Wilson and Hilferty, 1931). Median
    m and 16 % quantile l lie in the clean rows: the cut is (m + 4 (m - l))^3, four standard deviations above m.
    """
    root = np.cbrt(r2)
    low, middle = np.quantile(root, [0.16, 0.5])
    return float((middle + 4 * (middle - low)) ** 3)


def two_normals(t: NDArray, w: NDArray) -> tuple[float, tuple[NDArray, NDArray, NDArray]]:
    """Fit pi_k N(m_k, v_k), k = 0, 1, to values t (n,) with weights w (n,) by EM, on a histogram.

    Returns twice the gain in log-likelihood over one normal, and (pi, m, v), each (2,), the larger component first.
    Started from six splits, at both ends of the values; the best after 40 steps goes on.
    """
    if np.ptp(t[w > 0]) <= 1e-5 * np.abs(t).max():  # one value is one normal
        return 0.0, (np.array([1.0, 0.0]), np.full(2, t.mean()), np.ones(2))
    counts, edges = np.histogram(t, BINS, range=(t[w > 0].min(), t[w > 0].max()), weights=w)
    x, n = (edges[1:] + edges[:-1]) / 2, counts.sum()
    mean = counts @ x / n
    variance = counts @ (x - mean) ** 2 / n
    level = np.cumsum(counts) / n
    share = np.array([[0.03], [0.1], [0.25]])
    minor = np.concatenate([level <= share, level > 1 - share])
    r = np.where(minor, 0.9, 0.1)  # (starts, BINS): the probability of component 1
    value = np.full(len(r), -np.inf)
    for step in range(400):
        a = np.stack([(1 - r) * counts, r * counts]) + 1e-12  # (2, starts, BINS)
        mass = a.sum(2)
        m = a @ x / mass
        v = np.maximum(a @ x**2 / mass - m**2, 1e-3 * variance)
        density = np.log(mass / n / np.sqrt(2 * np.pi * v))[..., None] - (x - m[..., None]) ** 2 / (2 * v[..., None])
        both = np.logaddexp(density[0], density[1])
        r = np.exp(density[1] - both)
        before, value = value, both @ counts
        if step == 40:
            best = [value.argmax()]
            r, value = r[best], value[best]
        elif step > 40 and value[0] - before[0] < 0.01:
            break
    gain = 2 * (value[0] + n / 2 * (np.log(2 * np.pi * variance) + 1))
    order = np.argsort(-mass[:, 0])
    return float(gain), (mass[order, 0] / n, m[order, 0], v[order, 0])


def clean_weights(Y: NDArray, directions: NDArray) -> NDArray:
    """The probability (n,) that each row is clean, for rows Y (n, p) with clean part about N(0, I).

    Rows beyond the `radius_cut` weigh nothing. Then, round by round, the direction along which two normals gain most
    over one: the leading eigenvector of the weighted covariance, the most skewed direction, or one of `directions`
    (k, p). A gain is twice a log-likelihood of five parameters against two; along the leading eigenvector of normal
    rows it is below 10 nine times in ten, and was never above GAIN in 360 samples. The most skewed direction could
    learn the rows by heart, so it is found on every other row and judged on the rest.
    """
    r2 = np.einsum("ij,ij->i", Y, Y)
    w = (r2 <= radius_cut(r2)).astype(Y.dtype)
    for _ in range(ROUNDS):
        n = w.sum()
        mean = w @ Y / n
        V = Y - mean
        lam, E = np.linalg.eigh((V * w[:, None]).T @ V / n)
        white = E / np.sqrt(np.maximum(lam, 1e-6 * lam[-1]))
        candidates = [(u, slice(None)) for u in (E[:, -1], *directions)]
        if n > 4 * len(mean):  # fewer rows show no shape
            candidates.append((white @ most_skewed(V[::2] @ white, w[::2]), slice(1, None, 2)))
        fits = []
        for u, judges in candidates:
            t = V @ (u / np.linalg.norm(u))
            gain, parts = two_normals(t[judges], w[judges])
            fits.append((gain * len(t) / len(t[judges]), gain, parts, t))
        _, gain, (pi, m, v), t = max(fits, key=lambda fit: fit[0])
        if gain < GAIN:
            break
        log_odds = [np.log(pi[k] / np.sqrt(v[k])) - (t - m[k]) ** 2 / (2 * v[k]) for k in range(2)]
        w = w / (1 + np.exp(np.minimum(log_odds[1] - log_odds[0], 50))).astype(w.dtype)
    return w


def most_skewed(Z: NDArray, w: NDArray) -> NDArray:
    """A unit vector u (p,) along which white rows Z (n, p), weights w, are skewed: a fixed point of u ~ E z (z^T u)^2.

    Begun at E z |z|^2, which for two normals of equal covariance points from one mean to the other. Projections count
    as 4 at most, so that no few rows decide.
    """
    u = (w * (Z**2).sum(axis=1)) @ Z
    for _ in range(10):
        u = u / max(np.linalg.norm(u), 1e-30)
        u = (w * (np.clip(Z @ u, -4, 4) ** 2 - 1)) @ Z
    return u / max(np.linalg.norm(u), 1e-30)


def normal_radii(Y: NDArray, w: NDArray) -> NDArray:
    """Rows Y (n, p) with their lengths replaced by those of normal rows of the same rank among rows with weights w.

    Whatever the law of its radius, an elliptical row with scatter I becomes N(0, I): its direction is uniform.
    """
    r = np.linalg.norm(Y, axis=1)
    order = np.argsort(r, kind="stable")
    rank = np.empty(len(r))
    rank[order] = (np.cumsum(w[order], dtype=float) - w[order] / 2) / w.sum(dtype=float)
    length = np.sqrt(chi2.ppf(np.clip(rank, 0.5 / len(r), 1 - 0.5 / len(r)), Y.shape[1]))
    return Y * (length / np.maximum(r, 1e-30)).astype(Y.dtype)[:, None]


DEGREES = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)


def weighted_t(Y: NDArray, w: NDArray, iterations: int = 60) -> tuple[NDArray, NDArray, float]:
    """Weighted maximum likelihood of a multivariate t: centre (p,), scatter (p, p), degrees of freedom among DEGREES.

    EM: u_i = (nu + p) / (nu + d_i^2), d_i the Mahalanobis distance; centre = sum w u y / sum w u, scatter =
    sum w u (y - centre)(y - centre)^T / sum w. In each step nu is the one with the largest likelihood.
    """
    Y = Y.astype(float)
    p = Y.shape[1]
    n = w.sum()
    centre = np.zeros(p)
    S = np.diag(np.median(np.abs(Y), axis=0) ** 2 * 2.2)
    degrees = np.array(DEGREES)
    constant = gammaln((degrees + p) / 2) - gammaln(degrees / 2) - p / 2 * np.log(degrees)
    for _ in range(iterations):
        V = Y - centre
        d2 = np.einsum("ij,ij->i", V @ np.linalg.pinv(S, hermitian=True), V)
        fit = [c - (nu + p) / 2 * (w @ np.log1p(d2 / nu)) / n for c, nu in zip(constant, degrees, strict=True)]
        nu = degrees[np.argmax(fit)]
        u = w * (nu + p) / (nu + d2)
        step = u @ V / u.sum()
        centre = centre + step
        S = (V * u[:, None]).T @ V / n
        if np.linalg.norm(step) < 1e-4 * np.sqrt(p / n):
            break
    return centre, S, float(nu)

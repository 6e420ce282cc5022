"""What to minimise when the data cannot be trusted: robust and distributionally robust objectives.

    robust              min over theta   max over |e_i| <= delta    mean_i l(theta; x_i + e_i, y_i)
    distributionally    min over theta   sup over Q near P_n        E_Q l(theta; X, Y)

Here are the inner maxima that have an exact answer: of a linear model's loss, over a Wasserstein ball, and over balls
that only reweight the samples (CVaR, chi-square). NumPy throughout; X (n, p), y (n,) in {-1, +1}, w (p,), losses (n,).
Sources: the lecture's slides on robust optimisation and DRO; Blanchet and Murthy (2019) and Gao and Kleywegt (2023) for
the Wasserstein dual; Rockafellar and Uryasev (2000) for CVaR; Namkoong and Duchi (2017) for the chi-square ball.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

DUAL = {"linf": 1, "l2": 2}  # the order of the dual norm: the largest <w, e> over |e| <= 1


def _finite(name: str, value, ndim: int) -> np.ndarray:
    array = np.asarray(value, dtype=float)
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; expected {ndim} dimension(s) and at least one entry")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity")
    return array


def _linear(X, y, w, binary: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, y, w = _finite("X", X, 2), _finite("y", y, 1), _finite("w", w, 1)
    if X.shape != (len(y), len(w)):
        raise ValueError(
            f"X has shape {X.shape}; with {len(y)} labels and {len(w)} weights it must be {len(y), len(w)}"
        )
    if binary and not np.isin(y, (-1, 1)).all():
        raise ValueError("y must be -1 or +1 in every row; for labels 0 and 1 take 2 * y - 1")
    return X, y, w


def dual_norm(w, norm: str = "linf") -> float:
    """max of <w, e> over |e| <= 1: the l1 norm of w (p,) for "linf", the l2 norm for "l2"."""
    if norm not in DUAL:
        raise ValueError(f"norm = {norm!r}; choose 'linf' or 'l2'")
    return float(np.linalg.norm(_finite("w", w, 1), DUAL[norm]))


def worst_perturbation(w, y: float, delta: float, norm: str = "linf") -> np.ndarray:
    """argmin of y <w, e> over |e| <= delta: what an exact adversary adds to a sample of label y in {-1, +1}.

    Returns e (p,): -y delta sign(w) for "linf", -y delta w / |w| for "l2".
    """
    size = dual_norm(w, norm)
    w = np.asarray(w, dtype=float)
    if not delta >= 0:
        raise ValueError(f"delta = {delta}; the size of a perturbation is at least 0")
    direction = np.sign(w) if norm == "linf" else w / size if size else w
    return -float(y) * delta * direction


def robust_linear_loss(X, y, w, b: float, delta: float, norm: str = "linf") -> float:
    """mean_i max over |e_i| <= delta of log(1 + exp(-y_i (w . (x_i + e_i) + b))): the worst logistic loss, exactly.

    The loss falls in the margin m_i = y_i (w . x_i + b), and the least that an adversary can make of a margin is
    m_i - delta |w|_dual. X (n, p), y (n,) in {-1, +1}; returns a number >= 0. Raises ValueError for an unknown norm, a
    negative delta, other labels, NaN and shapes that do not fit.
    """
    X, y, w = _linear(X, y, w)
    attacked = X + np.stack([worst_perturbation(w, label, delta, norm) for label in y])
    return float(np.logaddexp(0, -y * (attacked @ w + b)).mean())


def wasserstein_inner(X, y, w, gamma: float) -> np.ndarray:
    """sup over x' of (y_i - w . x')^2 - gamma |x' - x_i|_2^2 for each row: r_i^2 gamma / (gamma - |w|^2).

    X (n, p), y (n,) any numbers, w (p,); r_i = y_i - w . x_i. Returns (n,), infinite when gamma < |w|^2, and when they
    are equal and r_i is not 0: a cheap enough move then pays without end. Raises ValueError for gamma < 0, NaN and
    shapes that do not fit.
    """
    X, y, w = _linear(X, y, w, binary=False)
    if not 0 <= gamma < math.inf:
        raise ValueError(f"gamma = {gamma}; the price of a move is a finite number, at least 0")
    squared = (y - X @ w) ** 2
    room = gamma - float(w @ w)
    if room > 0:
        return squared / (1 - float(w @ w) / gamma)
    return np.where((squared == 0) & (room == 0), 0.0, math.inf)


def wasserstein_regression(X, y, w, radius: float) -> float:
    """sup of E_Q (Y - w . X)^2 over W_2(Q, P_n) <= radius, where only x may move: (sqrt(mean r_i^2) + radius |w|_2)^2.

    It is the least of gamma radius^2 + mean_i `wasserstein_inner` over gamma, worked out on paper.
    """
    X, y, w = _linear(X, y, w, binary=False)
    if not 0 <= radius < math.inf:
        raise ValueError(f"radius = {radius}; the radius of a ball is a finite number, at least 0")
    return float((math.sqrt(np.mean((y - X @ w) ** 2)) + radius * np.linalg.norm(w)) ** 2)


def wasserstein_penalised(losses, cost, gamma: float) -> float:
    """sup over Q of E_Q l - gamma W(Q, P_n) = mean_i max_j (l_j - gamma c_ij), on a finite set of places.

    losses (m,) at the m places, cost (n, m) of moving sample i to place j, gamma >= 0 the price of a unit of it. Each
    sample goes, whole, where it pays best: the penalised inner maximisation.
    """
    losses, cost = _finite("losses", losses, 1), _finite("cost", cost, 2)
    if cost.shape[1] != len(losses):
        raise ValueError(f"cost has shape {cost.shape}; it must have one column for each of the {len(losses)} places")
    if (cost < 0).any() or not gamma >= 0:
        raise ValueError("costs and gamma must not be negative")
    return float((losses - gamma * cost).max(axis=1).mean())


def wasserstein_worst_case(losses, cost, radius: float) -> tuple[float, float]:
    """sup of E_Q l over W(Q, P_n) <= radius, the least of gamma radius + `wasserstein_penalised` over gamma >= 0.

    Returns the value, and the gamma at which it is attained: by how much it grows with the radius. Every row of cost
    (n, m) must have a 0, the place where the sample is. Raises ValueError for a negative radius.
    """
    losses, cost = _finite("losses", losses, 1), _finite("cost", cost, 2)
    if not radius >= 0:
        raise ValueError(f"radius = {radius}; the radius of a ball is at least 0")
    if (cost.min(axis=1) != 0).any():
        raise ValueError("every row of cost needs a 0: a sample can stay where it is")
    # Beyond this price nothing pays to be moved.
    dearest = np.ptp(losses) / cost[cost > 0].min(initial=math.inf)

    def dual(gamma: float) -> float:
        return gamma * radius + wasserstein_penalised(losses, cost, gamma)

    inside = minimize_scalar(dual, bounds=(0, dearest), method="bounded", options={"xatol": 1e-12 * (1 + dearest)})
    value, gamma = min((dual(g), float(g)) for g in (0.0, dearest, inside.x))
    return value, gamma


def cvar_weights(losses, alpha: float) -> np.ndarray:
    """The q (n,) that maximises sum_i q_i l_i over q_i >= 0, sum q = 1, q_i <= 1 / (alpha n): all on the worst losses.

    alpha in (0, 1]: the share of the samples that counts. At 1 every weight is 1 / n.
    """
    losses = _finite("losses", losses, 1)
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha = {alpha}; the share of the worst losses lies above 0, and is 1 at most")
    n = len(losses)
    order = np.argsort(-losses, kind="stable")
    filled = np.minimum(np.arange(1, n + 1) / (alpha * n), 1.0)  # the weight that the k worst have together
    q = np.empty(n)
    q[order] = np.diff(filled, prepend=0.0)
    return q


def cvar(losses, alpha: float) -> float:
    """CVaR_alpha = min over t of t + mean_i max(l_i - t, 0) / alpha: the mean of the worst share alpha of the losses.

    losses (n,), alpha in (0, 1]; when alpha n is no whole number, one sample counts in part. A number, in the losses'
    units, between their mean (alpha = 1) and their maximum (alpha <= 1 / n).
    """
    return float(cvar_weights(losses, alpha) @ np.asarray(losses, dtype=float))


def chi_square_weights(losses, rho: float) -> np.ndarray:
    """The q (n,) that maximises sum_i q_i l_i over q >= 0, sum q = 1, (1 / 2n) sum_i (n q_i - 1)^2 <= rho.

    q_i is linear in the loss, and 0 below a threshold: with the k worst losses in, q = 1/k + c (l - their mean), c >= 0
    as large as the ball allows. rho >= 0; from (n - 1) / 2 on, all weight may go to a single sample.
    """
    losses = _finite("losses", losses, 1)
    if not 0 <= rho < math.inf:
        raise ValueError(f"rho = {rho}; the radius of a ball is a finite number, at least 0")
    n = len(losses)
    order = np.argsort(-losses, kind="stable")
    squares = (1 + 2 * rho) / n  # the most that sum q^2 may be
    q = np.zeros(n)
    for k in range(n, 0, -1):
        inside = losses[order[:k]] - losses[order[:k]].mean()
        spread = float(inside @ inside)
        if spread <= 1e-24 * (1 + np.abs(losses).max() ** 2):  # all equal: they share
            q[order[:k]] = 1 / k
            break
        weights = 1 / k + math.sqrt(max(squares - 1 / k, 0) / spread) * inside
        if weights[-1] >= 0:
            q[order[:k]] = weights
            break
    return q

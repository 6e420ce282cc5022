"""What a discriminator measures: JS, JS_g, TV over half-spaces, proper scoring rules; and where their minima lie.

Gao, Liu, Yao, Zhu (2019), Robust estimation and generative adversarial nets, ICLR; Gao, Yao, Zhu (2020), Generative
adversarial nets for robust scatter estimation: a proper scoring rule perspective, JMLR 21.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats


def js_objective(real: np.ndarray, fake: np.ndarray) -> float:
    """The objective of JS-GAN for one discriminator: mean log T(X) + mean log(1 - T(X')) + log 4, T = sigmoid(logit).

    real   (n,) logits of the samples
    fake   (m,) logits of the generated points

    Its maximum over all T is 2 JS(P, Q), between 0 and log 4; a single T may fall below 0. Finite for every finite
    logit, because log T = -log(1 + e^-logit) is never computed as a logarithm of 0.
    """
    return float(-np.logaddexp(0, -np.asarray(real)).mean() - np.logaddexp(0, np.asarray(fake)).mean() + np.log(4))


def js_g(g_real: np.ndarray, g_fake: np.ndarray, ridge: float = 0.0) -> tuple[float, np.ndarray]:
    """JS_g(P, Q) = max_w { E_P log sigmoid(w.g(X)) + E_Q log(1 - sigmoid(w.g(X))) } + log 4, with its maximiser w.

    g_real   (n, k) features g of the samples of P
    g_fake   (m, k) features of the samples of Q
    ridge    takes ridge |w|^2 off; without it w grows for ever where a plane separates the two samples

    The objective is concave in w, 0 at w = 0, and its gradient there is half the difference of the means of g. So JS_g
    is 0 exactly when E_P g = E_Q g: the proposition of the lecture. Solved by BFGS (SciPy).
    """
    g_real, g_fake = np.asarray(g_real, float), np.asarray(g_fake, float)
    if not (np.isfinite(g_real).all() and np.isfinite(g_fake).all()):
        raise ValueError("the features hold NaN or infinity: leave those rows out")

    def minus(w: np.ndarray) -> tuple[float, np.ndarray]:
        value = js_objective(g_real @ w, g_fake @ w) - ridge * w @ w
        return -value, -js_g_gradient(g_real, g_fake, w) + 2 * ridge * w

    found = optimize.minimize(minus, np.zeros(g_real.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-10})
    return -float(found.fun), found.x


def js_g_gradient(g_real: np.ndarray, g_fake: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The gradient in w (k,) of the objective of `js_g`: E_P (1 - T) g - E_Q T g, with T = sigmoid(w.g)."""
    real, fake = (0.5 * (1 + np.tanh(g @ w / 2)) for g in (g_real, g_fake))
    return ((1 - real)[:, None] * g_real).mean(axis=0) - (fake[:, None] * g_fake).mean(axis=0)


def tv_gan_value(X: np.ndarray, eta: np.ndarray, U: np.ndarray) -> float:
    """What the best half-space tells of X against N(eta, I): 1/2 - min over u of the share of x with u.(x - eta) >= 0.

    X     (n, p) samples
    eta   (p,) the proposed centre
    U     (m, p) the directions u of the half-spaces, one a row

    Every half-space with eta on its edge has probability 1/2 under N(eta, I). Over all directions this is 1/2 minus the
    halfspace depth of eta, so Tukey's median minimises it: it is the TV-GAN whose discriminators are half-spaces.
    """
    shares = [np.count_nonzero((X - eta) @ u >= 0) / len(X) for u in U]
    return 0.5 - min(shares)


def quadratic_score_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """The divergence that belongs to the quadratic scoring rule: sum (p - q)^2 / (p + q) / 8, in [0, 1/4].

    p, q   (k,) probabilities of the same k values

    Equal to max over t of { sum p S(t, 1) + sum q S(t, 0) } / 2 - G(1/2), with S(t, 1) = -(1 - t)^2, S(t, 0) = -t^2 and
    G(1/2) = -1/4.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    both = p + q
    return float(np.divide((p - q) ** 2, both, out=np.zeros_like(both), where=both > 0).sum() / 8)


def location_gradient(Z: np.ndarray, eta: np.ndarray, W: np.ndarray, b: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The gradient in eta of mean log(1 - T(eta + z)) for T(x) = sigmoid(v . sigmoid(W x + b)), by automatic
    differentiation.

    Z   (m, p) noise; eta (p,); W (h, p), b (h,), v (h,): a discriminator with h hidden units
    """
    import torch

    noise, weights, bias, outer = (torch.as_tensor(np.asarray(a, float)) for a in (Z, W, b, v))
    at = torch.as_tensor(np.asarray(eta, float)).requires_grad_()
    logits = torch.sigmoid((at + noise) @ weights.T + bias) @ outer
    torch.nn.functional.logsigmoid(-logits).mean().backward()
    assert at.grad is not None
    return at.grad.numpy()


def population_location(divergence: str, separation: float, eps: float) -> float:
    """Where the exact divergence puts the centre: argmin over eta of D(P, N(eta, 1)) for Huber's model
    P = (1 - eps) N(0, 1) + eps N(separation, 1).

    divergence   "js" or "tv", over all discriminators, with infinitely many samples

    0 is the truth. Along the line from the truth to the contamination this is the whole story in any dimension p, with
    separation the distance of the two centres. By quadrature; the best of 200 centres, then refined.
    """
    if divergence not in ("js", "tv"):
        raise ValueError(f"divergence is {divergence!r}: choose 'js' or 'tv'")
    if not 0 <= eps < 0.5:
        raise ValueError(f"eps is {eps}: it must be at least 0 and below 1/2")
    x = np.linspace(-9, separation + 9, 4001)
    p = (1 - eps) * stats.norm.pdf(x) + eps * stats.norm.pdf(x, separation)

    def value(eta: float) -> float:
        q = stats.norm.pdf(x, eta)
        if divergence == "tv":
            return float(np.trapezoid(np.abs(p - q), x) / 2)
        middle = (p + q) / 2
        terms = sum(np.where(r > 0, r * np.log(np.maximum(r, 1e-300) / np.maximum(middle, 1e-300)), 0) for r in (p, q))
        return float(np.trapezoid(terms, x) / 2)

    grid = np.linspace(-0.5, min(separation, 3.0), 200)
    best = grid[int(np.argmin([value(eta) for eta in grid]))]
    step = grid[1] - grid[0]
    return float(optimize.minimize_scalar(value, bounds=(best - step, best + step), method="bounded").x)

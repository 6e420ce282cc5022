"""What the two-player game is worth, and how it moves: closed forms on finite sets, and the smallest game of all.

Source: the lecture's slides on GANs; Goodfellow et al., Generative Adversarial Nets (2014), section 4; Mescheder,
Geiger, Nowozin, Which training methods for GANs do actually converge? (2018), for the game of one number each.
"""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr, xlogy


def optimal_discriminator(p_data: np.ndarray, p_g: np.ndarray) -> np.ndarray:
    """D*(x) = p_data / (p_data + p_g), the best answer to "is x real?"; 1/2 where both densities are 0.

    p_data, p_g   (k,) densities or probabilities at the same k places, at least 0
    """
    p_data, p_g = _densities(p_data, p_g)
    both = p_data + p_g
    return np.divide(p_data, both, out=np.full(both.shape, 0.5), where=both > 0)


def game_value(p_data: np.ndarray, p_g: np.ndarray, D: np.ndarray) -> float:
    """V(D, G) = sum p_data log D + sum p_g log(1 - D), in nats, with 0 log 0 = 0.

    p_data, p_g   (k,) probabilities; D (k,) in [0, 1]. Minus infinity where D is sure and wrong.
    """
    p_data, p_g = _densities(p_data, p_g)
    D = np.asarray(D, float)
    if not ((D >= 0) & (D <= 1)).all():
        raise ValueError("D holds values outside [0, 1]: it is a probability, not a logit")
    return float(xlogy(p_data, D).sum() + xlogy(p_g, 1 - D).sum())


def js_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2, in nats, in [0, log 2].

    p, q   (k,) probabilities. The best discriminator makes the game worth max_D V(D, G) = 2 JS(p_data, p_g) - log 4.
    """
    p, q = _densities(p, q)
    m = (p + q) / 2
    return float((rel_entr(p, m) + rel_entr(q, m)).sum() / 2)


def game_step(theta: float, psi: float, rate: float, alternating: bool) -> tuple[float, float]:
    """One step of the smallest game, V = theta psi: the generator's theta goes down the slope of V, the discriminator's
    psi goes up.

    Simultaneous: (theta - rate psi, psi + rate theta), which multiplies the distance from the equilibrium (0, 0) by
    sqrt(1 + rate^2), exactly. Alternating: the discriminator first, then the generator against its new psi; for
    rate < 2 this keeps theta^2 + psi^2 + rate theta psi as it is, and circles.
    """
    new_psi = psi + rate * theta
    return theta - rate * (new_psi if alternating else psi), new_psi


def _densities(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, q = np.asarray(p, float), np.asarray(q, float)
    if p.shape != q.shape:
        raise ValueError(f"the two have shapes {p.shape} and {q.shape}: give them at the same places")
    if not ((p >= 0).all() and (q >= 0).all()):
        raise ValueError("a density is at least 0 everywhere, and not NaN")
    return p, q

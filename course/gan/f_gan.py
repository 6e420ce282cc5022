"""f-divergences, and the games whose best discriminator measures them.

    D_f(P, Q) = E_q f(p/q) = max over T of  E_p T(x) - E_q f*(T(x)),      f*(t) = sup over u > 0 of  u t - f(u),

for a convex f with f(1) = 0; the best T is f'(p/q). A network gives any number a: `output` makes of it a T(x) from the
domain of f*. Source: the lecture's slides on GANs; Nguyen, Wainwright and Jordan (2010) for the bound; Nowozin, Cseke
and Tomioka (2016) for the game. JS is half of theirs, as in the lecture, 0 to log 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from course.gan.game import Losses

Function = Callable[[Tensor], Tensor]
HALF_LOG_2 = math.log(2) / 2


class FDivergence(NamedTuple):
    """
    f            u > 0 -> f(u), also right at u = 0 (infinity included)
    slope        u > 0 -> f'(u): the best T where p/q = u
    conjugate    t in (low, high) -> f*(t)
    low, high    the interval from which T(x) comes
    output       any number a -> T in that interval, growing with a: the last layer of the discriminator
    paid         a -> f*(output(a)), simplified so that it is finite for every moderate a: what Q costs
    far          the limit of f(u) / u for large u: what a place costs where only P comes, q = 0
    """

    f: Function
    slope: Function
    conjugate: Function
    low: float
    high: float
    output: Function
    paid: Function
    far: float


DIVERGENCES: dict[str, FDivergence] = {
    "KL": FDivergence(
        f=lambda u: torch.xlogy(u, u),
        slope=lambda u: 1 + u.log(),
        conjugate=lambda t: (t - 1).exp(),
        low=-math.inf, high=math.inf,
        output=lambda a: a,
        paid=lambda a: (a - 1).exp(),
        far=math.inf,
    ),
    "reverse KL": FDivergence(
        f=lambda u: -u.log(),
        slope=lambda u: -1 / u,
        conjugate=lambda t: -1 - (-t).log(),
        low=-math.inf, high=0.0,
        output=lambda a: -(-a).exp(),
        paid=lambda a: a - 1,
        far=0.0,
    ),
    "JS": FDivergence(
        f=lambda u: (torch.xlogy(u, u) - torch.xlogy(1 + u, (1 + u) / 2)) / 2,
        slope=lambda u: (2 * u / (1 + u)).log() / 2,
        conjugate=lambda t: -(2 - (2 * t).exp()).log() / 2,
        low=-math.inf, high=HALF_LOG_2,
        output=lambda a: HALF_LOG_2 - softplus(-a) / 2,
        paid=lambda a: softplus(a) / 2 - HALF_LOG_2,
        far=HALF_LOG_2,
    ),
    "Pearson chi2": FDivergence(
        f=lambda u: (u - 1) ** 2,
        slope=lambda u: 2 * (u - 1),
        conjugate=lambda t: t**2 / 4 + t,  # the sup over all u; T = f'(p/q) > -2 never meets the difference
        low=-math.inf, high=math.inf,
        output=lambda a: a,
        paid=lambda a: a**2 / 4 + a,
        far=math.inf,
    ),
    "squared Hellinger": FDivergence(
        f=lambda u: (u.sqrt() - 1) ** 2,
        slope=lambda u: 1 - 1 / u.sqrt(),
        conjugate=lambda t: t / (1 - t),
        low=-math.inf, high=1.0,
        output=lambda a: 1 - (-a).exp(),
        paid=lambda a: a.exp() - 1,
        far=1.0,
    ),
    "total variation": FDivergence(
        f=lambda u: (u - 1).abs() / 2,
        slope=lambda u: (u - 1).sign() / 2,
        conjugate=lambda t: t,
        low=-0.5, high=0.5,
        output=lambda a: a.tanh() / 2,
        paid=lambda a: a.tanh() / 2,
        far=0.5,
    ),
}  # fmt: skip


def of(name: str) -> FDivergence:
    """The divergence of this name. Raises ValueError, with the names that there are, for another."""
    if name not in DIVERGENCES:
        raise ValueError(f"there is no f-divergence {name!r}; choose one of {', '.join(DIVERGENCES)}")
    return DIVERGENCES[name]


def divergence(name: str, p: Tensor, q: Tensor) -> Tensor:
    """D_f(P, Q) = sum q f(p / q) over the same places, p (k,) and q (k,), where 0 f(p / 0) = p times `far`.

    p, q are probabilities, or densities times the width of the cells of a fine grid. In nats where f has a logarithm.
    """
    p, q = _probabilities(p, q)
    both, only_p = q > 0, (q == 0) & (p > 0)
    known = of(name)
    lost = known.far * p[only_p].sum() if only_p.any() else p.new_zeros(())
    return (q[both] * known.f(p[both] / q[both])).sum() + lost


def bound(name: str, p: Tensor, q: Tensor, T: Tensor) -> Tensor:
    """E_p T - E_q f*(T) = sum p T - sum q f*(T): at most D_f(P, Q), whatever T (k,) says at the places.

    Raises ValueError for a T outside of the domain of f*: there f* is infinite, and the bound says nothing.
    """
    p, q = _probabilities(p, q)
    known = of(name)
    T = torch.as_tensor(T, dtype=p.dtype)
    if T.shape != p.shape:
        raise ValueError(f"T has shape {tuple(T.shape)}, the probabilities {tuple(p.shape)}: one T for each place")
    if not torch.equal(T.clamp(known.low, known.high), T):  # NaN is outside too
        raise ValueError(
            f"T leaves [{known.low:g}, {known.high:g}], where f* of {name} is finite: use its `output` on any numbers"
        )
    return (p * T).sum() - (q * known.conjugate(T)).sum()


def losses(name: str, trick: bool = True) -> Losses:
    """The two losses of the game: D makes -(E_p T - E_q f*(T)) small, T = output(D(x)).

    trick   the generator makes -E_q T small, which does not go flat where D is sure (for JS: the log D trick);
            False: -E_q f*(T), its part of the game as written
    """
    known = of(name)

    def discriminator(real: Tensor, fake: Tensor) -> Tensor:
        return known.paid(fake).mean() - known.output(real).mean()

    def generator(fake: Tensor) -> Tensor:
        return -(known.output(fake) if trick else known.paid(fake)).mean()

    return discriminator, generator


def _probabilities(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    p, q = torch.as_tensor(p), torch.as_tensor(q)
    if p.ndim != 1 or p.shape != q.shape:
        raise ValueError(f"p has shape {tuple(p.shape)}, q {tuple(q.shape)}: give both (k,), at the same k places")
    if not ((p >= 0).all() and (q >= 0).all()):
        raise ValueError("a probability is at least 0, and not NaN")
    return p, q

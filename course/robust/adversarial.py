"""The game behind JS-GAN: a generator eta + A z against a discriminator with a hidden layer.

    min over (eta, A, law of xi)  max over T   mean_i S(T(X_i), 1) + E S(T(eta + xi A z), 0)

`play` is the loop of the lecture's algorithm: a step up for the discriminator, a step for the generator. Everything
else here says what a generated row is, and how a gradient by it becomes one by eta, A and xi.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course.robust.discriminator import Discriminator
from course.robust.scoring_rules import ScoringRule

POOL = (
    20_000  # rows of noise, drawn once and used again and again: with fresh noise, drawing would cost most of the time
)
KNOTS = 12
AVERAGED = 0.4  # of the iterates, the last ones


class Generator:
    """x = eta + A z with normal z, or x = eta + xi A u with u uniform on the sphere of radius sqrt(p) (elliptical).

    A is diagonal, exp(log_scale), or a full matrix. The law of xi > 0 is learnt through its quantile function:
    log xi(v) is piecewise linear in a level v, uniform on [0, 1], with the value log_radius[k] at the k-th knot.
    """

    def __init__(self, p: int, n: int, random: torch.Generator, device, full=False, elliptical=False):
        m = min(max(n, 2000), POOL)
        z = torch.randn(m, p, generator=random)
        if elliptical:
            z *= math.sqrt(p) / z.norm(dim=1, keepdim=True)
        elif m > 4 * p:  # a pool of mean 0 and covariance I exactly: noise that eta and A need not average out
            z -= z.mean(0)
            z = torch.linalg.solve_triangular(torch.linalg.cholesky(z.T @ z / m), z.T, upper=False).T.contiguous()
        sizes = [p, p * p if full else p, KNOTS if elliptical else 0]
        self.theta = torch.zeros(sum(sizes), device=device)
        self.eta, spread, self.log_radius = self.theta.split(sizes)
        self.log_scale, self.A = spread, None
        if full:
            self.A = spread.view(p, p)
            self.A.copy_(torch.eye(p))
        self.z, self.m, self.p = z.to(device), m, p
        self.hats = _hats(torch.rand(m, generator=random)).to(device) if elliptical else None

    def sample(self, start: int, count: int, sign: float) -> Tensor:
        """Generated rows (count, p), from rows start, start + 1, ... of the pool of noise, times sign = +1 or -1."""
        self._rows = slice(start, start + count)
        self._sign, z = sign, self.z[self._rows]
        self._y = z * (self.log_scale.exp() * sign) if self.A is None else z @ (self.A.T * sign)
        if self.hats is not None:
            self._radius = (self.hats[self._rows] @ self.log_radius).exp()[:, None]
            self._y = self._radius * self._y
        return self.eta + self._y

    def matrix(self) -> Tensor:
        """A (p, p)."""
        return torch.diag(self.log_scale.exp()) if self.A is None else self.A

    def ascend(self, gradient: Tensor, rates: dict[str, float], shrink: float) -> None:
        """A step uphill by eta, A and xi, given the gradient (count, p) by the generated rows.

        x = eta + xi A z, so that dx/deta = I, dx/dA = xi z, dx/dlog(scale) = dx/dlog(xi) = x - eta.
        """
        self.eta.add_(gradient.sum(0), alpha=rates["location"] * shrink)
        if self.A is None:
            self.log_scale.add_((gradient * self._y).sum(0), alpha=rates["scale"] * shrink)
        else:
            through = gradient if self.hats is None else gradient * self._radius
            self.A.addmm_(through.T, self.z[self._rows], alpha=self._sign * rates["scale"] * shrink)
        if self.hats is not None:
            by_log_radius = (gradient * self._y).sum(1)
            self.log_radius.add_(self.hats[self._rows].T @ by_log_radius, alpha=rates["radius"] * shrink)


def _hats(v: Tensor) -> Tensor:
    """(n,) -> (n, KNOTS): the hat functions at levels v; the knots are evenly spaced in log(v / (1 - v))."""
    ends = torch.logit(torch.tensor([0.002, 0.998]))
    position = (torch.logit(v.clamp(0.002, 0.998)) - ends[0]) / (ends[1] - ends[0]) * (KNOTS - 1)
    return (1 - (position[:, None] - torch.arange(KNOTS)).abs()).clamp(min=0)


def knot_levels() -> Tensor:
    """The levels v of the knots (KNOTS,)."""
    ends = torch.logit(torch.tensor([0.002, 0.998]))
    return torch.sigmoid(torch.linspace(float(ends[0]), float(ends[1]), KNOTS))


def squash(x: Tensor, radius: float) -> tuple[Tensor, Tensor]:
    """x min(1, radius / |x|) for each row, and that factor (n, 1): the discriminator sees far rows at this radius."""
    factor = (radius / x.norm(dim=1, keepdim=True).clamp(min=1e-30)).clamp(max=1)
    return x * factor, factor


def squash_gradient(gradient: Tensor, squashed: Tensor, factor: Tensor, radius: float) -> Tensor:
    """The chain rule through `squash`: where it acts, the part along the row is lost and the rest is scaled."""
    along = (gradient * squashed).sum(1, keepdim=True) / radius**2
    return factor * (gradient - (factor < 1) * along * squashed)


def play(
    X: Tensor,
    discriminator: Discriminator,
    generator: Generator,
    rule: ScoringRule,
    *,
    steps: int,
    batch: int,
    rate: float,
    rates: dict[str, float],
    radius: float,
    random: torch.Generator,
) -> tuple[list[float], float]:
    """Play the game; the generator ends at the average of its last iterates.

    X (n, p): the rows, shuffled, standardised, squashed. Returns the value of the game, plus log 4 for the log score,
    at fifty moments, and the distance of that average from the one of the iterates just before.
    """
    n = len(X)
    starts = torch.randint(0, generator.m - batch + 1, (steps,), generator=random).tolist()
    real, fake = slice(0, batch), slice(batch, 2 * batch)
    both, ds = X.new_empty(2 * batch, X.shape[1]), X.new_empty(2 * batch)
    first = min(round(steps * (1 - AVERAGED)), steps - 1)
    total, before = torch.zeros_like(generator.theta), torch.zeros_like(generator.eta)
    heavy = generator.hats is not None  # normal rows are never so far out that squashing them would do anything
    curve = []
    for t in range(steps):
        shrink = schedule(t / steps)
        row = t * batch % (n - batch + 1)
        both[real] = X[row : row + batch]
        both[fake] = generator.sample(starts[t], batch, (-1.0) ** t)
        if heavy:
            both[fake], factor = squash(both[fake], radius)
        score = discriminator(both)

        ds[real] = rule.real(score[real]) / batch  # the discriminator climbs mean S(T(real), 1) + mean S(T(fake), 0)
        ds[fake] = rule.fake(score[fake]) / batch
        discriminator.parameter_gradient(ds)

        pull = rule.real(score[fake]) / batch  # the generator climbs mean S(T(fake), 1): the log D trick
        gradient = discriminator.input_gradient(pull, fake)
        if heavy:
            gradient = squash_gradient(gradient, both[fake], factor, radius)
        generator.ascend(gradient, rates, shrink)
        discriminator.ascend(rate * shrink)

        if t >= first:
            total += generator.theta
        elif t >= first // 2:
            before += generator.eta / (first - first // 2)
        if t % max(1, steps // 50) == 0:
            paid = rule.payment(score[real].cpu(), True).mean() + rule.payment(score[fake].cpu(), False).mean()
            curve.append(float(paid) + (math.log(4) if rule.rule == "log" else 0.0))
    generator.theta.copy_(total / (steps - first))
    return curve, float((generator.eta - before).norm())


def schedule(progress: float) -> float:
    """The factor of all rates at progress in [0, 1): 1 for a fifth of the game, then down a line to a twentieth."""
    return 1.0 if progress < 0.2 else 1 - 0.95 * (progress - 0.2) / 0.8

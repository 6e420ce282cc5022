"""Adversarial examples: the fast gradient sign method, projected gradient ascent, and noise to hold them against.

An attack looks for a perturbation e_i, |e_i| <= delta, that raises the loss of sample i: the inner maximum of

    min over theta   max over |e_i| <= delta   J_n(theta; x_i + e_i, y_i) .

x (n, ...) has values in [0, 1] and is attacked within them; y (n,) are class numbers; a model maps x to logits (n, K).
delta is in the units of x: the most that a pixel changes ("linf"), or the length of the whole change ("l2"). Sources:
the lecture's slides on adversarial robustness; Goodfellow, Shlens and Szegedy (2015); Madry et al. (2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

NORMS = ("linf", "l2")

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """- log softmax(logits)_y of every sample.   (n, K), (n,) -> (n,), at least 0."""
    return functional.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """max over k != y of z_k - z_y: above 0 where the answer is wrong. Its gradient never saturates.   -> (n,)"""
    others = logits.scatter(1, y[:, None], -math.inf).amax(1)
    return others - logits.gather(1, y[:, None])[:, 0]


def _budget(delta: float, norm: str) -> float:
    if norm not in NORMS:
        raise ValueError(f"norm = {norm!r}; choose 'linf' (the largest pixel) or 'l2' (the length)")
    if not 0 <= delta < math.inf:
        raise ValueError(f"delta = {delta}; the size of a perturbation is a finite number, at least 0")
    return float(delta)


def _images(x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or x.ndim < 2 or not x.is_floating_point():
        raise ValueError("x must be a tensor of real numbers of shape (n, ...), one sample a row")
    if not bool(((x >= 0) & (x <= 1)).all()):  # NaN fails as well
        raise ValueError("x has values outside [0, 1], or NaN: divide pixels by their largest possible value first")
    return x.detach()


def _labels(y: Tensor, x: Tensor) -> Tensor:
    if not isinstance(y, Tensor) or y.dtype != torch.int64 or y.shape != x.shape[:1]:
        raise ValueError(f"y must hold one class number (int64) for each of the {len(x)} samples")
    return y


def _like(gradient: Tensor, x: Tensor) -> Tensor:
    if gradient.shape != x.shape:
        raise ValueError(
            f"the gradient has shape {tuple(gradient.shape)} and x {tuple(x.shape)}: they must be the same"
        )
    if not bool(torch.isfinite(gradient).all()):
        raise ValueError("the gradient holds NaN or infinity: has the model's training diverged?")
    return gradient


def lengths(e: Tensor) -> Tensor:
    """The l2 norm of every sample, over all its entries, shaped so that it divides e.   (n, ...) -> (n, 1, ..., 1)."""
    return e.flatten(1).norm(dim=1).view(-1, *[1] * (e.ndim - 1))


def project(e: Tensor, delta: float, norm: str = "linf") -> Tensor:
    """The closest perturbation in the ball of radius delta: argmin |v - e|_2 over |v| <= delta, sample by sample.

    e (n, ...) -> (n, ...).  "linf": every entry is clipped to [-delta, delta].  "l2": what is longer than delta is
    shortened to it.  Raises ValueError for an unknown norm, a negative delta, and for NaN.
    """
    delta = _budget(delta, norm)
    if bool(torch.isnan(e).any()):
        raise ValueError("the perturbation holds NaN: look for the step that made it")
    if norm == "linf":
        return e.clamp(-delta, delta)
    return e * (delta / lengths(e).clamp(min=torch.finfo(e.dtype).tiny)).clamp(max=1)


def steepest(gradient: Tensor, norm: str = "linf") -> Tensor:
    """argmax of <gradient, v> over |v| <= 1: signs for "linf", a unit vector for "l2", 0 where the gradient is."""
    _budget(0, norm)
    if norm == "linf":
        return gradient.sign()
    return gradient / lengths(gradient).clamp(min=torch.finfo(gradient.dtype).tiny)


def fgsm_step(x: Tensor, gradient: Tensor, delta: float) -> Tensor:
    """clip(x + delta sign(gradient)) to [0, 1], given the gradient of the loss at x.   (n, ...) -> (n, ...)."""
    delta = _budget(delta, "linf")
    return (x + delta * steepest(_like(gradient, _images(x)))).clamp(0, 1)


def pgd_step(x: Tensor, origin: Tensor, gradient: Tensor, step: float, delta: float, norm: str = "linf") -> Tensor:
    """One step up, back into the ball round `origin`, back into [0, 1].

    x (n, ...) is where we are, gradient (n, ...) the loss's there; step is in the norm's units. Clipping to [0, 1]
    comes last and cannot leave the ball: origin lies in [0, 1], so that each pixel only gets closer to it.
    """
    _budget(step, norm)
    moved = x + step * steepest(_like(gradient, x), norm)
    return (origin + project(moved - origin, delta, norm)).clamp(0, 1)


def gradient_of(model: Callable, x: Tensor, y: Tensor, loss: Loss = cross_entropy) -> tuple[Tensor, Tensor]:
    """The loss of every sample (n,), and its gradient by x (n, ...). The model's own gradients are left alone."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        values = loss(model(x), y)
        (gradient,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), gradient


def fgsm(model: Callable, x: Tensor, y: Tensor, delta: float, *, targeted: bool = False) -> Tensor:
    """The fast gradient sign method: one step of size delta in "linf", the best there is for a linear model.

    x (n, ...) in [0, 1], y (n,) the labels to get away from or, with targeted=True, to get to. Returns (n, ...).
    """
    x = _images(x)
    _, gradient = gradient_of(model, x, _labels(y, x))
    return fgsm_step(x, -gradient if targeted else gradient, delta)


def pgd(
    model: Callable,
    x: Tensor,
    y: Tensor,
    delta: float,
    norm: str = "linf",
    *,
    steps: int = 20,
    step: float | None = None,
    targeted: bool = False,
    loss: Loss = cross_entropy,
    seed: int | None = 0,
    restarts: int = 1,
) -> Tensor:
    """Projected gradient ascent on the loss within |x' - x| <= delta, 0 <= x' <= 1.

    steps     of size `step`, 2.5 delta / steps unless given, so that the whole ball can be crossed
    targeted  y is where to get to, and the loss is descended
    seed      of the random starts in the ball; None starts at x itself
    restarts  how many random starts: an ascent may end at a local maximum

    Returns for each sample the iterate (n, ...) of the highest loss, targeted: the lowest. It is a lower bound of the
    inner maximum, not the maximum. Raises ValueError for bad x, y, delta, norm, steps, restarts.
    """
    x, delta = _images(x), _budget(delta, norm)
    _labels(y, x)
    for name, number in (("steps", steps), ("restarts", restarts)):
        if number < 1 or number != int(number):
            raise ValueError(f"{name} = {number}; take a whole number, at least one")
    step = 2.5 * delta / steps if step is None else _budget(step, norm)
    sign = -1.0 if targeted else 1.0
    best, highest = x, torch.full((len(x),), -math.inf, device=x.device)
    for now in [x] if seed is None else [_start(x, delta, norm, seed + k) for k in range(restarts)]:
        for t in range(steps + 1):
            values, gradient = gradient_of(model, now, y, loss)
            better = sign * values > highest
            best = torch.where(better.view(-1, *[1] * (x.ndim - 1)), now, best)
            highest = torch.where(better, sign * values, highest)
            if t < steps:
                now = pgd_step(now, x, sign * gradient, step, delta, norm)
    return best


def _start(x: Tensor, delta: float, norm: str, seed: int) -> Tensor:
    """A point of the ball, clipped to [0, 1]: uniform in "linf"; in "l2" of random direction and length."""
    random = torch.Generator().manual_seed(seed)
    e = torch.rand(x.shape, generator=random, dtype=x.dtype) * 2 - 1
    if norm == "l2":
        e = steepest(torch.randn(x.shape, generator=random, dtype=x.dtype), norm) * lengths(e) / math.sqrt(e[0].numel())
    return (x + delta * e.to(x.device)).clamp(0, 1)


def noise(x: Tensor, delta: float, norm: str = "linf", seed: int = 0) -> Tensor:
    """x + e, clipped to [0, 1], with an e that knows nothing: delta times random signs, or of length delta.

    The comparison that every attack needs: as large as the attack's e, in a random direction. Raises ValueError as
    `pgd` does.
    """
    x, delta = _images(x), _budget(delta, norm)
    e = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype).to(x.device)
    return (x + delta * steepest(e, norm)).clamp(0, 1)


@torch.no_grad()
def accuracy(model: Callable, x: Tensor, y: Tensor) -> float:
    """The share of the samples that the model gets right, in [0, 1]."""
    return float((model(x).argmax(1) == y).float().mean())

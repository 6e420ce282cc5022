"""Asking a GAN what it was not made for: which z gives this image?

There is no encoder and no density, so the only way is a search: start somewhere, follow the slope of the error. Source:
the lecture's slide on what GANs cannot do; Zhu et al., Generative Visual Manipulation on the Natural Image Manifold
(2016), for the search.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def squared_errors(made: Tensor, x: Tensor, visible: Tensor | None = None) -> Tensor:
    """Each image's mean squared error over its visible pixels: (n, ...) and (n, ...) -> (n,).

    visible   of zeros and ones, and of a shape that fits x by broadcasting; None: everything is
    """
    weight = torch.ones_like(x) if visible is None else visible.to(x.dtype).expand_as(x)
    return (weight * (made - x) ** 2).flatten(1).sum(1) / weight.flatten(1).sum(1)


def invert(
    generator: Callable[[Tensor], Tensor],
    x: Tensor,
    latent: int,
    n_steps: int = 200,
    rate: float = 0.1,
    starts: int = 1,
    visible: Tensor | None = None,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """The z that Adam finds for each image, from `starts` random ones: minimise |G(z) - x|^2 over z.

    x (n, ...) in the range of G; visible as in `squared_errors`: pixels that are 0 there are left to the generator.
    Returns z (starts, n, latent) and the errors of G(z) over *visible* pixels, (starts, n). Raises ValueError for no
    step and no start, and where the generator's images have another shape than x.
    """
    if n_steps < 1 or starts < 1:
        raise ValueError(f"n_steps = {n_steps}, starts = {starts}: a search needs one of each at least")
    z = torch.randn(starts * len(x), latent, generator=torch.Generator().manual_seed(seed)).requires_grad_()
    wanted = x.repeat(starts, *[1] * (x.ndim - 1))
    seen = None if visible is None else visible.expand_as(x).repeat(starts, *[1] * (x.ndim - 1))
    optimiser = torch.optim.Adam([z], lr=rate)
    for step in range(n_steps):
        made = generator(z)
        if made.shape != wanted.shape:
            raise ValueError(f"G makes images {tuple(made.shape[1:])} and x holds {tuple(x.shape[1:])}: resize x")
        optimiser.param_groups[0]["lr"] = rate * (1 - step / n_steps)  # ever smaller: it comes to rest
        (z.grad,) = torch.autograd.grad(squared_errors(made, wanted, seen).sum(), z)
        optimiser.step()
    with torch.no_grad():
        errors = squared_errors(generator(z), wanted, seen)
    return z.detach().view(starts, len(x), latent), errors.view(starts, len(x))


def invert_linear(W: Tensor, b: Tensor, x: Tensor, rate: float, n_steps: int) -> Tensor:
    """z after n_steps of gradient descent on |W z + b - x|^2 / 2 from z = 0, in closed form.

    W (p, d), b (p,), x (p,) -> (d,). With W = U S V^T: z_i = (1 - (1 - rate s_i^2)^n) / s_i times (U^T (x - b))_i along
    the i-th direction of V. It tends to the least squares solution for 0 < rate < 2 / s_1^2, and grows for larger ones.
    """
    U, s, Vh = torch.linalg.svd(W, full_matrices=False)
    ways = torch.where(s > 1e-9, (1 - (1 - rate * s**2) ** n_steps) / s.clamp(min=1e-9), torch.zeros_like(s))
    return Vh.T @ (ways * (U.T @ (x - b)))

"""How much fine detail have images, and how far apart are two sets of them?"""

from __future__ import annotations

import torch
from torch import Tensor


def power_spectrum(x: Tensor) -> Tensor:
    """The mean of |FFT(x)|^2 / H^2 over images, channels and frequencies of one length.   (n, C, H, H) -> (H/2 + 1,).

    Entry r belongs to frequencies (u, v) with sqrt(u^2 + v^2) nearest to r, in cycles to the image's side: entry 0 is
    the mean brightness, the last entries are the finest detail. Raises ValueError for images that are not square.
    """
    if x.ndim != 4 or x.shape[2] != x.shape[3]:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected square images (n, C, H, H)")
    side = x.shape[2]
    power = (torch.fft.fft2(x).abs() ** 2).mean((0, 1)) / side**2
    frequency = torch.fft.fftfreq(side, 1 / side)
    radius = torch.hypot(frequency[:, None], frequency).round().long()
    inside = radius <= side // 2
    total = torch.zeros(side // 2 + 1).index_add(0, radius[inside], power[inside])
    return total / torch.bincount(radius[inside])


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|m_a - m_b|^2 + trace(S_a + S_b - 2 (S_a S_b)^(1/2)): the distance of Gaussians fitted to two sets of features.

    a (n, p), b (m, p), at least two rows each -> a number, 0 for equal means and covariances, in squared units of the
    features. Source: Dowson and Landau (1982); Heusel et al. (2017), who take features of a large image classifier.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features have shapes {tuple(a.shape)} and {tuple(b.shape)}; expected (n, p) and (m, p)")
    a, b = a.double(), b.double()
    S_a, S_b = torch.atleast_2d(torch.cov(a.T)), torch.atleast_2d(torch.cov(b.T))
    # trace (S_a S_b)^(1/2) is the sum of the singular values of S_a^(1/2) S_b^(1/2).
    lam_a, E_a = torch.linalg.eigh(S_a)
    lam_b, E_b = torch.linalg.eigh(S_b)
    roots = (E_a * lam_a.clamp(min=0).sqrt()).T @ (E_b * lam_b.clamp(min=0).sqrt())
    shared = torch.linalg.svdvals(roots).sum()
    distance = ((a.mean(0) - b.mean(0)) ** 2).sum() + S_a.trace() + S_b.trace() - 2 * shared
    return max(0.0, distance.item())

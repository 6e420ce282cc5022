"""A small network that reads the factors of a cartoon face off its pixels: the judge of faces that a model decodes.

It is trained on rendered faces, whose factors are known, some of them blurred and with noise, so that it can read the
softer pictures of a VAE as well. Its features also serve for a distance between sets of images.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# What is read, with the middle and half the width of its range: targets lie in [-1, 1].
READ = {
    "smile": (0.0, 1.0),
    "yaw": (0.0, 0.7),
    "pitch": (0.0, 0.12),
    "skin": (0.5, 0.5),
    "hair": (0.5, 0.5),
    "light": (0.0, 0.5),
    "width": (0.0, 1.0),
    "glasses": (0.5, 0.5),
    "beard": (0.5, 0.5),
    "woman": (0.5, 0.5),
}


class Reader(nn.Module):
    """(n, 3, 32, 32) in [0, 1] -> (n, 10): the factors in READ, in its order, each scaled to [-1, 1]."""

    def __init__(self, width: int = 16):
        super().__init__()
        w = width
        self.features = nn.Sequential(
            *(nn.Conv2d(3, w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.SiLU()),
            *(nn.Conv2d(w, 2 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * w), nn.SiLU()),
            *(nn.Conv2d(2 * w, 4 * w, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * w), nn.SiLU()),
            *(nn.Flatten(), nn.Linear(64 * w, 4 * w), nn.SiLU()),
        )
        self.last = nn.Linear(4 * w, len(READ))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.features(x))

    @torch.no_grad()
    def read(self, x: Tensor) -> dict[str, Tensor]:
        """The factors of each face in their own units: {name: (n,)}."""
        columns = self(x).unbind(1)
        return {name: middle + half * out for (name, (middle, half)), out in zip(READ.items(), columns, strict=True)}


def targets(factors: Mapping[str, Tensor]) -> Tensor:
    """The factors in READ, scaled to [-1, 1]:   {name: (n,)} -> (n, 10)."""
    return torch.stack([(factors[name] - middle) / half for name, (middle, half) in READ.items()], dim=1)


def softened(x: Tensor) -> Tensor:
    """Each image blurred by a random amount, with a little noise, drawn from torch's global generator."""
    smooth = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(len(x), 1, 1, 1, device=x.device)
    return torch.lerp(x, smooth, share) + 0.03 * torch.rand_like(share) * torch.randn_like(x)


def r_squared(read: Tensor, true: Tensor) -> float:
    """1 - mean (read - true)^2 / var(true): 1 for a perfect reading, 0 for one no better than the mean."""
    return 1 - ((read - true) ** 2).mean().item() / true.var(correction=0).item()

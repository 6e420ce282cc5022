"""Walks and arithmetic in the latent space of a generator, with z ~ N(0, I).

Source: the lecture's slides on DCGAN, interpolation and "man with glasses - man + woman"; Radford, Metz and Chintala
(2016), section 6.3. Interpolation on the sphere: `course.gan.tricks.slerp`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

KINDS = ("man", "man with glasses", "woman", "woman with glasses")


def lerp(z0: Tensor, z1: Tensor, t: Tensor) -> Tensor:
    """(1 - t) z0 + t z1, along the chord.   z0, z1 (p,), t (k,) in [0, 1] -> (k, p).

    For two draws from N(0, I) every coordinate has the variance (1 - t)^2 + t^2: one half in the middle.
    """
    if z0.ndim != 1 or z0.shape != z1.shape:
        raise ValueError(f"z0 has shape {tuple(z0.shape)} and z1 {tuple(z1.shape)}: give two vectors of one size")
    return torch.lerp(z0, z1, t[:, None])


def arithmetic(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """mean(a) - mean(b) + mean(c): what a has and b has not, given to c.

    a, b, c (..., k, p), k exemplars each -> (..., p). Three independent means of k draws from N(0, I) make a vector
    whose coordinates have the variance 3 / k: like a draw from N(0, I) for k = 3. Raises ValueError for other shapes.
    """
    if not a.shape == b.shape == c.shape or a.ndim < 2 or a.shape[-2] < 1:
        shapes = ", ".join(str(tuple(z.shape)) for z in (a, b, c))
        raise ValueError(f"the groups have shapes {shapes}: give as many exemplars, (k, p), of each")
    signs = torch.tensor([1, -1, 1], dtype=a.dtype, device=a.device)
    return torch.einsum("s,s...kp->...p", signs, torch.stack([a, b, c])) / a.shape[-2]


def around(z: Tensor, radius: float, n: int, random: torch.Generator | None = None) -> Tensor:
    """z (p,) -> (n, p): z itself in the middle, place n // 2, and elsewhere z + u, u uniform on [-radius, radius]^p."""
    if z.ndim != 1 or n < 1 or not radius >= 0:
        raise ValueError(
            f"z has shape {tuple(z.shape)}, n is {n}, radius {radius}: give one vector (p,), n > 0, radius >= 0"
        )
    shifts = radius * (2 * torch.rand(n, len(z), generator=random) - 1)
    shifts[n // 2] = 0
    return z + shifts


def kinds(read: Mapping[str, Tensor], margin: float = 0.25) -> dict[str, Tensor]:
    """The rows of the faces that a judge is sure of, by kind: {"man with glasses": (m,) row numbers, ...}.

    read     factors as `course.likelihood.reader.Reader.read` gives them, "woman" and "glasses" about 0 or 1
    margin   how far from 1/2 both must be; a face nearer to it belongs to no kind
    """
    woman, glasses = (read[name] - 0.5 for name in ("woman", "glasses"))
    sure = (woman.abs() > margin) & (glasses.abs() > margin)
    number = 2 * (woman > 0) + (glasses > 0)
    return {kind: (sure & (number == i)).nonzero()[:, 0] for i, kind in enumerate(KINDS)}


def triples(
    rows: Mapping[str, Tensor], n: int, k: int = 3, random: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """n times k exemplars of men with glasses, of men, and of women, drawn from `kinds`: three (n, k) of row numbers.

    Exemplars of one triple may repeat. Raises ValueError when a kind has no face.
    """
    wanted = ("man with glasses", "man", "woman")
    if lacking := [kind for kind in wanted if not len(rows[kind])]:
        raise ValueError(f"there is no {' and no '.join(lacking)} among the faces: generate more of them")
    man_with_glasses, man, woman = (
        rows[kind][torch.randint(len(rows[kind]), (n, k), generator=random)] for kind in wanted
    )
    return man_with_glasses, man, woman


def women_with_glasses(read: Mapping[str, Tensor]) -> float:
    """The share of faces that a judge reads as women with glasses, in [0, 1]; by chance, 1/4."""
    return ((read["woman"] > 0.5) & (read["glasses"] > 0.5)).float().mean().item()

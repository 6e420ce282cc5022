"""Image to image without pairs: two generators, two discriminators, and the way there and back.

G takes images of A to B, F those of B to A. Nothing says which image of B belongs to one of A: D_B judges whether G(a)
looks like B, D_A whether F(b) looks like A, and the cycle a -> G(a) -> F(G(a)) must come home. Images lie in [-1, 1].
Source: the lecture's slide on domain transfer; Zhu, Park, Isola and Efros, Unpaired Image-to-Image Translation using
Cycle-Consistent Adversarial Networks (2017), with least-squares losses as there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course.data.faces import Factors, render, sample_factors
from course.data.images import FACES_FIXED
from course.gan.losses import least_squares_discriminator, least_squares_generator


def cycle_loss(a: Tensor, a_back: Tensor, b: Tensor, b_back: Tensor) -> Tensor:
    """E |F(G(a)) - a| + E |G(F(b)) - b|, each a mean over images, channels and pixels: 0 when both come home.

    Every pair of maps that undo each other has the loss 0, whatever they do in between.
    """
    return (a_back - a).abs().mean() + (b_back - b).abs().mean()


def play(
    G: nn.Module,
    F: nn.Module,
    D_A: nn.Module,
    D_B: nn.Module,
    g_optimiser: torch.optim.Optimizer,
    d_optimiser: torch.optim.Optimizer,
    a: Tensor,
    b: Tensor,
    cycle: float = 10.0,
    identity: float = 2.0,
) -> dict[str, Tensor]:
    """One round: a step of both generators, then one of both discriminators, on unpaired images a and b.

    g_optimiser   of G's and F's weights; d_optimiser of D_A's and D_B's
    a, b          (n, C, side, side) and (m, C, side, side), of different things: nothing is ever compared across
    cycle         the weight of `cycle_loss`
    identity      that of E |G(b) - b| + E |F(a) - a|: what has arrived already should be left alone

    Generators: E (D_B(G(a)) - 1)^2 / 2 + E (D_A(F(b)) - 1)^2 / 2 + cycle ... + identity ...; discriminators: the
    least-squares loss of each. Returns the values. Raises ValueError for a negative weight.
    """
    if cycle < 0 or identity < 0:
        raise ValueError(f"cycle is {cycle} and identity is {identity}: weights of losses are 0 or more")
    fake_b, fake_a = G(a), F(b)
    D_A.requires_grad_(False)
    D_B.requires_grad_(False)
    fooled = least_squares_generator(D_B(fake_b)) + least_squares_generator(D_A(fake_a))
    home = cycle_loss(a, F(fake_b), b, G(fake_a)) if cycle else torch.zeros(())
    same = (G(b) - b).abs().mean() + (F(a) - a).abs().mean() if identity else torch.zeros(())
    g_optimiser.zero_grad()
    (fooled + cycle * home + identity * same).backward()
    g_optimiser.step()

    D_A.requires_grad_(True)
    D_B.requires_grad_(True)
    judged = least_squares_discriminator(D_A(a), D_A(fake_a.detach()))
    judged = judged + least_squares_discriminator(D_B(b), D_B(fake_b.detach()))
    d_optimiser.zero_grad()
    judged.backward()
    d_optimiser.step()
    return {"fooled": fooled.detach(), "cycle": home.detach(), "identity": same.detach(), "judged": judged.detach()}


def unpaired(n: int, factor: str = "glasses", seed: int = 100) -> tuple[Tensor, Tensor, tuple[Factors, Factors]]:
    """n faces without and n with the factor, all of different people: A and B (n, 3, 32, 32) in [-1, 1], their factors.

    factor   "glasses", "striped", "hat", or another one that is 0 or 1 (course.data.faces.RANGES)

    All other factors are drawn anew for B, from the same distribution: the factor is all that tells the sides apart.
    Raises ValueError for an unknown factor.
    """
    without = sample_factors(n, seed, **{**FACES_FIXED, factor: 0})
    with_it = sample_factors(n, seed + 1, **{**FACES_FIXED, factor: 1})
    return render(without) * 2 - 1, render(with_it) * 2 - 1, (without, with_it)


def counterfactual(factors: Factors, factor: str = "glasses") -> Tensor:
    """The exact answer, which no training sees: the same people with the factor the other way round, in [-1, 1]."""
    return render({**factors, factor: 1 - factors[factor]}) * 2 - 1

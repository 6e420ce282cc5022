"""Watching a GAN: what is wrong, in a sentence, and which trick to try. For `course.training.Training(watch=...)`.

Each of these functions makes a watcher: it reads the logged values, and complains when they have looked bad for
`patience` logs in a row. NaN is the matter of `course.training.diverged`. Values that a step does not log are not
watched. `course.gan.ring.train` logs all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from course.training import diverged
from course.training.loop import Watch

Values = Mapping[str, float]


def scores(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """What the watchers read off the discriminator's logits of real and of generated samples, (n, ...) and (m, ...)."""
    real, fake = real.detach(), fake.detach()
    return {
        "D real": real.sigmoid().mean(),
        "D fake": fake.sigmoid().mean(),
        "spread D": torch.cat([real.flatten(), fake.flatten()]).std(),
    }


def dead_discriminator(patience: int = 10) -> Watch:
    """Complains when "spread D", the standard deviation of the scores in a batch, is 0: every input gets the same."""
    return _lasting(
        patience,
        lambda v: v["spread D"] < 1e-6,
        lambda v: (
            "the discriminator is dead: it gives every input the same score, so the generator has nothing to learn "
            "from. Build it again with LeakyReLU in place of ReLU and a lower rate; with clipped weights, try a "
            "gradient penalty or spectral normalisation instead."
        ),
    )


def discriminator_won(patience: int = 10) -> Watch:
    """Complains when the probabilities are "D real" > 0.95 and "D fake" < 0.05: no sample fools it any more."""
    return _lasting(
        patience,
        lambda v: v["D real"] > 0.95 and v["D fake"] < 0.05,
        lambda v: (
            f"the discriminator has won: it gives data {v['D real']:.3f} and samples {v['D fake']:.3f} on average. Try "
            "the log D loss if the generator still has the minimax loss; then noise on the inputs, a gradient penalty "
            "or spectral normalisation, label smoothing, or a lower rate for the discriminator."
        ),
    )


def flat_gradient(patience: int = 10, least: float = 1e-3) -> Watch:
    """Complains when "gradient", the length of the generator's gradient, is below `least`, and D is sure of itself."""
    return _lasting(
        patience,
        lambda v: v["gradient"] < least and v["D fake"] < 0.02,
        lambda v: (
            f"the generator's gradient has vanished: its length is {v['gradient']:.1e}, where the discriminator gives "
            f"samples {v['D fake']:.1e}. Try the log D loss, noise on the inputs, or a gradient penalty."
        ),
    )


def collapsed_generator(patience: int = 10, least: float = 0.3) -> Watch:
    """Complains when "spread G", the standard deviation of samples over that of data, is below `least`."""
    return _lasting(
        patience,
        lambda v: v["spread G"] < least,
        lambda v: (
            f"the generator has collapsed: its samples spread {v['spread G']:.2f} times as far as the data. Try more "
            "steps of the discriminator for each one of the generator, minibatch features, or a lower beta1 and rate."
        ),
    )


def all_of_them(patience: int = 10) -> tuple[Watch, ...]:
    """`diverged`, and the four watchers above: `Training(..., watch=all_of_them())`."""
    makers = (flat_gradient, discriminator_won, dead_discriminator, collapsed_generator)
    return (diverged, *(make(patience) for make in makers))


def _lasting(patience: int, bad: Callable[[Values], bool], sentence: Callable[[Values], str]) -> Watch:
    """A watcher that complains at the `patience`-th bad log in a row."""
    if patience < 1:
        raise ValueError(f"patience is {patience}: a complaint needs at least one bad log")
    in_a_row = 0

    def watch(values: Values) -> str | None:
        nonlocal in_a_row
        try:
            in_a_row = in_a_row + 1 if bad(values) else 0
        except KeyError:  # this training does not log it
            return None
        return sentence(values) if in_a_row >= patience else None

    return watch

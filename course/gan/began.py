"""BEGAN: the discriminator is an autoencoder, and two errors are kept in balance.

Source: the lecture's slide on better training of GANs; Berthelot, Schumm and Metz (2017), whose notation is kept: gamma
the diversity ratio, k how much the discriminator minds generated samples, M the measure of convergence.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def errors(autoencoder: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Each sample's mean absolute error of reconstruction: L(x) = mean over its entries of |x - autoencoder(x)|.

    x (n, ...) -> (n,), with a graph. Raises ValueError when the autoencoder changes the shape of x.
    """
    copy = autoencoder(x)
    if copy.shape != x.shape:
        raise ValueError(
            f"the autoencoder made {tuple(copy.shape)} out of {tuple(x.shape)}: it has to give back the shape of x"
        )
    return (x - copy).abs().flatten(1).mean(dim=1)


def losses(real_errors: Tensor, fake_errors: Tensor, k: float) -> tuple[Tensor, Tensor]:
    """The discriminator's loss E L(x) - k E L(G(z)) and the generator's E L(G(z)).

    real_errors (n,), fake_errors (m,) as `errors` gives them, k in [0, 1] as `balance` does. Each player takes the
    gradient in its own weights only. Raises ValueError for another k, or when there are no errors.
    """
    _check_k(k)
    if not (len(real_errors) and len(fake_errors)):
        raise ValueError("an average needs at least one error of a real sample and one of a generated sample")
    real, fake = real_errors.mean(), fake_errors.mean()
    return real - k * fake, fake


def balance(
    k: float, real_error: float, fake_error: float, gamma: float = 0.5, rate: float = 0.001
) -> tuple[float, float]:
    """One step of the control of k, and the measure of convergence M.

    k <- k + rate (gamma E L(x) - E L(G(z))), kept within [0, 1]; M = E L(x) + |gamma E L(x) - E L(G(z))|.
    At equilibrium E L(G(z)) = gamma E L(x): a small gamma asks for samples that are easier to reconstruct than the
    data, so fewer kinds of them. real_error and fake_error are the averages E L(x), E L(G(z)) >= 0; gamma in [0, 1].
    Raises ValueError for values outside, NaN too (a training that has diverged).
    """
    _check_k(k)
    if not (0 <= real_error < float("inf") and 0 <= fake_error < float("inf")):
        raise ValueError(
            f"errors of {float(real_error)} (real) and {float(fake_error)} (generated): both must be finite and at "
            "least 0. After NaN the training has diverged: start anew with a smaller learning rate"
        )
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma is {gamma}: the ratio of the two errors to be held lies in [0, 1], often 0.3 to 0.7")
    if not 0 < rate < float("inf"):
        raise ValueError(f"rate is {rate}: the step of k must be above 0, 0.001 in the paper")
    surplus = gamma * float(real_error) - float(fake_error)
    return min(1.0, max(0.0, k + rate * surplus)), float(real_error) + abs(surplus)


def _check_k(k: float) -> None:
    if not 0 <= k <= 1:
        raise ValueError(f"k is {k}: it has to lie in [0, 1]; start with 0 and go on with what `balance` gives")

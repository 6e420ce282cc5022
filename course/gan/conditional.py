"""Conditional GANs: a generator that is told what to make, and a discriminator that is told what was asked for.

Source: the lecture's slides on conditional GANs and text to image; Mirza and Osindero, Conditional Generative
Adversarial Nets (2014); Reed et al., Generative Adversarial Text to Image Synthesis (2016), for the conditional
discriminator of images and the matching-aware loss.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from course.gan.dcgan import Discriminator, Generator, start_small
from course.gan.game import discriminator_loss, generator_loss
from course.gan.tricks import slope_at_data


def with_label(z: Tensor, y: Tensor, k: int) -> Tensor:
    """z (n, d) and labels y (n,) in 0..k-1 -> (n, d + k): each row followed by its label as k zeros with a single 1.

    Raises ValueError for labels outside 0..k-1, and when there are not as many of them as rows.
    """
    if y.ndim != 1 or len(y) != len(z):
        raise ValueError(f"y has shape {tuple(y.shape)}; expected ({len(z)},), a label for each row")
    if y.is_floating_point() or (len(y) and not 0 <= int(y.min()) <= int(y.max()) < k):
        raise ValueError(f"labels must be whole numbers from 0 to {k - 1}")
    return torch.cat([z, one_hot(y.long(), k).to(z.dtype)], dim=1)


class ConditionalGenerator(nn.Module):
    """z (n, latent) and conditions c (n, k) -> images (n, channels, side, side) in [-1, 1].

    The generator of a DCGAN, fed with z and c side by side. Raises ValueError, when called, for a z or c of another
    size.
    """

    def __init__(self, k: int, shape: tuple[int, int, int] = (3, 32, 32), latent: int = 64, width: int = 16):
        super().__init__()
        self.image_of = Generator(shape, latent + k, width)
        self.latent, self.k = latent, k

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; this generator takes (n, {self.latent})")
        _check_condition(c, len(z), self.k)
        return self.image_of(torch.cat([z, c], dim=1))


class ConditionalDiscriminator(nn.Module):
    """Images (n, channels, side, side) and conditions c (n, k) -> (n, 1) logits: above 0 for "real, and as asked for".

    The layers of a DCGAN's discriminator see the image alone, down to 4 x 4 places (`look`). There c is laid beside
    the features of every place, and two more layers compare them (`compare`): so one image can be held against several
    conditions at little cost. One more layer reads a condition off the features (`read`), as in an auxiliary classifier
    GAN. Raises ValueError, when called, for images or conditions of another shape.
    """

    def __init__(self, k: int, shape: tuple[int, int, int] = (3, 32, 32), width: int = 16):
        super().__init__()
        self.layers = Discriminator(shape, width).layers[:-2]
        features = self.layers(torch.zeros(2, *shape)).shape[1]
        self.together = nn.Sequential(
            nn.Conv2d(features + k, features, 1), nn.LeakyReLU(0.2), nn.Conv2d(features, 1, 4), nn.Flatten()
        )
        self.together.apply(start_small)
        self.read = nn.Sequential(nn.Conv2d(features, k, 4), nn.Flatten())  # features -> (n, k) logits
        self.shape, self.k = tuple(shape), k

    def look(self, x: Tensor) -> Tensor:
        """Features (n, f, 4, 4) of images."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise ValueError(f"x has shape {tuple(x.shape)}; this discriminator takes (n, {wanted}): resize the images")
        return self.layers(x)

    def compare(self, features: Tensor, c: Tensor) -> Tensor:
        """Features (n, f, 4, 4) held against conditions (n, k): logits (n, 1)."""
        _check_condition(c, len(features), self.k)
        everywhere = c[:, :, None, None].expand(-1, -1, *features.shape[2:])
        return self.together(torch.cat([features, everywhere], dim=1))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        return self.compare(self.look(x), c)


def _check_condition(c: Tensor, n: int, k: int) -> None:
    if tuple(c.shape) != (n, k):
        raise ValueError(f"c has shape {tuple(c.shape)}; expected ({n}, {k}): a row of {k} numbers for each image")


def play_conditional(
    generator: ConditionalGenerator,
    discriminator: ConditionalDiscriminator,
    generator_optimiser: torch.optim.Optimizer,
    discriminator_optimiser: torch.optim.Optimizer,
    x: Tensor,
    c: Tensor,
    z: Tensor,
    wrong_pairs: bool = True,
    told: Tensor | None = None,
    penalty: float = 0.0,
) -> dict[str, Tensor]:
    """One round on images x with conditions c, and as many rows of noise z; returns the values of both losses.

    wrong_pairs   hold each image against its neighbour's condition as well (`matching_loss`); otherwise the
                  discriminator sees right pairs alone
    told          (n, k) of zeros and ones: add `reading_loss` for both players, counted where told is 1
    penalty       add this much of `slope_at_data` at the right pairs to the discriminator's loss
    """
    x = x.detach().requires_grad_(penalty > 0)
    fake = generator(z, c)
    features = discriminator.look(x)
    right, from_fake = discriminator.compare(features, c), discriminator(fake.detach(), c)
    if wrong_pairs:
        d_loss = matching_loss(right, discriminator.compare(features, c.roll(1, 0)), from_fake)
    else:
        d_loss = discriminator_loss(right, from_fake)
    if told is not None:
        d_loss = d_loss + reading_loss(discriminator.read(features), c, told)
    values = {"discriminator": d_loss.detach()}
    if penalty > 0:
        d_loss = d_loss + penalty * slope_at_data(right, x)
    discriminator_optimiser.zero_grad()
    d_loss.backward()
    discriminator_optimiser.step()

    discriminator.requires_grad_(False)
    features = discriminator.look(fake)
    g_loss = generator_loss(discriminator.compare(features, c))
    if told is not None:
        g_loss = g_loss + reading_loss(discriminator.read(features), c, told)
    generator_optimiser.zero_grad()
    g_loss.backward()
    generator_optimiser.step()
    discriminator.requires_grad_(True)
    return values | {"generator": g_loss.detach()}


def matching_loss(right: Tensor, wrong: Tensor, fake: Tensor) -> Tensor:
    """-E log D(x, c) - E log(1 - D(x, c')) / 2 - E log(1 - D(G(z, c), c)) / 2, in nats, from logits.

    right   of real images with their own condition c;  wrong  of real images with another one, c';  fake  of generated
    images with the condition that they were made for. 2 log 2 for a coin. Source: Reed et al. (2016), algorithm 1.
    """
    loss = binary_cross_entropy_with_logits
    against = loss(wrong, torch.zeros_like(wrong)) + loss(fake, torch.zeros_like(fake))
    return loss(right, torch.ones_like(right)) + against / 2


def reading_loss(logits: Tensor, c: Tensor, told: Tensor) -> Tensor:
    """How badly the condition is read off the images: mean cross-entropy in nats where told is 1; log 2 for a coin.

    logits, c, told (n, k), c and told of zeros and ones. Both players make it small: the discriminator learns to read
    on real images, the generator makes images that can be read. Source: Odena, Olah and Shlens, Conditional Image
    Synthesis with Auxiliary Classifier GANs (2017).
    """
    return binary_cross_entropy_with_logits(logits, c, told, reduction="sum") / told.sum().clamp(min=1)

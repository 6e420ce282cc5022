"""Image to image from pairs: a U-Net generator, a discriminator of patches, and the loss of pix2pix.

Images lie in [-1, 1], where tanh ends. Source: the lecture's slide on the year of the GAN; Isola, Zhu, Zhou and Efros,
Image-to-Image Translation with Conditional Adversarial Networks (2017); the U-Net is that of Ronneberger, Fischer and
Brox (2015).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from course.gan.dcgan import start_small
from course.gan.game import discriminator_loss, generator_loss


class UNet(nn.Module):
    """Images (n, channels_in, side, side) -> images (n, channels_out, side, side) in [-1, 1].

    channels_in, channels_out   1 for grey, 3 for colour
    width     channels after the first layer; each layer further down has twice as many
    depth     how often the side is halved on the way down, and doubled on the way up: a side of 32 has 4 x 4 pixels at
              the bottom of depth 3. The side must be a multiple of 2^depth
    skips     hand what each layer saw on the way down to the layer of the same size on the way up, as more channels;
              False: all must go through the bottom
    change    the network gives what is to be added to the image, cut to [-1, 1], and not the whole image: an untrained
              one leaves it nearly as it is

    Each layer on the way up gets what comes from below beside what went down at its own size; the last one, the image
    itself. Raises ValueError, when called, for images of another number of channels or of a side that cannot be halved
    that often.
    """

    def __init__(
        self,
        channels_in: int = 3,
        channels_out: int = 3,
        width: int = 16,
        depth: int = 3,
        skips: bool = True,
        change: bool = False,
    ):
        super().__init__()
        if change and channels_in != channels_out:
            raise ValueError(f"a change is added to the image: {channels_in} channels in, but {channels_out} out")
        widths = [channels_in, *(width * 2**i for i in range(depth))]
        self.down = nn.ModuleList(_down(a, b) for a, b in pairwise(widths))
        up, below = [], widths[-1]
        for beside, above in zip(reversed(widths[:-1]), [*reversed(widths[1:-1]), width], strict=True):
            up.append(_up(below, above))
            below = above + beside * skips
        self.up = nn.ModuleList(up)
        self.last = nn.Sequential(nn.Conv2d(below, channels_out, 3, 1, 1), nn.Tanh())
        self.channels, self.skips, self.change = channels_in, skips, change
        self.apply(start_small)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a quarter less time on a CPU

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        beside = [x]
        for layer in self.down:
            beside.append(layer(beside[-1]))
        h = beside.pop()
        for layer in self.up:
            h, saw = layer(h), beside.pop()
            if self.skips:
                h = torch.cat([h, saw], dim=1)
        return (x + 2 * self.last(h)).clamp(-1, 1) if self.change else self.last(h)

    def _check(self, x: Tensor) -> None:
        least = 2 ** len(self.down)
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; this network takes (n, {self.channels}, side, side): line drawings "
                "have 1 channel, colour images 3"
            )
        if x.shape[2] != x.shape[3] or x.shape[2] % least or x.shape[2] == least:
            raise ValueError(
                f"x has {x.shape[2]} x {x.shape[3]} pixels; this network halves the side {len(self.down)} times: "
                f"resize to a square whose side is a multiple of {least}, and at least {2 * least}"
            )


def _down(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))


def _up(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(a, b, 4, 2, 1), nn.BatchNorm2d(b), nn.ReLU())


class PatchDiscriminator(nn.Module):
    """Images (n, channels, side, side) -> one logit for each patch (n, 1, m, m): above 0 for "real".

    channels   of all that it sees; 4 for a line drawing beside a colour image
    width      channels after the first layer, doubled by the next
    halvings   how often the side is halved before the last layer: a patch has 10 x 10 pixels for 1, 22 x 22 for 2, and
               46 x 46 for 3

    No layer joins what is far apart: a logit judges its own patch, and the mean of the losses judges the image. Raises
    ValueError, when called, for another number of channels.
    """

    def __init__(self, channels: int = 3, width: int = 16, halvings: int = 2):
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        w = width
        for _ in range(halvings - 1):
            layers += [nn.Conv2d(w, 2 * w, 4, 2, 1), nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2)]
            w *= 2
        self.layers = nn.Sequential(*layers, nn.Conv2d(w, 1, 4, 1, 1))
        self.channels = channels
        self.apply(start_small)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, *images: Tensor) -> Tensor:
        """Several images of one size are laid on one another, as channels: a condition and what was made of it."""
        sizes = {tuple(x.shape[i] for i in (0, 2, 3)) if x.ndim == 4 else tuple(x.shape) for x in images}
        if len(sizes) != 1:
            shapes = " and ".join(str(tuple(x.shape)) for x in images)
            raise ValueError(f"the images have shapes {shapes}: all need the same n, height and width")
        x = torch.cat(images, dim=1) if len(images) > 1 else images[0]
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"got {tuple(x.shape)}; this discriminator takes (n, {self.channels}, side, side) in all")
        return self.layers(x)


def pix2pix_loss(logits: Tensor, made: Tensor, true: Tensor, l1: float = 100.0) -> Tensor:
    """-E log D(x, G(x)) + l1 * E |G(x) - y|: what the generator makes small, in nats.

    logits   of D for what was made, one a patch: the first mean is over images and patches
    made     G(x), true  y, of one shape: the second mean is over images, channels and pixels
    l1       the weight of the second, 100 in the paper; 0 leaves the game alone

    Raises ValueError when the shapes of made and true differ, and for a negative weight.
    """
    if made.shape != true.shape:
        raise ValueError(f"made has shape {tuple(made.shape)}, true {tuple(true.shape)}: pairs need the same shape")
    if l1 < 0:
        raise ValueError(f"l1 is {l1}: the weight of a loss is 0 or more")
    return generator_loss(logits) + l1 * (made - true).abs().mean()


def play(
    G: nn.Module,
    D: nn.Module,
    g_optimiser: torch.optim.Optimizer,
    d_optimiser: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    l1: float = 100.0,
) -> dict[str, Tensor]:
    """One round on pairs (x, y): a step of the discriminator D(x, image), then one of the generator G(x).

    The discriminator sees what was asked for: a fine face that does not belong to x is a fake too. Returns the values
    of both losses, and the mean distance E |G(x) - y|.
    """
    made = G(x)
    d_loss = discriminator_loss(D(x, y), D(x, made.detach()))
    d_optimiser.zero_grad()
    d_loss.backward()
    d_optimiser.step()

    D.requires_grad_(False)  # as in `course.gan.game.play`
    g_loss = pix2pix_loss(D(x, made), made, y, l1)
    g_optimiser.zero_grad()
    g_loss.backward()
    g_optimiser.step()
    D.requires_grad_(True)
    return {
        "discriminator": d_loss.detach(),
        "generator": g_loss.detach(),
        "distance": (made.detach() - y).abs().mean(),
    }


def patch_seen(D: PatchDiscriminator, side: int, row: int, column: int) -> tuple[int, int, int, int]:
    """The pixels that the logit at (row, column) depends on: (top, bottom, left, right), each included.

    Found from the gradient of that one logit for a random image of this side, with the network as it is used after
    training: in training, batch normalisation joins all. Raises ValueError for a logit that is not there.
    """
    training = D.training
    D.eval()
    x = torch.rand(1, D.channels, side, side, requires_grad=True)
    logits = D(x)
    D.train(training)
    if not (0 <= row < logits.shape[2] and 0 <= column < logits.shape[3]):
        raise ValueError(f"there are {logits.shape[2]} x {logits.shape[3]} logits, and none at ({row}, {column})")
    (slope,) = torch.autograd.grad(logits[0, 0, row, column], x)
    rows, columns = slope.abs().sum((0, 1)).nonzero().unbind(1)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())

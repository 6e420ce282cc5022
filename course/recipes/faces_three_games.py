"""Three generators of faces, trained equally long by the log D loss, by least squares and by BEGAN, for chapter 11."""

import copy

import torch
from torch import nn

from course.data import load_images
from course.gan import began
from course.gan.dcgan import Discriminator, Generator
from course.gan.game import play
from course.gan.losses import LOSSES
from course.gan.tricks import average_into, slope_at_data
from course.likelihood.image_quality import frechet_distance
from course.likelihood.reader import Reader
from course.training import Training, checkpoint, falling

SEED, STEPS = 0, 2000
LATENT = 24
GAMMA, CONTROL = 0.9, 0.1  # of BEGAN: the ratio of errors to be held, and the rate at which k follows


def network():
    """The generators, each with its weights averaged over the last rounds."""
    return nn.ModuleDict(
        {"log D": Generator(latent=LATENT), "least squares": Generator(latent=LATENT), "BEGAN": plain_decoder()}
    )


def plain_decoder():
    """z (n, 24) -> images: BEGAN's generator, and the second half of its discriminator. No batch normalisation."""
    return nn.Sequential(
        *(nn.Linear(LATENT, 1024), nn.Unflatten(1, (64, 4, 4))),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ELU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ELU()),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
    )


def autoencoder():
    """BEGAN's discriminator: images -> 24 numbers -> images."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 4, 2, 1), nn.ELU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ELU()),
        *(nn.Conv2d(32, 64, 4, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(1024, LATENT)),
        plain_decoder(),
    )


def training(averages):
    """All three on the same batches."""
    keep, games = [], {}
    for name, average in averages.items():
        G, D = copy.deepcopy(average), autoencoder() if name == "BEGAN" else Discriminator()
        for net in (G, D, average):
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimisers = [torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.99), fused=True) for net in (G, D)]
        rates = [falling(optimiser, STEPS) for optimiser in optimisers]
        games[name] = (G, D, *optimisers, rates)
        keep += [G, D, average, *optimisers, *rates]
    control = nn.Module()
    control.register_buffer("k", torch.zeros(()))

    def step(x):
        turn = games["log D"][-1][0].last_epoch
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_(turn % 8 == 0)
        values: dict[str, object] = {}
        for name, (G, D, for_G, for_D, rates) in games.items():
            z = torch.randn(len(x), LATENT)
            if name == "BEGAN":
                values |= play_began(G, D, for_G, for_D, x, z, control)
            else:
                losses = flat_at_data(*LOSSES[name], x)
                values[f"{name}, discriminator"] = play(G, D, for_G, for_D, x, z, losses)["discriminator"]
            average_into(averages[name], G, min(0.998, (turn + 1) / (turn + 10)))
            for rate in rates:
                rate.step()
        return values

    faces = load_images("faces", n=8000).x * 2 - 1
    return Training(step, faces, [*keep, control], 32, seed=SEED, log_every=20, threads=1)


def flat_at_data(d_loss, g_loss, x):
    """The losses of a game with the penalty on the discriminator's slope, in the rounds where x asks for a gradient."""
    if not x.requires_grad:
        return d_loss, g_loss
    return lambda real, fake: d_loss(real, fake) + 4 * slope_at_data(real, x), g_loss


def play_began(G, D, for_G, for_D, x, z, control):
    """One round; k, which is kept in `control`, follows. Returns k, M and both errors."""
    fake = G(z)
    x = x.detach()
    real = began.errors(D, x)
    d_loss, _ = began.losses(real, began.errors(D, fake.detach()), control.k.item())
    for_D.zero_grad()
    d_loss.backward()
    for_D.step()

    D.requires_grad_(False)
    g_loss = began.errors(D, fake).mean()
    for_G.zero_grad()
    g_loss.backward()
    for_G.step()
    D.requires_grad_(True)
    k, M = began.balance(control.k.item(), real.mean().item(), g_loss.item(), GAMMA, CONTROL)
    control.k.fill_(k)
    return {"k": k, "M": M, "error of real": real.mean().detach(), "error of generated": g_loss.detach()}


@torch.no_grad()
def measure(averages):
    reader, _ = checkpoint("faces_reader", Reader(), {})
    reader.eval()
    wanted = reader.features(load_images("faces", "test").x)
    z = torch.randn(len(wanted), LATENT, generator=torch.Generator().manual_seed(SEED))
    return {
        f"frechet_distance_{name.replace(' ', '_')}": frechet_distance(reader.features(G(z) / 2 + 0.5), wanted)
        for name, G in averages.eval().items()
    }

"""BEGAN on faces: generator, with averaged weights, and autoencoder, trained as long as dcgan_faces, for chapter 11."""

import copy

import torch
from torch import nn

from course.data import load_images
from course.gan import began
from course.gan.tricks import average_into
from course.likelihood.image_quality import frechet_distance
from course.likelihood.reader import Reader
from course.training import Training, checkpoint, falling

SEED, STEPS = 0, 7600
LATENT = 32
GAMMA, CONTROL = 0.9, 0.1  # the ratio of errors to be held, and the rate at which k follows


def network():
    return nn.ModuleDict({"generator": decoder(), "autoencoder": autoencoder()})


def decoder():
    """z (n, 32) -> images: BEGAN's generator, and the second half of its discriminator. No batch normalisation."""
    return nn.Sequential(
        *(nn.Linear(LATENT, 1024), nn.Unflatten(1, (64, 4, 4))),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ELU(), nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ELU()),
        nn.ConvTranspose2d(16, 3, 4, 2, 1),
    )


def autoencoder():
    """BEGAN's discriminator: images -> 32 numbers -> images."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 4, 2, 1), nn.ELU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ELU()),
        *(nn.Conv2d(32, 64, 4, 2, 1), nn.ELU(), nn.Flatten(), nn.Linear(1024, LATENT)),
        decoder(),
    )


def training(networks):
    average, D = networks["generator"], networks["autoencoder"]
    G = copy.deepcopy(average)
    for net in (average, G, D):
        net.to(memory_format=torch.channels_last)
    for_G, for_D = (torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.99), fused=True) for net in (G, D))
    rates = [falling(optimiser, STEPS) for optimiser in (for_G, for_D)]
    control = nn.ParameterDict({"k": torch.zeros(())})  # so that k is kept with the networks

    def step(x):
        x = x.contiguous(memory_format=torch.channels_last)
        fake = G(torch.randn(len(x), LATENT))
        real = began.errors(D, x)
        d_loss, _ = began.losses(real, began.errors(D, fake.detach()), control["k"].item())
        for_D.zero_grad()
        d_loss.backward()
        for_D.step()

        D.requires_grad_(False)
        g_loss = began.errors(D, fake).mean()
        for_G.zero_grad()
        g_loss.backward()
        for_G.step()
        D.requires_grad_(True)

        k, M = began.balance(control["k"].item(), real.mean().item(), g_loss.item(), GAMMA, CONTROL)
        control["k"].data.fill_(k)
        turn = rates[0].last_epoch
        average_into(average, G, min(0.998, (turn + 1) / (turn + 10)))
        for rate in rates:
            rate.step()
        return {"k": k, "M": M, "error of real": real.mean(), "error of generated": g_loss}

    faces = load_images("faces", n=8000).x * 2 - 1
    keep = [networks, G, for_G, for_D, *rates, control]
    return Training(step, faces, keep, 32, seed=SEED, log_every=50, threads=1)


@torch.no_grad()
def measure(networks):
    reader = checkpoint("faces_reader", Reader(), {})[0].eval()
    z = torch.randn(1000, LATENT, generator=torch.Generator().manual_seed(SEED))
    made = networks["generator"](z) / 2 + 0.5
    wanted = reader.features(load_images("faces", "test").x)
    return {"frechet_distance": frechet_distance(reader.features(made), wanted)}

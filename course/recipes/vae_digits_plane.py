"""A VAE with two latent variables on the black and white 8 x 8 digits, Bernoulli likelihood, for chapter 7."""

import torch

from course.data import load_images
from course.likelihood.vae import VAE
from course.training import Training, falling

SEED, STEPS = 0, 8000


def network():
    return VAE((1, 8, 8), 2, hidden=(256, 128))


def training(vae):
    optimiser = torch.optim.Adam(vae.parameters(), lr=1e-3, fused=True)
    digits = (load_images("digits").x > 0.5).float()
    return elbo_training(vae, digits, optimiser, falling(optimiser, STEPS), batch_size=64)


def elbo_training(vae, x, optimiser, rate, batch_size):
    """The training of a VAE on images x, which goes down the negative ELBO."""

    def step(x):
        optimiser.zero_grad()
        loss = vae(x)
        loss.backward()
        optimiser.step()
        rate.step()
        return {"loss": loss}

    return Training(step, x, [vae, optimiser, rate], batch_size=batch_size, seed=SEED, log_every=50, threads=1)


@torch.no_grad()
def measure(vae):
    x = (load_images("digits", "test").x > 0.5).float()
    random = torch.Generator().manual_seed(SEED)
    reconstruction, kl = torch.stack([torch.stack(vae.elbo(x, random)) for _ in range(20)]).mean(0)
    return {"test_negative_elbo": (kl - reconstruction).mean(), "test_kl": kl.mean()}

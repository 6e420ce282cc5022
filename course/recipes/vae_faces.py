"""A convolutional VAE with 16 latents on the course's faces, Gaussian likelihood with sigma = 0.1, for chapter 7."""

import torch

from course.data import load_images
from course.likelihood.vae import VAE, conv_decoder, conv_encoder
from course.recipes.vae_digits_plane import SEED, elbo_training
from course.training import falling

STEPS = 12_000


def network():
    encoder, decoder = conv_encoder(3, 16), conv_decoder(3, 16)
    return VAE((3, 32, 32), 16, "gaussian", sigma=0.1, encoder=encoder, decoder=decoder)


def training(vae):
    optimiser = torch.optim.Adam(vae.parameters(), lr=2e-3, fused=True)
    rate = falling(optimiser, STEPS, hold=1 / 3, last=0.01)
    return elbo_training(vae, load_images("faces", n=8000).x, optimiser, rate, batch_size=32)


@torch.no_grad()
def measure(vae):
    x = load_images("faces", "test").x
    mu, _ = vae.encode(x)
    reconstruction, kl = vae.elbo(x, torch.Generator().manual_seed(SEED))
    return {
        "test_negative_elbo": (kl - reconstruction).mean(),
        "test_kl": kl.mean(),
        "test_squared_error": ((vae.decode(mu) - x) ** 2).mean(),
    }

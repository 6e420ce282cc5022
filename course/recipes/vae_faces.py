"""A convolutional VAE with 16 latents on the course's faces, Gaussian likelihood with sigma = 0.1, for chapter 7."""

import torch

from course.data import load_images
from course.likelihood.vae import VAE, conv_decoder, conv_encoder
from course.training import Training, falling

SEED, STEPS = 0, 12_000


def network():
    encoder, decoder = conv_encoder(3, 16), conv_decoder(3, 16)
    return VAE((3, 32, 32), 16, "gaussian", sigma=0.1, encoder=encoder, decoder=decoder)


def training(vae):
    optimiser = torch.optim.Adam(vae.parameters(), lr=2e-3, fused=True)
    rate = falling(optimiser, STEPS, hold=1 / 3, last=0.01)

    def step(x):
        optimiser.zero_grad()
        loss = vae(x)
        loss.backward()
        optimiser.step()
        rate.step()
        return {"loss": loss}

    faces = load_images("faces", n=8000).x
    return Training(step, faces, [vae, optimiser, rate], batch_size=32, seed=SEED, log_every=50, threads=1)


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

"""A DCGAN of 16 x 16 digits, its generator with averaged weights and its discriminator, for chapter 10."""

import torch

from course.data import load_images
from course.gan.dcgan import dcgan_training, players
from course.gan.neighbours import nearest_images

SEED, STEPS = 0, 10_000


def network():
    return players((1, 16, 16), latent=16, width=24, discriminator_width=24)


def training(networks):
    return dcgan_training(networks, load_images("digits", size=16).x * 2 - 1, STEPS, SEED, penalty=0.05)


@torch.no_grad()
def measure(networks):
    """Distances to the nearest training image: of samples, and of digits that were held out."""
    x, held_out = (load_images("digits", split, size=16).x for split in ("train", "test"))
    G = networks["generator"].eval()
    made = G(torch.randn(360, G.latent, generator=torch.Generator().manual_seed(SEED))) / 2 + 0.5

    def distance(some):
        return torch.as_tensor(nearest_images(some.numpy(), x.numpy())[1]).median()

    return {"median_distance_to_training": distance(made), "median_distance_of_held_out_digits": distance(held_out)}

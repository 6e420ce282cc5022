"""A DCGAN of 32 x 32 faces, its generator with averaged weights and its discriminator, for chapter 10."""

import torch

from course.data import load_images
from course.gan.dcgan import dcgan_training, players
from course.likelihood.image_quality import frechet_distance
from course.likelihood.reader import Reader
from course.training import checkpoint

SEED, STEPS = 0, 7600


def network():
    return players((3, 32, 32), latent=32, width=24, discriminator_width=20)


def training(networks):
    return dcgan_training(networks, load_images("faces", n=8000).x * 2 - 1, STEPS, SEED)


@torch.no_grad()
def measure(networks):
    reader = checkpoint("faces_reader", Reader(), {})[0].eval()
    G = networks["generator"].eval()
    z = torch.randn(1000, G.latent, generator=torch.Generator().manual_seed(SEED))
    held_out = reader.features(load_images("faces", "test").x)
    return {
        "frechet_distance": frechet_distance(reader.features(G(z) / 2 + 0.5), held_out),
        "frechet_distance_of_real_faces": frechet_distance(reader.features(load_images("faces", n=1000).x), held_out),
    }

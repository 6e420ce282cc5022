"""pix2pix: line drawings to faces by a U-Net, with a discriminator of patches and 100 times L1, for chapter 11."""

import copy

import torch

from course.data import load_images
from course.data.faces import edges
from course.gan.pix2pix import PatchDiscriminator, UNet, play
from course.gan.tricks import average_into
from course.likelihood.image_quality import frechet_distance
from course.likelihood.reader import Reader, r_squared
from course.training import Training, checkpoint, falling

SEED, STEPS = 0, 2800
READ = ("smile", "yaw", "skin", "hair", "glasses", "beard", "woman")


def network():
    return UNet(1, 3, width=16)


def drawings(split, n=None):
    """Line drawings and the faces that they were drawn from, both in [-1, 1]."""
    faces = load_images("faces", split, n=n)
    return edges(faces.factors) * 2 - 1, faces.x * 2 - 1, faces.factors


def training(average):
    G, D = copy.deepcopy(average), PatchDiscriminator(1 + 3, width=16)
    for_G, for_D = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.99), fused=True) for net in (G, D))
    rates = [falling(player, STEPS) for player in (for_G, for_D)]

    def step(x, y):
        losses = play(G, D, for_G, for_D, x, y)
        for rate in rates:
            rate.step()
        average_into(average, G, 0.995)
        return losses

    keep = [average, G, D, for_G, for_D, *rates]
    return Training(step, drawings("train", 6000)[:2], keep, batch_size=32, seed=SEED, log_every=50, threads=1)


@torch.no_grad()
def measure(G):
    x, y, factors = drawings("test")
    reader = checkpoint("faces_reader", Reader(), {})[0].eval()
    made, true = torch.cat([G(part) for part in x.split(250)]) / 2 + 0.5, y / 2 + 0.5
    read = reader.read(made)
    return {
        "test_l1": (made - true).abs().mean(),
        "test_frechet": frechet_distance(reader.features(made), reader.features(true)),
        **{f"r_squared_{name}": r_squared(read[name], factors[name]) for name in READ},
    }

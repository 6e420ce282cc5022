"""A GAN that draws a face from its caption, trained on wrong pairs and on words read back as well, for chapter 11."""

import copy

import torch
from torch import nn

from course.data import load_images
from course.gan.captions import WORDS, describe, encode, held_out, right_groups, shortened, told
from course.gan.conditional import ConditionalDiscriminator, ConditionalGenerator, play_conditional
from course.gan.tricks import average_into
from course.likelihood.image_quality import frechet_distance
from course.likelihood.reader import Reader
from course.training import Training, checkpoint, falling

SEED, STEPS = 0, 7000
LATENT = 24


def network():
    return nn.ModuleDict(
        {
            "generator": ConditionalGenerator(len(WORDS), latent=LATENT, width=24),  # with averaged weights
            "discriminator": ConditionalDiscriminator(len(WORDS), width=24),
        }
    )


def training(networks, wrong_pairs=True, read_back=True, steps=STEPS):
    """The training; `generator` becomes the average of a generator that is trained beside it."""
    average, D = networks["generator"], networks["discriminator"]
    G = copy.deepcopy(average)
    for network in (G, D, average):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for_G, for_D = (torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.99), fused=True) for net in (G, D))
    rates = [falling(optimiser, steps) for optimiser in (for_G, for_D)]

    def step(x, c):
        c = shortened(c, 0.15)
        z = torch.randn(len(x), average.latent)
        mask = told(c) if read_back else None
        x = x.contiguous(memory_format=torch.channels_last)
        turn = rates[0].last_epoch
        values = play_conditional(G, D, for_G, for_D, x, c, z, wrong_pairs, mask, 4.0 * (turn % 8 == 0))
        average_into(average, G, min(0.998, (turn + 1) / (turn + 10)))
        for rate in rates:
            rate.step()
        return values

    data = seen_in_training()
    return Training(step, data, [G, D, average, for_G, for_D, *rates], 32, seed=SEED, log_every=50, threads=1)


def seen_in_training():
    """Images in [-1, 1] and their captions as vectors, without the combinations that are held out."""
    faces = load_images("faces", n=8000)
    c = encode(describe(faces.factors))
    rows = ~held_out(c)
    return faces.x[rows] * 2 - 1, c[rows]


@torch.no_grad()
def measure(networks):
    return score(networks["generator"])


@torch.no_grad()
def score(G):
    """Of 1,000 test captions: the distance to the test faces, words obeyed in all and in captions never seen."""
    reader, _ = checkpoint("faces_reader", Reader(), {})
    reader.eval()
    faces = load_images("faces", "test")
    c = encode(describe(faces.factors))
    made = G.eval()(torch.randn(len(c), G.latent, generator=torch.Generator().manual_seed(SEED)), c) / 2 + 0.5
    seen = encode(describe(reader.read(made)))
    new = held_out(c)
    return {
        "frechet_distance": frechet_distance(reader.features(made), reader.features(faces.x)),
        **{f"right_{name}": share for name, share in right_groups(c, seen).items()},
        **{f"right_{name}_unseen": share for name, share in right_groups(c[new], seen[new]).items()},
    }

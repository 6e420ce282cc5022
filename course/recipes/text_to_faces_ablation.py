"""Four equally short trainings of text to image, with and without wrong pairs and words read back, for chapter 11."""

import torch
from torch import nn

from course.gan.captions import WORDS
from course.gan.conditional import ConditionalDiscriminator, ConditionalGenerator
from course.recipes import text_to_faces
from course.training import Training

SEED, STEPS = 0, 800
VARIANTS = {  # wrong pairs, words read back
    "right pairs only": (False, False),
    "wrong pairs": (True, False),
    "read back": (False, True),
    "wrong pairs, read back": (True, True),
}


def network():
    return nn.ModuleDict({name: ConditionalGenerator(len(WORDS), latent=16, width=12) for name in VARIANTS})


def training(generators):
    """All four side by side, on the same batches."""
    four = []
    for name, (wrong_pairs, read_back) in VARIANTS.items():
        torch.manual_seed(SEED)
        networks = {"generator": generators[name], "discriminator": ConditionalDiscriminator(len(WORDS), width=12)}
        four.append(text_to_faces.training(networks, wrong_pairs, read_back, steps=STEPS))

    def step(x, c):
        return {name: one.step(x, c)["generator"] for name, one in zip(VARIANTS, four, strict=True)}

    keep = [part for one in four for part in one.keep]
    return Training(step, four[0].batches.data, keep, 32, seed=SEED, log_every=50, threads=1)


def measure(generators):
    """What `text_to_faces` measures, of each."""
    return {
        f"{name.replace(', ', '_').replace(' ', '_')}_{what}": value
        for name in VARIANTS
        for what, value in text_to_faces.score(generators[name]).items()
        if not what.endswith("unseen")
    }

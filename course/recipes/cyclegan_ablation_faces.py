"""Three short trainings of a smaller CycleGAN: whole, without identity loss, without cycle loss, for chapter 11."""

import torch
from torch import nn

from course.recipes import cyclegan_faces
from course.training import Training

SEED, STEPS, WIDTH = 0, 800, 8
WEIGHTS = {"all": (10.0, 2.0), "no identity": (10.0, 0.0), "no cycle": (0.0, 2.0)}


def network():
    torch.manual_seed(SEED)
    first = cyclegan_faces.network(WIDTH)
    others = nn.ModuleDict({name: cyclegan_faces.network(WIDTH) for name in WEIGHTS})
    for nets in others.values():
        nets.load_state_dict(first.state_dict())  # all start alike
    return others


def training(variants):
    """One training that takes the step of each variant in turn, on the same batches."""
    trainings = []
    for name, (cycle, identity) in WEIGHTS.items():
        torch.manual_seed(SEED)  # the discriminators start alike too
        trainings.append(cyclegan_faces.training(variants[name], cycle, identity, STEPS, WIDTH))

    def step(a, b):
        return {
            f"{name}: {loss}": value
            for name, one in zip(WEIGHTS, trainings, strict=True)
            for loss, value in one.step(a, b).items()
        }

    keep = [part for one in trainings for part in one.keep]
    return Training(step, trainings[0].batches.data, keep, batch_size=8, seed=SEED, log_every=50, threads=1)


def measure(variants):
    found = {name: cyclegan_faces.measure(nets) for name, nets in variants.items()}
    shown = ("on_glasses", "off_glasses", "on_l1_to_truth", "off_l1_to_truth", "on_l1_of_arrived", "off_l1_of_arrived")
    return {f"{name.replace(' ', '_')}_{what}": values[what] for name, values in found.items() for what in shown}

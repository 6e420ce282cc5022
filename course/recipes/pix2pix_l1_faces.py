"""The U-Net of pix2pix_faces trained as long with L1 alone, without a discriminator, for chapter 11."""

import copy

import torch

from course.gan.tricks import average_into
from course.recipes.pix2pix_faces import SEED, STEPS, drawings, measure, network
from course.training import Training, falling

__all__ = ["SEED", "STEPS", "measure", "network", "training"]


def training(average):
    G = copy.deepcopy(average)
    optimiser = torch.optim.Adam(G.parameters(), 1e-3, (0.5, 0.99), fused=True)
    rate = falling(optimiser, STEPS)

    def step(x, y):
        loss = (G(x) - y).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        average_into(average, G, 0.995)
        return {"distance": loss}

    data = drawings("train", 6000)[:2]
    return Training(step, data, [average, G, optimiser, rate], batch_size=32, seed=SEED, log_every=50, threads=1)

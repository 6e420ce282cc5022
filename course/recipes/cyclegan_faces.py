"""CycleGAN: glasses put on faces, and taken off, from unpaired faces of different people, for chapter 11."""

import copy

import torch
from torch import nn

from course.gan.cyclegan import counterfactual, play, unpaired
from course.gan.pix2pix import PatchDiscriminator, UNet
from course.gan.tricks import average_into
from course.likelihood.reader import Reader, r_squared
from course.training import Training, checkpoint, falling

SEED, STEPS = 0, 2200
FACTOR = "glasses"
KEPT = ("smile", "yaw", "skin", "hair", "light", "width", "beard", "woman")


def network(width=16):
    """G puts on, F takes off; the weights are averaged over the last rounds."""
    return nn.ModuleDict({"G": UNet(3, 3, width, change=True), "F": UNet(3, 3, width, change=True)})


def training(average, cycle=10.0, identity=2.0, steps=STEPS, width=16):
    generators = copy.deepcopy(average)
    judges = nn.ModuleList(PatchDiscriminator(3, width) for _ in range(2))
    players = [torch.optim.Adam(nets.parameters(), 1e-3, (0.5, 0.99), fused=True) for nets in (generators, judges)]
    rates = [falling(player, steps) for player in players]

    def step(a, b):
        nets = generators["G"], generators["F"], judges[0], judges[1]
        losses = play(*nets, players[0], players[1], a, b, cycle, identity)
        for rate in rates:
            rate.step()
        average_into(average, generators, 0.995)
        return losses

    a, b, _ = unpaired(4000, FACTOR)
    keep = [average, generators, judges, *players, *rates]
    return Training(step, (a, b), keep, batch_size=8, seed=SEED, log_every=50, threads=1)


@torch.no_grad()
def measure(generators):
    """On 500 new people each: how often glasses are read, the L1 distances in [0, 1], and what was kept (R squared)."""
    reader = checkpoint("faces_reader", Reader(), {})[0].eval()
    a, b, people = unpaired(500, FACTOR, seed=300)
    G, F = generators["G"], generators["F"]
    found = {}
    for name, x, factors, go, back in (("on", a, people[0], G, F), ("off", b, people[1], F, G)):
        made, true = go(x), counterfactual(factors, FACTOR)
        read = reader.read(made / 2 + 0.5)
        found[f"{name}_glasses"] = (read["glasses"] > 0.5).float().mean()
        found[f"{name}_l1_to_truth"] = (made - true).abs().mean() / 2
        found[f"{name}_l1_of_doing_nothing"] = (x - true).abs().mean() / 2
        found[f"{name}_l1_of_cycle"] = (back(made) - x).abs().mean() / 2
        found[f"{name}_l1_of_arrived"] = (back(x) - x).abs().mean() / 2
        found |= {f"{name}_r_squared_{factor}": r_squared(read[factor], factors[factor]) for factor in KEPT}
    return found

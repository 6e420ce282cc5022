"""Training a DCGAN: images per second of our loop, and of the loops of two public codes, for the same two networks.

    python -m benchmarks.gan_speed                 width 16, batches of 32, one thread, five rounds of all in turn
    python -m benchmarks.gan_speed --batch 64 --width 24 --repeats 9

The networks are those of course.gan.dcgan for 32 x 32 faces; the loops differ, not what they compute: one step of the
discriminator and one of the generator with the same loss. Each loop goes through the same faces; they take turns, so
that a busy machine disturbs all alike. Printed are medians over the rounds, and their ratio to the fastest public one;
for CPU seconds those of the data loader's workers are counted too.

The public loops are written anew here from their structure, with all that only reports left out:

    PyTorch's DCGAN example, https://github.com/pytorch/examples/tree/main/dcgan (main.py): a shuffling DataLoader, with
    2 workers as is its default, or with none; sigmoid and BCELoss; real and generated images in passes of their own,
    each with its backward; plain Adam; means that are read as numbers at every step
    PyTorch-GAN by E. Linder-Noren, https://github.com/eriklindernoren/PyTorch-GAN (implementations/dcgan): a DataLoader
    without workers; noise from NumPy; the generator's step first; one backward for the discriminator; losses that are
    read at every step

In their favour the faces are in memory already: theirs read and decode image files. Our loop is `Training` with
`course.gan.game.play`: batches cut from one tensor, fused Adam, channels_last, a discriminator without gradients of its
own in the generator's step. The last row is the course's recipe with all that it adds: averaged weights, falling rates,
and the slope penalty on every eighth step.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from course.data import load_images
from course.gan.dcgan import Discriminator, Generator, dcgan_training
from course.gan.game import play
from course.training import Training

LATENT = 64
Loop = Callable[[], int]  # trains on all faces once; returns how many it took


def networks(width: int) -> tuple[Generator, Discriminator]:
    torch.manual_seed(0)
    return Generator((3, 32, 32), LATENT, width), Discriminator((3, 32, 32), width)


def pytorch_example(x: Tensor, width: int, batch: int, workers: int) -> Loop:
    G, D = networks(width)
    loader = DataLoader(TensorDataset(x, torch.zeros(len(x))), batch, shuffle=True, num_workers=workers)
    criterion = nn.BCELoss()
    for_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def epoch() -> int:
        for real, _ in loader:
            D.zero_grad()
            label = torch.full((len(real),), 1.0)
            output = torch.sigmoid(D(real)).view(-1)
            error_real = criterion(output, label)
            error_real.backward()
            output.mean().item()
            fake = G(torch.randn(len(real), LATENT))
            label.fill_(0.0)
            output = torch.sigmoid(D(fake.detach())).view(-1)
            error_fake = criterion(output, label)
            error_fake.backward()
            output.mean().item()
            for_D.step()

            G.zero_grad()
            label.fill_(1.0)
            output = torch.sigmoid(D(fake)).view(-1)
            error = criterion(output, label)
            error.backward()
            output.mean().item()
            for_G.step()
            (error_real + error_fake).item(), error.item()
        return len(x)

    return epoch


def pytorch_gan(x: Tensor, width: int, batch: int) -> Loop:
    G, D = networks(width)
    loader = DataLoader(TensorDataset(x, torch.zeros(len(x))), batch, shuffle=True)
    loss = nn.BCELoss()
    for_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    random = np.random.default_rng(0)

    def epoch() -> int:
        for images, _ in loader:
            valid, fake = torch.ones(len(images), 1), torch.zeros(len(images), 1)
            for_G.zero_grad()
            made = G(torch.tensor(random.normal(0, 1, (len(images), LATENT)), dtype=torch.float32))
            g_loss = loss(torch.sigmoid(D(made)), valid)
            g_loss.backward()
            for_G.step()

            for_D.zero_grad()
            of_real = loss(torch.sigmoid(D(images)), valid)
            of_made = loss(torch.sigmoid(D(made.detach())), fake)
            d_loss = (of_real + of_made) / 2
            d_loss.backward()
            for_D.step()
            d_loss.item(), g_loss.item()
        return len(x)

    return epoch


def ours(x: Tensor, width: int, batch: int) -> Loop:
    G, D = (network.to(memory_format=torch.channels_last) for network in networks(width))
    g, d = (torch.optim.Adam(one.parameters(), 2e-4, betas=(0.5, 0.999), fused=True) for one in (G, D))

    def step(real: Tensor) -> dict[str, Tensor]:
        real = real.contiguous(memory_format=torch.channels_last)
        return play(G, D, g, d, real, torch.randn(len(real), LATENT))

    return _epochs(Training(step, x, [G, D, g, d], batch_size=batch), len(x), batch)


def recipe(x: Tensor, width: int, batch: int) -> Loop:
    G, D = networks(width)
    training = dcgan_training(nn.ModuleDict({"generator": G, "discriminator": D}), x, 10_000, batch_size=batch)
    return _epochs(training, len(x), batch)


def _epochs(training: Training, n: int, batch: int) -> Loop:
    def epoch() -> int:
        training.run(training.done + n // batch, show=False)
        return n // batch * batch

    return epoch


def timed(loop: Loop) -> tuple[float, float]:
    """Images per second of wall clock, and per second of processor time, its workers' included."""
    began, busy = time.perf_counter(), os.times()
    images = loop()
    wall, now = time.perf_counter() - began, os.times()
    cpu = sum(now[:4]) - sum(busy[:4])
    return images / wall, images / max(cpu, 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--faces", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    x = load_images("faces", n=chosen.faces).x * 2 - 1
    settings = (x, chosen.width, chosen.batch)
    loops = {
        "PyTorch's example, no workers": pytorch_example(*settings, workers=0),
        "PyTorch's example, 2 workers": pytorch_example(*settings, workers=2),
        "PyTorch-GAN": pytorch_gan(*settings),
        "ours": ours(*settings),
        "ours, the recipe": recipe(*settings),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for turn in range(chosen.repeats + 1):
        for name, loop in loops.items():
            speed = timed(loop)
            if turn:  # the first round warms up
                found[name].append(speed)
    medians = {name: np.median(speeds, axis=0) for name, speeds in found.items()}
    best = np.max([speed for name, speed in medians.items() if not name.startswith("ours")], axis=0)
    about = (
        f"width {chosen.width}, batch {chosen.batch}, {chosen.threads} thread(s), {chosen.repeats} rounds of {len(x)}"
    )
    print(f"{about}\n{'':32}images a second    ratio   images a CPU second   ratio")
    for name, (wall, cpu) in medians.items():
        print(f"{name:32}{wall:15.0f}{wall / best[0]:9.2f}{cpu:22.0f}{cpu / best[1]:8.2f}")


if __name__ == "__main__":
    main()

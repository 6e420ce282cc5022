"""Attacks on one network: success rates and seconds, ours against a library's, and against an adversary that is exact.

    python -m benchmarks.attacks            about a minute of processor time, one thread

The network is a small one for the 8 x 8 digits, trained here, so that every number can be had again. Beside ours stands
the Adversarial Robustness Toolbox, where it is installed (`pip install adversarial-robustness-toolbox`; it is no
dependency of the course). Without it, the lines of ours and the exact adversaries are printed alone.

success   the share of the test images that are answered wrongly after the attack; larger is a stronger attack
kept      the largest change, over the budget: at most 1
CPU s     processor time for the 360 test images, one thread
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course.data import load_images
from course.robust import attacks
from course.robust.objectives import worst_perturbation
from course.training import Training

BUDGETS = {"linf": (0.05, 0.1, 0.2), "l2": (0.25, 0.5, 1.0)}
STEPS = 20


def trained(delta: float, steps: int) -> nn.Module:
    data = load_images("digits")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step(x: Tensor, y: Tensor) -> dict:
        x = attacks.pgd(model, x, y, delta, steps=5, seed=None) if delta else x
        loss = attacks.cross_entropy(model(x), y).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {"loss": loss}

    Training(step, (data.x, data.y), [model, optimiser], batch_size=128).run(steps, show=False)
    return model


def library(model: nn.Module) -> Callable | None:
    """(x, y, delta, norm, steps) -> attacked images by the Adversarial Robustness Toolbox; None where it is missing."""
    try:
        from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent
        from art.estimators.classification import PyTorchClassifier
    except ImportError:
        return None
    logging.getLogger("art").setLevel(logging.ERROR)
    wrapped = PyTorchClassifier(model, nn.CrossEntropyLoss(), (1, 8, 8), 10, clip_values=(0.0, 1.0), device_type="cpu")

    def attack(x: Tensor, y: Tensor, delta: float, norm: str, steps: int) -> Tensor:
        order = np.inf if norm == "linf" else 2
        if steps == 1:
            made = FastGradientMethod(wrapped, norm=order, eps=delta, batch_size=len(x))
        else:
            made = ProjectedGradientDescent(
                wrapped, norm=order, eps=delta, eps_step=2.5 * delta / steps, max_iter=steps, num_random_init=1,
                batch_size=len(x), verbose=False,
            )  # fmt: skip
        return torch.as_tensor(made.generate(x.numpy(), np.eye(10)[y.numpy()]))

    return attack


def line(
    name: str, model: nn.Module, x: Tensor, y: Tensor, delta: float, norm: str, attack: Callable[[], Tensor]
) -> str:
    start = time.process_time()
    made = attack()
    seconds = time.process_time() - start
    size = (made - x).flatten(1).norm(math.inf if norm == "linf" else 2, dim=1).max() / delta
    return f"  {name:26}{1 - attacks.accuracy(model, made, y):9.3f}{float(size):8.3f}{seconds:9.2f}"


def on_a_network(model: nn.Module) -> None:
    test = load_images("digits", "test")
    x, y = test.x, test.y
    peer = library(model)
    print(f"  without an attack {1 - attacks.accuracy(model, x, y):17.3f}")
    for norm, budgets in BUDGETS.items():
        for delta in budgets:
            print(f" {norm}, delta = {delta}{'success':>{24 - len(str(delta)) - len(norm)}}{'kept':>8}{'CPU s':>9}")
            runs = {"noise": lambda d=delta, n=norm: attacks.noise(x, d, n)}
            if norm == "linf":
                runs["FGSM"] = lambda d=delta: attacks.fgsm(model, x, y, d)
                if peer:
                    runs["FGSM, ART"] = lambda d=delta: peer(x, y, d, "linf", 1)
            runs[f"PGD, {STEPS} steps"] = lambda d=delta, n=norm: attacks.pgd(model, x, y, d, n, steps=STEPS)
            if peer:
                runs[f"PGD, {STEPS} steps, ART"] = lambda d=delta, n=norm: peer(x, y, d, n, STEPS)
            runs["PGD, 5 starts of 50 steps"] = lambda d=delta, n=norm: attacks.pgd(
                model, x, y, d, n, steps=50, restarts=5
            )
            for name, attack in runs.items():
                print(line(name, model, x, y, delta, norm, attack), flush=True)
    if peer is None:
        print("  The library's lines are missing: pip install adversarial-robustness-toolbox")


def against_exact_adversaries() -> None:
    """The share of the exact adversary's gain in loss that PGD reaches: a linear model, and networks in the plane."""
    random = torch.Generator().manual_seed(0)
    w = torch.randn(64, generator=random)
    x, y = 0.3 + 0.4 * torch.rand(200, 64, generator=random), torch.randint(0, 2, (200,), generator=random)

    def linear(x: Tensor) -> Tensor:
        return torch.stack([-(x @ w), x @ w], dim=1) / 2

    for norm in attacks.NORMS:
        exact = x + torch.tensor(
            np.stack([worst_perturbation(w.numpy(), 2 * k - 1, 0.2, norm) for k in y.tolist()]), dtype=torch.float32
        )
        gains = [
            (attacks.cross_entropy(linear(made), y) - attacks.cross_entropy(linear(x), y)).mean()
            for made in (attacks.pgd(linear, x, y, 0.2, norm, steps=STEPS), exact)
        ]
        print(
            f"  linear model in 64 dimensions, {norm:4}: {float(gains[0] / gains[1]):.4f} of the exact adversary's gain"
        )

    ticks = torch.linspace(-0.3, 0.3, 241)
    square = torch.cartesian_prod(ticks, ticks)
    for norm in attacks.NORMS:
        ball = square if norm == "linf" else square[square.norm(dim=1) <= 0.3]
        for restarts in (1, 20):
            shares = []
            for seed in range(20):
                torch.manual_seed(seed)
                model = nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 3))
                origin, label = torch.full((1, 2), 0.5), torch.tensor([seed % 3])
                made = attacks.pgd(model, origin, label, 0.3, norm, steps=50, restarts=restarts)
                with torch.no_grad():
                    start, got = attacks.cross_entropy(model(torch.cat([origin, made])), label.expand(2))
                    best = attacks.cross_entropy(model(origin + ball), label.expand(len(ball))).max()
                shares.append(float((got - start) / (best - start)))
            print(
                f"  20 ReLU networks in the plane, {norm:4}, {restarts:2} start(s): median {np.median(shares):.4f}, "
                f"least {min(shares):.4f} of what the best of a grid gains"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=600, help="training steps of the networks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("Exact adversaries")
    against_exact_adversaries()
    for delta in (0.0, 0.2):
        print(f"\nA network for digits, {'trained plainly' if not delta else f'trained by PGD at {delta}'}")
        on_a_network(trained(delta, options.steps))


if __name__ == "__main__":
    main()

"""Densities: bits per dimension and CPU seconds of every explicit model, beside scikit-learn's.

python -m benchmarks.densities        (about three minutes)

Digits: binarised at one half, 1,437 to train on and 360 held out, the same for all. An RBM's partition function is
known exactly, for ours and for scikit-learn's: 16 hidden bits, 2^16 terms. Ring: eight Gaussians in the plane, 20,000
points and 1,800 held out, and the Kullback-Leibler divergence from the known density, in nats. Bounds are marked with
<=. One thread, seeds 0. A ratio is of CPU seconds, training and answers together, each measured once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB
from sklearn.neighbors import KernelDensity
from sklearn.neural_network import BernoulliRBM
from torch import nn

from course.data import load_images
from course.likelihood import autoregressive, flow, mixture, rbm
from course.likelihood.vae import VAE, importance_weighted_bound
from course.training import Training

ROW = "{:34}{:>10}{:>9}{:>9}   {}"


def trained(network: nn.Module, loss: Callable, data: torch.Tensor, n: int, lr: float, batch_size: int = 64) -> None:
    """The chapter's training: Adam, the rate falling to nothing."""
    optimiser = torch.optim.Adam(network.parameters(), lr)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=n)

    def step(x):
        value = loss(x)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        falling.step()
        return {"loss": value}

    Training(step, data, [network, optimiser, falling], batch_size).run(n, show=False)


def trained_rbm(machine: rbm.RBM, data: torch.Tensor, n: int, lr: float, chain: int) -> None:
    optimiser = torch.optim.Adam(machine.parameters(), lr)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, total_iters=n)

    def step(v):
        gradients = rbm.contrastive_gradient(v, machine.gibbs(v, chain), machine.W, machine.c)
        for parameter, gradient in zip((machine.W, machine.b, machine.c), gradients, strict=True):
            parameter.grad = -gradient
        optimiser.step()
        falling.step()
        return {"lr": falling.get_last_lr()[0]}

    Training(step, data, [machine, optimiser, falling], 64).run(n, show=False)


def bits(log_p: torch.Tensor) -> float:
    return -float(log_p.double().mean()) / 64 / math.log(2)


def digits(X: torch.Tensor, X_test: torch.Tensor) -> dict[str, tuple[Callable[[], float], str]]:
    """{name: (train and give bits per dimension on X_test, a remark)}."""
    p = (X.sum(dim=0) + 1) / (len(X) + 2)

    def independent() -> float:
        q = (X.sum(dim=0) + 1) / (len(X) + 2)
        return bits((X_test * q.log() + (1 - X_test) * (1 - q).log()).sum(dim=1))

    def bernoulli_nb() -> float:
        library = BernoulliNB().fit(X.numpy(), np.zeros(len(X)))  # one class: independent pixels
        return bits(torch.as_tensor(library._joint_log_likelihood(X_test.numpy())[:, 0]))

    def made() -> float:
        model = autoregressive.MADE(64, 256)
        trained(model, lambda x: -model.log_prob(x).mean(), X, 1800, 3e-3)
        return bits(model.log_prob(X_test).detach())

    def pixelcnn() -> float:
        model = autoregressive.PixelCNN(8)
        trained(model, lambda x: -model.log_prob(x).mean(), X, 900, 5e-3)
        return bits(model.log_prob(X_test).detach())

    def coupling_flow() -> float:
        model = flow.Flow(64, layers=6, hidden=64)

        def filled(x):
            return flow.logit(flow.dequantise(x, 2), edge=0.05)

        trained(model, lambda x: -model.log_prob(filled(x)[0]).mean(), X, 700, 4e-3)
        with torch.no_grad():
            draws = [(a, log_det) for a, log_det in (filled(X_test) for _ in range(50))]
            return bits(torch.stack([model.log_prob(a) + ld for a, ld in draws]).mean(dim=0) - 64 * math.log(2))

    def vae(tighter: bool) -> float:
        model = VAE((64,), 12, "bernoulli", hidden=(256,))
        trained(model, model, X, 1200, 3e-3)
        with torch.no_grad():
            log_w = model.log_weights(X_test, K=100)
        return bits(importance_weighted_bound(log_w) if tighter else log_w.mean(dim=0))

    def machine() -> float:
        model = rbm.RBM(64, 16)
        model.b.data = torch.logit(p)
        trained_rbm(model, X, 1500, 0.01, chain=3)
        return bits(model.log_prob(X_test))

    def library_machine(rate: float, epochs: int) -> float:
        library = BernoulliRBM(16, learning_rate=rate, batch_size=64, n_iter=epochs, random_state=0).fit(X.numpy())
        model = rbm.RBM(64, 16)
        model.W.data = torch.as_tensor(library.components_.T).float()
        model.b.data = torch.as_tensor(library.intercept_visible_).float()
        model.c.data = torch.as_tensor(library.intercept_hidden_).float()
        return bits(model.log_prob(X_test))

    return {
        "independent pixels": (independent, ""),
        "scikit-learn BernoulliNB, 1 class": (bernoulli_nb, "the same model"),
        "MADE, 256 units": (made, ""),
        "PixelCNN, 16 channels": (pixelcnn, ""),
        "flow, 6 layers": (coupling_flow, "<=, by dequantisation"),
        "VAE, 12 latents: ELBO": (lambda: vae(False), "<="),
        "VAE, 12 latents: 100 samples": (lambda: vae(True), "<="),
        "RBM, 16 hidden bits": (machine, "exact, Z by enumeration"),
        "scikit-learn BernoulliRBM, default": (lambda: library_machine(0.1, 10), "rate 0.1, 10 epochs"),
        "scikit-learn BernoulliRBM, 67 epochs": (lambda: library_machine(0.1, 67), "rate 0.1, as many steps as ours"),
        "scikit-learn BernoulliRBM, slower": (lambda: library_machine(0.02, 67), "rate 0.02, as many steps as ours"),
    }


def plane(ring: torch.Tensor, held_out: torch.Tensor) -> dict[str, tuple[Callable[[], float], str]]:
    """{name: (train and give the divergence on held_out, a remark)}."""
    truth, b, b_test = mixture.log_ring(held_out).double(), mixture.encode(ring), mixture.encode(held_out)

    def gap(log_p) -> float:
        return float((truth - torch.as_tensor(log_p).double()).mean())

    def made() -> float:
        model = autoregressive.MADE(10, 64)
        trained(model, lambda x: -model.log_prob(x).mean(), b, 1000, 1e-2, 200)
        return gap(model.log_prob(b_test).detach() - 2 * math.log(mixture.CELL))

    def coupling_flow() -> float:
        model = flow.Flow(2, layers=6, hidden=32)
        trained(model, lambda x: -model.log_prob(x).mean(), ring, 800, 5e-3, 256)
        return gap(model.log_prob(held_out).detach())

    def kernel() -> float:
        return gap(KernelDensity(bandwidth=0.1).fit(ring.numpy()).score_samples(held_out.numpy()))

    def gaussians(k: int) -> float:
        library = GaussianMixture(k, random_state=0).fit(ring.numpy())
        return gap(library.score_samples(held_out.numpy()))

    return {
        "MADE on 10 bits": (made, "32 x 32 cells"),
        "flow, 6 layers": (coupling_flow, ""),
        "scikit-learn KernelDensity": (kernel, "bandwidth 0.1; seconds with its 1,800 answers"),
        "scikit-learn GaussianMixture, 8": (lambda: gaussians(8), "told the number of modes"),
        "scikit-learn GaussianMixture, 4": (lambda: gaussians(4), ""),
    }


def table(title: str, unit: str, models: dict, yardstick: str) -> None:
    """Print value and seconds of each model, and the seconds over those of the yardstick."""
    found = {}
    for name, (run, _) in models.items():
        torch.manual_seed(0)
        began = time.process_time()
        value = run()
        found[name] = value, time.process_time() - began
    print(f"\n{title}\n{ROW.format('', unit, 's', 'ratio', '')}")
    for name, (value, seconds) in found.items():
        ratio = seconds / found[yardstick][1]
        print(ROW.format(name, f"{value:.4f}", f"{seconds:.2f}", f"{ratio:.2f}", models[name][1]).rstrip())


def main() -> None:
    torch.set_num_threads(1)
    X, X_test = ((load_images("digits", part).x.flatten(1) > 0.5).float() for part in ("train", "test"))
    table("Binarised digits, held out", "bits/dim", digits(X, X_test), "scikit-learn BernoulliRBM, 67 epochs")
    ring, held_out = mixture.ring(20_000, seed=0), mixture.ring(1_800, seed=1)
    table("Ring of eight Gaussians, held out", "KL, nats", plane(ring, held_out), "scikit-learn KernelDensity")


if __name__ == "__main__":
    main()

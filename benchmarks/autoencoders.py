"""Autoencoders with eight numbers a digit: the lecture's four, PCA, and scikit-learn's MLPRegressor as autoencoder.

    python -m benchmarks.autoencoders             one seed, about a minute on one core
    python -m benchmarks.autoencoders --seeds 3

All see the same 1,437 digits of 8 x 8 pixels, batches of 64, Adam, and one thread; the steps are those of the chapter,
and MLPRegressor gets as many epochs as make the same number of steps, with the layers of the deep one (its ReLU stands
on the code as well, which it does not let one leave out) and at its own constant learning rate: there is no other for
Adam. error: mean squared error of a pixel, trained on and held out; ratio: held out over PCA's. CPU s: processor
seconds; us a step: microseconds of it for a batch.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from course.data import load_images
from course.likelihood import autoencoder
from course.training import Training

K, BATCH = 8, 64
OURS = {  # network, steps, learning rate: those of the chapter
    "linear": (autoencoder.linear, 1000, 1e-2),
    "sigmoid": (autoencoder.sigmoid, 1000, 2e-2),
    "deep": (autoencoder.deep, 1500, 3e-3),
    "convolutional": (autoencoder.convolutional, 1200, 5e-3),
}


def ours(make, steps: int, lr: float, x: torch.Tensor, seed: int):
    """A trained network, as a function from images to reconstructions."""
    torch.manual_seed(seed)
    network = make(tuple(x.shape[1:]), K)
    optimiser = torch.optim.Adam(network.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def step(x):
        optimiser.zero_grad()
        loss = ((network(x) - x) ** 2).mean()
        loss.backward()
        optimiser.step()
        schedule.step()
        return {"loss": loss}

    Training(step, x, keep=[network, optimiser, schedule], batch_size=BATCH, seed=seed, threads=1).run(
        steps, show=False
    )
    return lambda images: network(images).detach().flatten(1).numpy()


def scikit_learn(hidden: tuple, activation: str, steps: int, lr: float, x: torch.Tensor, seed: int):
    X = x.flatten(1).numpy()
    epochs = round(steps / np.ceil(len(X) / BATCH))
    network = MLPRegressor(
        hidden_layer_sizes=hidden,
        activation=activation,
        alpha=0,  # no weight decay
        batch_size=BATCH,
        learning_rate_init=lr,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    network.fit(X, X)
    return lambda images: network.predict(images.flatten(1).numpy())


def pca(x: torch.Tensor):
    found = PCA(K).fit(x.flatten(1).numpy())
    return lambda images: found.inverse_transform(found.transform(images.flatten(1).numpy()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    seeds = range(parser.parse_args().seeds)
    torch.set_num_threads(1)
    threadpool_limits(1)
    warnings.simplefilter("ignore", ConvergenceWarning)
    x, held_out = load_images("digits").x, load_images("digits", "test").x

    runs = {"PCA": (None, lambda seed: pca(x))}
    for name, (make, steps, lr) in OURS.items():
        runs[name] = (steps, lambda seed, make=make, steps=steps, lr=lr: ours(make, steps, lr, x, seed))
    for name, hidden, activation, like in (
        ("MLPRegressor linear", (K,), "identity", "linear"),
        ("MLPRegressor deep", (128, 64, K, 64, 128), "relu", "deep"),
    ):
        _, steps, lr = OURS[like]
        runs[name] = (
            steps,
            lambda seed, h=hidden, a=activation, s=steps, lr=lr: scikit_learn(h, a, s, lr, x, seed),
        )
    ours(autoencoder.linear, 20, 1e-2, x, 0)  # what is imported on first use is not counted

    print(f"{'':22}{'steps':>6}{'trained on':>12}{'held out':>10}{'ratio':>7}{'CPU s':>8}{'us a step':>11}")
    result = {}
    for name, (steps, run) in runs.items():
        rows = []
        for seed in seeds:
            began = time.process_time()
            copy = run(seed)
            seconds = time.process_time() - began
            rows.append([*(((copy(i) - i.flatten(1).numpy()) ** 2).mean() for i in (x, held_out)), seconds])
        trained, tested, seconds = np.mean(rows, axis=0)
        result[name] = tested, seconds
        each = "" if steps is None else f"{1e6 * seconds / steps:11.0f}"
        ratio = tested / result["PCA"][0]
        print(f"{name:22}{steps or '':>6}{trained:12.5f}{tested:10.5f}{ratio:7.2f}{seconds:8.2f}{each}", flush=True)
    for like in ("linear", "deep"):
        (error, seconds), (their_error, their_seconds) = result[like], result[f"MLPRegressor {like}"]
        print(
            f"{like}, ours over MLPRegressor's: held-out error {error / their_error:.2f}, "
            f"CPU seconds {seconds / their_seconds:.2f}"
        )


if __name__ == "__main__":
    main()

"""GAN training on the ring of eight Gaussians: every loss, every trick by itself, failures and their cures, the recipe.

    python -m benchmarks.gan_ring            ten seeds: half an hour of processor time
    python -m benchmarks.gan_ring --quick    two seeds
    python -m benchmarks.gan_ring --only recipe losses
    python -m benchmarks.gan_ring --write    also keeps the rows in data/ring/table.csv, which chapter 9 draws

One thread. Networks with two hidden layers of 64, batches of 128, Adam with rate 0.001 and beta1 = 0.5 unless a row
says otherwise; 400 rounds, the recipe 800. found: modes of 8 with at least a tenth of their fair share of good samples,
mean and least over seeds; good: share of samples within three standard deviations of a centre (the data: 0.989); KL:
from the counts of the modes to equal counts, in nats; TV: total variation distance to the data on squares of side 1/2
(the data against themselves: 0.06); s: processor seconds for one training. The settings of failures, cures and recipe
were chosen on seeds 100 to 104; the seeds here are 0 to 9.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import time
from typing import Any

import numpy as np
import torch

from course.files import write, write_bytes
from course.gan import ring
from course.gan.losses import LOSSES
from course.paths import data_folder

ROUNDS = 400
HURRIED: dict[str, Any] = {"rate": 5e-3, "beta1": 0.9}
STRONG: dict[str, Any] = {"k": 5, "head_start": 200}
TRICKS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a fifth of the rate": {"rate": 1e-3},
    "beta1 = 0.5": {"beta1": 0.5},
    "beta1 = 0": {"beta1": 0.0},
    "rates fall to 0": {"falling": True},
    "two time scales, D 4 times": {"rate_factor": 4.0},
    "two steps of D": {"k": 2},
    "averaged weights": {"average": 0.99},
    "labels 0.9 and 0": {"up": 0.9},
    "labels 0.9 and 0.1": {"up": 0.9, "low": 0.1},
    "noise that fades": {"sigma": 0.5},
    "penalty, slope 0 at data": {"slope_zero": 1.0},
    "penalty, slope 1 between": {"slope_one": 1.0},
    "spectral normalisation": {"spectral": True},
    "spread of the batch": {"spread": True},
    "batch norm, apart": {"batch_norm": "apart"},
    "batch norm, together": {"batch_norm": "together"},
    "z on a sphere": {"sphere": True},
    "data 10 times as large": {"scale": 10.0},
}
LATE: dict[str, Any] = {"loss": "minimax", "plain": True, "rate": 0.02, "rate_D": 1e-3, "head_start": 300}
UNEQUAL: dict[str, Any] = {"k": 5, "rate": 4e-4, "rate_D": 1e-2, "head_start": 200}
FAILURES: dict[str, dict[str, Any]] = {
    "collapse: 5 steps of G": {"g": 5},
    "... 5 steps of each": {"g": 5, "k": 5},
    "... spread of the batch": {"g": 5, "spread": True},
    "oscillation: hurried": HURRIED,
    "... beta1 = 0.5": {**HURRIED, "beta1": 0.5},
    "flat gradient: minimax, late": LATE,
    "... noise that fades": {**LATE, "sigma": 1.0},
    "... penalty, slope 0 at data": {**LATE, "slope_zero": 1.0},
    "D wins: rates 1 to 25": UNEQUAL,
    "... penalty, slope 0 at data ": {**UNEQUAL, "slope_zero": 1.0},
    "... equal rates": {**UNEQUAL, "rate": 1e-3, "rate_D": 1e-3},
}


def of_losses(**setting: Any) -> dict[str, dict[str, Any]]:
    """Every loss with the setting; the Wasserstein critic, who needs a bound on its slope, with two of them."""
    rows = {name: {**setting, "loss": name} for name in LOSSES if name != "Wasserstein"}
    rows["Wasserstein, clipped"] = {**setting, "loss": "Wasserstein", "clip": 0.03}
    rows["Wasserstein, slope 1"] = {**setting, "loss": "Wasserstein", "slope_one": 1.0}
    rows["BEGAN"] = {**setting, "loss": "BEGAN"}
    return rows


def of_tricks(base: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each trick by itself on top of the setting `base`."""
    rows = {}
    for name, trick in TRICKS.items():
        row = {**base, **trick}
        if factor := row.pop("rate_factor", None):
            row["rate_D"] = factor * row.get("rate", 1e-3)
        if name == "nothing" or ring.Setting(**row) != ring.Setting(**base):
            rows[name] = row
    return rows


GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "recipe": {"recipe": ring.RECIPE},
    "failures": FAILURES,
    "hurried": of_tricks(HURRIED),
    "calm": of_tricks({}),
    "losses": of_losses(),
    "losses, strong D": of_losses(**STRONG),
}


SEEDS = 10


def measure(switches: dict[str, Any], rounds: int, seeds: range) -> dict[str, float]:
    """One row of the table."""
    results = []
    for seed in seeds:
        began = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):  # a training that diverges says so; its measures say it too
            run = ring.train(rounds, seed, **switches)
        spent = time.process_time() - began
        q = run.quality()
        results.append((q.found, q.good, q.kl, q.tv, spent))
    found, good, kl, tv, seconds = np.array(results).T
    return {
        "seeds": len(seeds),
        "found": found.mean(),
        "least": found.min(),
        "good": good.mean(),
        "kl": kl.mean(),
        "tv": tv.mean(),
        "seconds": seconds.mean(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--write", action="store_true", help="keep the table in data/ring")
    chosen = parser.parse_args()
    if chosen.write and chosen.quick:
        parser.error("--write keeps what many seeds say: leave --quick out")
    torch.set_num_threads(1)
    ring.train(20)  # what is imported on first use is not counted
    for group in chosen.only:
        seeds = range(2 if chosen.quick else SEEDS)
        title = f"{group}, {len(seeds)} seeds"
        print(f"\n{title:32}{'found':>6}{'least':>7}{'good':>7}{'KL':>8}{'TV':>7}{'s':>7}")
        rows: list[dict[str, str]] = []
        for name, switches in GROUPS[group].items():
            rounds = ring.RECIPE_ROUNDS if group == "recipe" else ROUNDS
            row = measure(switches, rounds, seeds)
            rows.append({"group": group, "name": name.strip(), **{key: f"{value:.4g}" for key, value in row.items()}})
            print(
                f"{name:32}{row['found']:6.1f}{row['least']:7.0f}{row['good']:7.2f}{row['kl']:8.3f}{row['tv']:7.2f}"
                f"{row['seconds']:7.2f}",
                flush=True,
            )
        if chosen.write:
            keep(rows)


def keep(rows: list[dict[str, str]]) -> None:
    """Put the rows into the table in place of those of the same groups, and beside it its origin and checksum."""
    folder, new = data_folder() / "ring", {row["group"] for row in rows}
    with contextlib.suppress(OSError), (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = rows + [row for row in csv.DictReader(file) if row["group"] not in new]
    rows.sort(key=lambda row: list(GROUPS).index(row["group"]))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    content = text.getvalue().encode()
    write_bytes(folder / "table.csv", content)
    write(
        folder / "sources.toml",
        '["table.csv"]\n'
        'title = "GAN training on the ring of eight Gaussians: losses, tricks, failures, many seeds"\n'
        'made_by = "python -m benchmarks.gan_ring --write"\n'
        f"rows = {len(rows)}\n"
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n',
    )


if __name__ == "__main__":
    main()

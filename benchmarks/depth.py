"""Halfspace depth and Tukey's median: right and fast, in numbers.

    python -m benchmarks.depth            about three minutes on one core
    python -m benchmarks.depth --seeds 2  fewer draws at p = 100

1. The depth of one point in the plane against n, with the fitted exponent, beside a count over all pairs (brute force);
   and of all points of a sample of 10,000.
2. Exact depth in three to five dimensions, beside R's ddalpha where R and the package are installed.
3. Tukey's median in the plane, exact, against n.
4. p = 100, n = 5,000, eps = .2 and .05: error over the oracle's (the mean of the clean rows), depth, CPU seconds.

Times are seconds of processor time, on one thread, the best of several runs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from course.robust import CoordinateMedian, GeometricMedian, TukeyMedian, halfspace_depth
from course.robust.contamination import huber_sample
from course.robust.medians import FilteredMean


def seconds(run: Callable, times: int = 3) -> float:
    """Processor time of run(), the best of several."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def by_all_pairs(z: np.ndarray, X: np.ndarray) -> float:
    """Depth by definition: the normals of all lines through z and a data point, tilted a little either way."""
    D = X - z
    normals = np.column_stack([-D[:, 1], D[:, 0]])
    heights = D @ normals.T
    np.fill_diagonal(heights, 0)  # the row that the edge was turned to: it can be had on either side
    beyond = np.minimum((heights > 0).sum(axis=0), (heights < 0).sum(axis=0))
    return float(beyond.min() / len(X))


def by_ddalpha(z: np.ndarray, X: np.ndarray) -> tuple[float, float] | None:
    """Depth and elapsed seconds of R's ddalpha, or None where it is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "X", X, delimiter=",", fmt="%.17g")
        np.savetxt(Path(folder) / "z", z[None], delimiter=",", fmt="%.17g")
        code = (
            "if (!requireNamespace('ddalpha', quietly = TRUE)) quit(status = 3);"
            f"r <- function(f) as.matrix(read.csv(paste0('{folder}/', f), header = FALSE)); z <- r('z'); X <- r('X');"
            "t <- system.time(d <- ddalpha::depth.halfspace(z, X, exact = TRUE));"
            "cat(format(d, digits = 15), t[['user.self']])"
        )
        answer = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if answer.returncode:
        return None
    depth, taken = map(float, answer.stdout.split()[-2:])
    return depth, taken


def in_the_plane() -> None:
    print("1. depth of one point in the plane, milliseconds")
    print(f"{'n':>8}{'ours':>10}{'all pairs':>12}{'ddalpha':>10}   equal")
    sizes, ours = (300, 1000, 3000, 10_000, 30_000, 100_000), []
    rng = np.random.default_rng(0)
    for n in sizes:
        X = rng.normal(size=(n, 2))
        z = np.array([0.3, -0.2])
        ours.append(seconds(lambda: [halfspace_depth([z], X) for _ in range(10)]) / 10)  # noqa: B023
        depth = halfspace_depth([z], X)[0]
        brute = seconds(lambda: by_all_pairs(z, X), 1) if n <= 3000 else np.nan  # noqa: B023
        theirs = by_ddalpha(z, X)
        equal = [by_all_pairs(z, X) == depth] if n <= 3000 else []
        equal += [abs(theirs[0] - depth) < 1e-9] if theirs else []
        shown = f"{1000 * theirs[1]:10.0f}" if theirs else f"{'-':>10}"
        print(f"{n:8,}{1000 * ours[-1]:10.2f}{1000 * brute:12.1f}{shown}   {all(equal) if equal else '-'}", flush=True)
    print(f"fitted: time ~ n^{np.polyfit(np.log(sizes[2:]), np.log(ours[2:]), 1)[0]:.2f} from n = 3,000 on")
    X = rng.normal(size=(10_000, 2))
    print(f"depths of all 10,000 points of a sample: {seconds(lambda: halfspace_depth(X, X), 1):.1f} s\n")


def in_space() -> None:
    print("2. exact depth of one point in more dimensions, seconds")
    print(f"{'p':>4}{'n':>7}{'ours':>9}{'ddalpha':>10}   equal")
    for p, n in ((3, 1000), (3, 5000), (4, 200), (4, 500), (5, 100)):
        X = np.random.default_rng(p).normal(size=(n, p))
        z = np.full(p, 0.1)
        depth = halfspace_depth([z], X, method="exact")[0]
        theirs = by_ddalpha(z, X)
        shown = f"{theirs[1]:10.1f}   {abs(theirs[0] - depth) < 1e-9}" if theirs else f"{'-':>10}   -"
        taken = seconds(lambda: halfspace_depth([z], X, method="exact"), 1)  # noqa: B023
        print(f"{p:4}{n:7,}{taken:9.2f}{shown}", flush=True)
    print()


def medians_in_the_plane() -> None:
    print("3. Tukey's median in the plane, exact")
    sizes, taken = (100, 1000, 10_000), []
    for n in sizes:
        X = np.random.default_rng(1).normal(size=(n, 2))
        taken.append(seconds(lambda: TukeyMedian().fit(X), 2))  # noqa: B023
        fit = TukeyMedian().fit(X)
        print(f"n = {n:6,}   {taken[-1]:7.3f} s   depth {fit.depth_:.4f}", flush=True)
    print(f"fitted: time ~ n^{np.polyfit(np.log(sizes), np.log(taken), 1)[0]:.2f}\n")


def many_dimensions(seeds: int) -> None:
    print(f"4. p = 100, n = 5,000: error over the oracle's, mean of {seeds} draws; CPU seconds; depth that was found")
    estimators = {
        "coordinatewise": CoordinateMedian(),
        "geometric": GeometricMedian(),
        "filter": FilteredMean(),
        "Tukey": TukeyMedian(random_state=0),
    }
    print(f"{'Q':12}{'eps':>5}{'oracle':>8}" + "".join(f"{name:>18}" for name in estimators) + f"{'depth':>8}")
    for where, eps in (("near", 0.2), ("near", 0.05), ("far", 0.2), ("far", 0.05), ("hard", 0.2), ("cauchy", 0.2)):
        oracle, ratios, taken, depths = [], [], [], []
        for seed in range(seeds):
            X, is_clean = huber_sample(5000, eps, p=100, contamination=where, rng=1000 + seed)
            oracle.append(np.linalg.norm(X[is_clean].mean(axis=0)))
            row = []
            for estimator in estimators.values():
                start = time.process_time()
                row.append(np.linalg.norm(estimator.fit(X).location_) / oracle[-1])
                taken.append(time.process_time() - start)
            ratios.append(row)
            depths.append(estimators["Tukey"].depth_)
        times = np.mean(np.reshape(taken, (seeds, -1)), axis=0)
        cells = "".join(f"{r:9.2f} {t:6.2f} s" for r, t in zip(np.mean(ratios, axis=0), times, strict=True))
        print(f"{where:12}{eps:5.2f}{np.mean(oracle):8.3f}{cells}{np.mean(depths):8.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    with threadpool_limits(1):
        in_the_plane()
        in_space()
        medians_in_the_plane()
        many_dimensions(arguments.seeds)

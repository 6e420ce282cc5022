"""k-means and hierarchical clustering: ours against scikit-learn and SciPy, same input, same result.

    python -m benchmarks.clustering                 n = 500 to 8,000, one thread; about five minutes
    python -m benchmarks.clustering --largest 2000  a shorter run
    python -m benchmarks.clustering --threads 2     two threads for BLAS and OpenMP

Every measurement has a process of its own. time: the best of several runs, in milliseconds of processor time, which
other programs on the machine disturb less than the time on the clock; with one thread and a quiet machine the two are
the same. peak: by how much the peak resident memory of that process grew over the first run, beyond the data. ratio:
time of ours over that of the fastest peer; below 1 ours is quicker.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.cluster import hierarchy, vq
from sklearn.cluster import AgglomerativeClustering, KMeans
from threadpoolctl import threadpool_limits

from course.unsupervised import kmeans, linkage

SIZES = (500, 2000, 8000)
SHAPES = ((2, 3), (10, 10), (64, 10))  # features, clusters


def measured(run: Callable, least: float, threads: int) -> dict:
    """Call run() in a process of its own until `least` seconds are over, twice at least."""

    def work(pipe) -> None:
        with threadpool_limits(threads):
            before, result = _resident(), run()
            peak = max(0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before)
            times: list[float] = []
            while len(times) < 2 or (sum(times) < least and len(times) < 60):
                start = time.process_time()
                run()
                times.append(time.process_time() - start)
        pipe.send({"ms": 1000 * min(times), "peak": peak, "result": result})

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs,))
    process.start()
    answer = ours.recv()
    process.join()
    return answer


def in_turns(runs: tuple[Callable, ...], threads: int) -> dict[str, dict]:
    """Measure every run three times, in turns, so that no disturbance hits one of them alone; the best counts."""
    found: dict[str, dict] = {}
    for _ in range(3):
        for run in runs:
            new, old = measured(run, 0.2, threads), found.get(run.__name__)
            found[run.__name__] = new if old is None or new["ms"] < old["ms"] else old
    return found


def _resident() -> float:
    """Resident memory now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def k_means(n: int, p: int, K: int, threads: int) -> tuple[str, float]:
    """A line of the first table, and the ratio in it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p)) + 2 * rng.normal(size=(K, p))[rng.integers(K, size=n)]
    start = kmeans.plus_plus(X, K, 1)
    rounds = kmeans.kmeans(X, K, start).rounds

    def ours():
        found = kmeans.kmeans(X, K, start)
        return found.labels, found.objective

    def scikit_learn():
        found = KMeans(K, init=start, n_init=1, algorithm="lloyd", tol=0).fit(X)
        return found.labels_, 2 * found.inertia_

    def scipy():
        M, labels = vq.kmeans2(X, start, iter=rounds, minit="matrix")
        return labels, 2 * float(((X - M[labels]) ** 2).sum())

    found = in_turns((ours, scikit_learn, scipy), threads)
    labels, W = found["ours"]["result"]
    peers = [found["scikit_learn"], found["scipy"]]
    worst = max(abs(peer["result"][1] / W - 1) for peer in peers)
    same = all(np.array_equal(peer["result"][0], labels) for peer in peers)
    ratio = found["ours"]["ms"] / min(peer["ms"] for peer in peers)
    line = (
        f"{n:6}{p:4}{K:4}{rounds:8}"
        + "".join(f"{value['ms']:9.1f}{value['peak']:7.1f}" for value in found.values())
        + f"{ratio:8.2f}   {'same' if same else 'DIFFERENT'}, {worst:.0e}"
    )
    return line, ratio


def trees(n: int, kind: str, threads: int) -> tuple[str, float, float]:
    """A line of the second table, and the ratios of `agglomerate` and of `tree` in it."""
    X = np.random.default_rng(0).normal(size=(n, 2))

    def agglomerate():
        return linkage.agglomerate(linkage.dissimilarities(X), kind)

    def tree():
        return linkage.tree(X, kind)

    def scipy():
        return hierarchy.linkage(X, kind)

    def scikit_learn():
        model = AgglomerativeClustering(None, distance_threshold=0, linkage=kind, compute_distances=True).fit(X)
        return np.column_stack([np.sort(model.children_, axis=1), model.distances_])

    runs = (agglomerate, tree, scipy) if kind == "centroid" else (agglomerate, tree, scipy, scikit_learn)
    found = in_turns(runs, threads)
    peers = [found[name] for name in ("scipy", "scikit_learn") if name in found]
    fastest = min(peer["ms"] for peer in peers)
    Z = found["scipy"]["result"]
    others = [value["result"] for name, value in found.items() if name != "scipy"]
    same = all(np.array_equal(other[:, :2], Z[:, :2]) for other in others)
    worst = max(np.abs(other[:, 2] / Z[:, 2] - 1).max() for other in others)
    cells = "".join(f"{value['ms']:9.1f}{value['peak']:7.0f}" for value in found.values())
    own, package = found["agglomerate"]["ms"] / fastest, found["tree"]["ms"] / fastest
    verdict = "same" if same else "DIFFERENT"
    return f"{n:6}  {kind:9}{cells:64}{own:8.2f}{package:7.2f}   {verdict}, {worst:.0e}", own, package


def summed_up(what: str, ratios: list[float]) -> None:
    slower = sum(ratio > 1.1 for ratio in ratios)
    print(
        f"{what}: slower than the fastest peer by more than a tenth in {slower} of {len(ratios)} rows; ratios from "
        f"{min(ratios):.2f} to {max(ratios):.2f}, median {np.median(ratios):.2f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=8000, help="leave out larger n")
    parser.add_argument("--threads", type=int, default=1, help="threads for BLAS and OpenMP")
    options = parser.parse_args()
    sizes = [n for n in SIZES if n <= options.largest]
    print(
        f"{options.threads} thread(s). Processor time in ms, peak in MB; agreement: labels or fusions, and the\n"
        "largest relative difference in the objective or in a height.\n"
    )
    print("k-means, Lloyd's algorithm to its end, from the same starting centroids (SciPy is told how many rounds)")
    print(f"{'n':>6}{'p':>4}{'K':>4}{'rounds':>8}{'ours':>9}{'peak':>7}{'sklearn':>9}{'peak':>7}{'SciPy':>9}{'peak':>7}"
          f"{'ratio':>8}   agreement")  # fmt: skip
    ratios = []
    for p, K in SHAPES:
        for n in sizes:
            line, ratio = k_means(n, p, K, options.threads)
            ratios.append(ratio)
            print(line, flush=True)
    summed_up("kmeans", ratios)
    print("\nHierarchical clustering of n points in the plane, dissimilarities included")
    print("agglomerate: our algorithm, in NumPy. tree: what the package uses, compiled code of SciPy or scikit-learn.")
    print(f"{'n':>6}  {'linkage':9}{'agglom.':>9}{'peak':>7}{'tree':>9}{'peak':>7}{'SciPy':>9}{'peak':>7}{'sklearn':>9}"
          f"{'peak':>7}{'ratio':>8}{'tree':>7}   agreement")  # fmt: skip
    own, package = [], []
    for kind in linkage.LINKAGES:
        for n in sizes:
            line, *pair = trees(n, kind, options.threads)
            own.append(pair[0])
            package.append(pair[1])
            print(line, flush=True)
    summed_up("agglomerate", own)
    summed_up("tree", package)


if __name__ == "__main__":
    main()

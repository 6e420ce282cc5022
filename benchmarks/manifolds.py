"""Manifold learning: ours against scikit-learn, SciPy and pyDiffMap, same input, same result.

    python -m benchmarks.manifolds                 n = 500 to 8,000, one thread; about five minutes
    python -m benchmarks.manifolds --largest 2000  half a minute
    python -m benchmarks.manifolds --threads 2     two threads for BLAS and OpenMP

Every measurement has a process of its own. s: seconds of processor time, the best of several runs, two at least. MB: by
how much the peak resident memory of that process grew, beyond the data; small arrays find room in what it has already.
ratio: time of ours over that of the fastest peer; below 1 ours is quicker. gap: the largest difference of an
eigenvalue, relative to the largest one, or of a distance, relative to the longest; then the largest sine of an angle
between the spaces of the coordinates.

Peers for diffusion maps: pyDiffMap (last release 2019; `pip install pydiffmap`, it is measured if it is there) and a
plain dense computation with scipy.linalg.eigh. datafold 2.0.2 asks for NumPy below 1.27 and scikit-learn 1.2 and cannot
be installed beside the course's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.linalg import eigh, subspace_angles
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn import manifold
from threadpoolctl import threadpool_limits

from course.data import manifolds
from course.unsupervised import diffusion, graph, mds, spectral
from course.unsupervised import embedding_quality as quality

SIZES = (500, 1000, 2000, 4000, 8000)
DENSE, FULL = 4000, 4000  # beyond: a dense eigenproblem takes minutes, of the diffusion map and of scikit-learn's MDS


def measured(run: Callable, threads: int) -> dict:
    """Call run() in a process of its own, twice at least, and until 1.5 seconds are over."""

    def work(pipe) -> None:
        with threadpool_limits(threads):
            before, times = _resident(), []
            result, peak = None, 0.0
            while len(times) < 2 or (sum(times) < 1.5 and len(times) < 20):
                start = time.process_time()
                result = run()
                times.append(time.process_time() - start)
                peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        pipe.send({"s": min(times), "MB": max(0.0, peak), "result": result})

    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(theirs,))
    process.start()
    theirs.close()
    answer = ours.recv()
    process.join()
    return answer


def _resident() -> float:
    """Resident memory now, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def row(n: int, runs: dict[str, Callable | None], threads: int) -> float:
    """Print a line of a table: the first of `runs` is ours. A run gives (numbers, coordinates or None). The ratio."""
    found = {name: None if run is None else measured(run, threads) for name, run in runs.items()}
    for _ in range(3):  # short ones again, in turns, so that a disturbance does not hit one of them alone
        for name, run in runs.items():
            if run is not None and found[name]["s"] < 0.3:
                again = measured(run, threads)
                found[name]["s"] = min(found[name]["s"], again["s"])
    mine, *others = found.values()
    peers = [peer for peer in others if peer is not None]
    cells = "".join(
        f"{'-':>11}{'-':>7}" if one is None else f"{one['s']:11.3f}{one['MB']:7.0f}" for one in found.values()
    )
    if not peers:
        print(f"{n:6}{cells}       -")
        return np.nan
    numbers, space = mine["result"]
    gaps, angles = [0.0], [0.0]
    for peer in peers:
        theirs, other = peer["result"]
        if theirs is not None:
            gaps.append(float(np.abs(np.asarray(theirs) - numbers).max() / np.abs(numbers).max()))
        if other is not None:
            angles.append(float(np.sin(subspace_angles(space, other)).max()))
    ratio = mine["s"] / min(peer["s"] for peer in peers)
    print(f"{n:6}{cells}{ratio:8.2f}   {max(gaps):.0e}, {max(angles):.0e}", flush=True)
    return ratio


def header(title: str, *names: str) -> None:
    print(f"\n{title}\n{'n':>6}" + "".join(f"{name:>11}{'MB':>7}" for name in names) + f"{'ratio':>8}   gap")


def diffusion_maps(n: int, X: np.ndarray, epsilon: float, threads: int) -> float:
    """alpha = 1, four eigenvectors."""

    def ours():
        found = diffusion.diffusion_map(X, epsilon, k=4, alpha=1)
        return found.lam[1:], found.psi[:, 1:]

    def dense():
        K = np.exp(cdist(X, X, "sqeuclidean") / (-4 * epsilon))
        q = K.sum(axis=1)
        K /= np.outer(q, q)
        root = np.sqrt(K.sum(axis=1))
        lam, U = eigh(K / np.outer(root, root), subset_by_index=(n - 5, n - 2))
        return lam[::-1], U[:, ::-1] / root[:, None]

    def pydiffmap():
        from pydiffmap.diffusion_map import DiffusionMap

        model = DiffusionMap.from_sklearn(k=most, epsilon=epsilon, alpha=1.0, n_evecs=4).fit(X)
        order = np.argsort(model.evals)[::-1]
        return 1 + epsilon * model.evals[order], model.evecs[:, order]

    from sklearn.neighbors import radius_neighbors_graph

    reach = 2 * np.sqrt(epsilon * np.log(1e8))  # as many neighbours as have a kernel value above ours' cutoff
    most = min(n - 1, 1 + int(np.diff(radius_neighbors_graph(X, reach).indptr).max()))
    peers = {"dense": dense if n <= DENSE else None, "pyDiffMap": pydiffmap if _has("pydiffmap") else None}
    return row(n, {"ours": ours} | peers, threads)


def _has(module: str) -> bool:
    try:
        __import__(f"{module}.diffusion_map")
    except ImportError:
        return False
    return True


def laplacian_eigenmaps(n: int, X: np.ndarray, threads: int) -> float:
    W = (graph.neighbour_graph(X, 10) > 0).astype(float)

    def ours():
        return None, spectral.laplacian_eigenmap(W, 2)[1]

    def scikit_learn():
        model = manifold.SpectralEmbedding(2, affinity="precomputed", eigen_solver="arpack", random_state=0)
        return None, model.fit_transform(W)

    return row(n, {"ours": ours, "sklearn": scikit_learn}, threads)


def classical_mds(n: int, X: np.ndarray, threads: int) -> float:
    D = cdist(X, X)

    def ours():
        Z = mds.classical_mds(D, 2)
        return (Z**2).sum(axis=0), Z

    def scipy():
        B = D**2
        B -= B.mean(axis=0)
        B -= B.mean(axis=1, keepdims=True)
        lam, U = eigh(B / -2, subset_by_index=(n - 2, n - 1))
        return lam[::-1], U[:, ::-1]

    def scikit_learn():
        Z = manifold.ClassicalMDS(2, metric="precomputed").fit_transform(D)
        return (Z**2).sum(axis=0), Z

    full = scikit_learn if n <= FULL and hasattr(manifold, "ClassicalMDS") else None
    return row(n, {"ours": ours, "sklearn": full, "SciPy": scipy if n <= FULL else None}, threads)


def isomap(n: int, X: np.ndarray, threads: int) -> float:
    some = np.arange(0, n, max(1, n // 100))  # distances from a hundred points are compared

    def ours():
        G = graph.geodesic_distances(graph.neighbour_graph(X, 10))
        return G[some], mds.classical_mds(G, 2)

    def scikit_learn():
        model = manifold.Isomap(n_neighbors=10).fit(X)
        return model.dist_matrix_[some], model.embedding_

    return row(n, {"ours": ours, "sklearn": scikit_learn}, threads)


def trustworthiness(n: int, X: np.ndarray, threads: int) -> float:
    Z = X[:, :2]

    def ours():
        return np.array([quality.trustworthiness(X, Z, 5)]), None

    def scikit_learn():
        return np.array([manifold.trustworthiness(X, Z, n_neighbors=5)]), None

    return row(n, {"ours": ours, "sklearn": scikit_learn}, threads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=8000, help="leave out larger n")
    parser.add_argument("--threads", type=int, default=1, help="threads for BLAS and OpenMP")
    options = parser.parse_args()
    threads = options.threads
    rolls = {n: manifolds.swiss_roll(n).X for n in SIZES if n <= options.largest}
    print(f"{threads} thread(s). Swiss roll, seed 0; a circle for the wide kernel. -: left out, it takes minutes.")
    if not _has("pydiffmap"):
        print("pyDiffMap is not installed: a dense computation stands in for it.")
    ratios: dict[str, list[float]] = {}

    def table(what: str, names: tuple[str, ...], line: Callable[[int], float]) -> None:
        header(what, *names)
        ratios[what] = [line(n) for n in rolls]

    def narrow(n: int) -> float:
        return diffusion_maps(n, rolls[n], diffusion.bandwidth(rolls[n]), threads)

    def wide(n: int) -> float:
        return diffusion_maps(n, manifolds.circle(n, 0.8)[0], 0.002, threads)

    three, two = ("ours", "dense", "pyDiffMap"), ("ours", "sklearn")
    table("diffusion map, narrow kernel", three, narrow)
    table("diffusion map, wide kernel", three, wide)
    table("Laplacian eigenmap, 10 neighbours", two, lambda n: laplacian_eigenmaps(n, rolls[n], threads))
    table("classical MDS of distances", (*two, "SciPy"), lambda n: classical_mds(n, rolls[n], threads))
    table("ISOMAP, 10 neighbours, all steps", two, lambda n: isomap(n, rolls[n], threads))
    table("trustworthiness of a projection", two, lambda n: trustworthiness(n, rolls[n], threads))
    print()
    for what, values in ratios.items():
        known = [value for value in values if np.isfinite(value)]
        slower = sum(value > 1.1 for value in known)
        print(
            f"{what}: slower than the fastest peer by more than a tenth in {slower} of {len(known)} rows; "
            f"ratios from {min(known):.2f} to {max(known):.2f}."
        )
    pieces = [connected_components(graph.neighbour_graph(X, 10), directed=False)[0] for X in rolls.values()]
    assert max(pieces) == 1, "a graph in pieces would make scikit-learn's Isomap add edges that ours does not have"


if __name__ == "__main__":
    main()

"""Neighbour graphs: who is near whom, how long the way is, and the checks that every method here begins with."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra


def as_points(X) -> np.ndarray:
    """X (n, p) as floats. Raises ValueError where it has another shape, fewer than two rows, NaN or infinity."""
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or len(X) < 2:
        raise ValueError(f"X has shape {X.shape}; expected (n_samples, n_features) with at least two samples")
    if not np.isfinite(X).all():
        row = int(np.flatnonzero(~np.isfinite(X).all(axis=1))[0])
        raise ValueError(f"sample {row} of X contains NaN or infinity; drop or impute such rows first")
    return X


def as_distances(D) -> np.ndarray:
    """D (n, n) as floats. Raises ValueError unless it is finite, symmetric, not negative, and zero on its diagonal."""
    D = np.asarray(D, dtype=float)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or len(D) < 2:
        raise ValueError(f"D has shape {D.shape}; a matrix of distances is square, with at least two rows")
    if np.isnan(D).any():
        raise ValueError("D contains NaN; fill in the missing distances, or localise from those that are known")
    if np.isinf(D).any():
        raise ValueError("D contains infinity: some points cannot reach each other; use more neighbours")
    if (D < 0).any():
        raise ValueError("D has negative entries; distances are not negative (are these similarities?)")
    size = D.max()
    if np.abs(np.diag(D)).max() > 1e-8 * size:
        raise ValueError("the diagonal of D is not zero; a point has distance 0 from itself")
    gap = np.abs(D - D.T)
    if gap.max() > 1e-8 * size:
        i, j = np.unravel_index(int(gap.argmax()), gap.shape)
        raise ValueError(f"D is not symmetric: D[{i}, {j}] and D[{j}, {i}] differ; use (D + D.T) / 2 if both are right")
    return D


def as_weights(W):
    """W (n, n), dense or sparse, as floats. Raises ValueError unless it is finite, symmetric and not negative."""
    W = sparse.csr_array(W, dtype=float) if sparse.issparse(W) else np.asarray(W, dtype=float)
    if W.ndim != 2 or W.shape[0] != W.shape[1] or W.shape[0] < 2:
        raise ValueError(f"W has shape {W.shape}; a matrix of weights is square, with at least two rows")
    entries = W.data if sparse.issparse(W) else W
    if not np.isfinite(entries).all():
        raise ValueError("W contains NaN or infinity; where there is no edge the weight is 0")
    if (entries < 0).any():
        raise ValueError("W has negative entries; a weight says how near two points are, and is at least 0")
    if abs(W - W.T).max() > 1e-8 * entries.max(initial=0):
        raise ValueError("W is not symmetric; use (W + W.T) / 2, or np.maximum(W, W.T)")
    return W


def require_connected(W, mend: str) -> None:
    """Raise ValueError, with the sizes of the pieces and the words `mend`, where the graph W is not connected."""
    pieces, label = connected_components(sparse.csr_array(W), directed=False)
    if pieces > 1:
        sizes = np.sort(np.bincount(label))[::-1]
        shown = ", ".join(map(str, sizes[:5])) + (", ..." if pieces > 5 else "")
        raise ValueError(f"the graph falls into {pieces} pieces of {shown} points; {mend}")


def nearest(X, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other samples of each: lengths (n, k), ascending, and indices (n, k).

    Raises ValueError unless 1 <= k < n, and where two samples are the same point: their distance, 0, would look like
    no edge at all.
    """
    from sklearn.neighbors import NearestNeighbors

    X = as_points(X)
    if not 1 <= k < len(X):
        raise ValueError(f"k = {k}; each of {len(X)} samples has between 1 and {len(X) - 1} neighbours")
    lengths, index = NearestNeighbors(n_neighbors=int(k)).fit(X).kneighbors()
    if lengths[:, 0].min() <= 0:
        i = int(lengths[:, 0].argmin())
        raise ValueError(
            f"samples {i} and {index[i, 0]} are the same point; keep one of each with `np.unique(X, axis=0)`"
        )
    return lengths, index


def neighbour_graph(X, k: int) -> sparse.csr_array:
    """An edge i-j, as long as |x_i - x_j|, where i is one of the k nearest of j or j one of the k nearest of i.

    X (n, p) -> sparse, symmetric (n, n), in the units of X. Raises ValueError as `nearest` does.
    """
    lengths, index = nearest(X, k)
    n = len(index)
    ends = np.arange(0, n * k + 1, k, dtype=np.int32)  # scikit-learn takes no 64-bit indices
    one_way = sparse.csr_array((lengths.ravel(), index.ravel().astype(np.int32), ends), shape=(n, n))
    return one_way.maximum(one_way.T).tocsr()


def edge_lengths(X, k: int) -> np.ndarray:
    """The same graph as a dense A (n, n): the length of the edge i-j, inf where there is none, 0 on the diagonal."""
    edges = neighbour_graph(X, k).tocoo()
    A = np.full(edges.shape, np.inf)
    A[edges.coords] = edges.data
    np.fill_diagonal(A, 0)
    return A


def _two_way(graph) -> sparse.csr_array:
    """The edges of a graph, dense or sparse, usable in both directions."""
    if not sparse.issparse(graph):
        A = np.asarray(graph, dtype=float)
        if A.ndim != 2 or A.shape[0] != A.shape[1]:
            raise ValueError(f"the graph has shape {A.shape}; a matrix of edge lengths is square")
        graph = np.where(np.isinf(A), 0, A)
    graph = sparse.csr_array(graph)
    if graph.nnz and not graph.data.min() >= 0:
        raise ValueError("an edge is negative or NaN; its length is a distance")
    return graph.maximum(graph.T).tocsr()


def shortest_paths(graph) -> np.ndarray:
    """d_G(i, j): the length of the shortest path from i to j along the edges, inf where there is none (Dijkstra).

    graph (n, n), sparse, or dense with 0 or inf where there is no edge -> (n, n), symmetric. Raises ValueError where
    an edge is negative or NaN.
    """
    return dijkstra(_two_way(graph))


def geodesic_distances(graph) -> np.ndarray:
    """`shortest_paths` of a graph in which every point can reach every other; ValueError, with its pieces, if not."""
    graph = _two_way(graph)
    require_connected(graph, "use more neighbours, or embed each piece by itself")
    return dijkstra(graph)

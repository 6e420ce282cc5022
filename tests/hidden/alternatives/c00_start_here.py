"""Other correct ways to solve 00_start_here. They must keep their points, also in float32; they are never released."""

import numpy as np
import torch


def by_loops(X):
    out = []
    for j in range(X.shape[1]):
        small = large = X[0, j]
        for x in X[:, j]:
            small, large = min(small, x), max(large, x)
        out.append(large - small)
    return np.array(out)


def by_sorting(X):
    ordered = np.sort(X, axis=0)
    return ordered[-1] - ordered[0]


def with_torch(X):
    X = torch.tensor(X)
    return (X.amax(dim=0) - X.amin(dim=0)).numpy()


ALTERNATIVES = {"column_range": (by_loops, by_sorting, with_torch)}

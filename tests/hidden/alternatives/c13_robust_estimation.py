"""Other correct ways to solve 13_robust_estimation. They must keep their points, also in float32; never released."""

import math
from statistics import NormalDist

import numpy as np
from scipy import optimize, special, stats

# mixture_mean


def bias_added(theta, q, eps):
    return theta - eps * theta + eps * q


def coordinate_by_coordinate(theta, q, eps):
    return np.array([(1 - eps) * theta[j] + eps * q[j] for j in range(len(theta))])


def by_matrix_product(theta, q, eps):
    return np.array([1 - eps, eps]) @ np.stack([theta, q])


# coordinate_median


def by_a_score(X):
    return np.array([stats.scoreatpercentile(column, 50) for column in X.T])


def by_loops(X):
    result = np.zeros(X.shape[1])
    for j in range(X.shape[1]):
        column = sorted(X[:, j])
        n = len(column)
        result[j] = column[n // 2] if n % 2 else (column[n // 2 - 1] + column[n // 2]) / 2
    return result


def by_partition(X):
    n = len(X)
    low, high = (n - 1) // 2, n // 2
    parted = np.partition(X, (low, high), axis=0)
    return parted[[low, high]].mean(axis=0)


def from_both_ends(X):
    ascending = np.sort(X, axis=0)
    both = (ascending + -np.sort(-X, axis=0)) / 2
    return both[len(X) // 2] if len(X) % 2 else (ascending[len(X) // 2] + ascending[len(X) // 2 - 1]) / 2


# hidden_distance


def by_a_quantile(eps):
    return 2 * stats.norm.ppf(1 / (2 * (1 - eps)))


def by_the_upper_tail(eps):
    return float(2 * stats.norm.isf((1 - 2 * eps) / (2 - 2 * eps)))


def by_the_error_function(eps):
    return 2 * math.sqrt(2) * special.erfinv(eps / (1 - eps))


def by_root_finding(eps):
    def gap(d):
        return NormalDist().cdf(d / 2) - NormalDist().cdf(-d / 2) - eps / (1 - eps)

    return optimize.brentq(gap, 0, 20)


# directional_depth


def one_by_one(z, X, U):
    smallest = 1.0
    for u in U:
        inside = 0
        for x in X:
            if sum(u * (x - z)) >= 0:
                inside += 1
        smallest = min(smallest, inside / len(X))
    return smallest


def all_at_once(z, X, U):
    return ((X - z) @ U.T >= 0).mean(axis=0).min()


def from_the_other_side(z, X, U):
    return 1 - np.max(np.mean(np.einsum("kj,nj->nk", U, X - z) < 0, axis=0))


# weiszfeld_step


def by_average(m, X):
    return np.average(X, axis=0, weights=1 / np.linalg.norm(X - m, axis=1))


def by_unit_vectors(m, X):
    d = X - m
    r = np.sqrt((d**2).sum(axis=1, keepdims=True))
    return m + (d / r).sum(axis=0) / (1 / r).sum()


def by_loop_over_rows(m, X):
    top, bottom = np.zeros(len(m)), 0.0
    for x in X:
        r = math.dist(x, m)
        top = top + x / r
        bottom += 1 / r
    return top / bottom


ALTERNATIVES = {
    "mixture_mean": (bias_added, coordinate_by_coordinate, by_matrix_product),
    "coordinate_median": (by_a_score, by_loops, by_partition, from_both_ends),
    "hidden_distance": (by_a_quantile, by_the_upper_tail, by_the_error_function, by_root_finding),
    "directional_depth": (one_by_one, all_at_once, from_the_other_side),
    "weiszfeld_step": (by_average, by_unit_vectors, by_loop_over_rows),
}

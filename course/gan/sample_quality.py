"""How good are samples when no density is known? Precision and recall, density and coverage, by nearest neighbours.

All take features: points in the plane themselves, or what a classifier makes of images. The Frechet distance is
`course.likelihood.image_quality.frechet_distance`. Source: Kynkaanniemi et al., Improved Precision and Recall Metric
for Assessing Generative Models (2019); Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models
(2020).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist


def ball_radii(points: np.ndarray, k: int) -> np.ndarray:
    """The distance from each point to its k-th nearest neighbour among the others.   points (n, p)  ->  (n,).

    The balls of these radii about the points stand for the region in which such points lie. Raises ValueError unless
    1 <= k < n.
    """
    points = _features(points, "points")
    if not 1 <= k < len(points):
        raise ValueError(f"k is {k}: {len(points)} points have from 1 to {len(points) - 1} neighbours each")
    return np.partition(cdist(points, points), k, axis=1)[:, k]  # place 0 is the point itself


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Precision, the share of fake samples in a ball of a real one; recall, the share of real ones in a ball of a fake.

    precision = (1/m) sum_j 1[fake_j in some B(real_i, r_i)], r_i the distance to the k-th nearest real neighbour;
    recall is the same with the parts exchanged. real (n, p), fake (m, p); both results lie in [0, 1].
    """
    real, fake = _pair(real, fake)
    distance = cdist(real, fake)
    in_real = distance <= ball_radii(real, k)[:, None]
    in_fake = distance <= ball_radii(fake, k)
    return float(in_real.any(axis=0).mean()), float(in_fake.any(axis=1).mean())


def density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Density, how many real balls a fake sample lies in, over k; coverage, the share of real balls with a fake inside.

    density = (1/(k m)) sum_j sum_i 1[fake_j in B(real_i, r_i)], at least 0 and near 1 for equal distributions;
    coverage = (1/n) sum_i 1[some fake_j in B(real_i, r_i)], in [0, 1]. The balls are of real samples alone: a wild fake
    sample makes none. One outlier among the data widens only its own ball: it weighs 1/k in the density.
    For equal distributions the coverage is near 1 - (1/2)^k when n = m is large.
    """
    real, fake = _pair(real, fake)
    inside = cdist(real, fake) <= ball_radii(real, k)[:, None]
    return float(inside.sum() / (k * len(fake))), float(inside.any(axis=1).mean())


def _pair(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real, fake = _features(real, "real"), _features(fake, "fake")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"real has {real.shape[1]} features and fake {fake.shape[1]}: they must be the same ones")
    return real, fake


def _features(points: np.ndarray, name: str) -> np.ndarray:
    points = np.asarray(points, float)
    if points.ndim != 2 or len(points) == 0:
        raise ValueError(f"{name} has shape {points.shape}: give one row of features a sample, (n, p)")
    if not np.isfinite(points).all():
        raise ValueError(f"{name} holds NaN or infinity: leave such samples out, and say how many they were")
    return points

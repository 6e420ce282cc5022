"""Surfaces whose shape is known, for the chapter on manifold learning: swiss roll, S-curve, sphere with a hole.

A roll and an S are bent sheets: a sheet can be bent without stretching, so two flat coordinates measure all distances
within it exactly. A sphere cannot be flattened without stretching (Gauss, 1827), hole or no hole: it has no such pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Manifold:
    """Points of a surface, in space or in more dimensions.

    X       (n, p) the points; p = 3 for the surfaces of this module
    truth   (n, 2) coordinates in which straight lines are as long as shortest paths within the surface, or None
    colour  (n,) a coordinate of the surface, to paint the points with
    about   one sentence: what it is, and its units
    """

    name: str
    X: np.ndarray
    truth: np.ndarray | None
    colour: np.ndarray
    about: str

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.X)} points in {self.X.shape[1]} dimensions. {self.about}"


def _drawn(n: int, noise: float) -> None:
    if n < 4:
        raise ValueError(f"n = {n}; a surface needs at least 4 points")
    if noise < 0:
        raise ValueError(f"noise = {noise}; a standard deviation is not negative")


def swiss_roll(n: int = 1000, noise: float = 0.0, hole: bool = False, seed: int = 0) -> Manifold:
    """n points of the rolled-up rectangle (t cos t, height, t sin t), 3 pi / 2 <= t <= 9 pi / 2, 0 <= height <= 21.

    Its flat coordinates are the arc length s(t) = (t sqrt(1 + t^2) + arsinh t) / 2 along the spiral, and the height.
    noise is the standard deviation of a Gaussian added to every coordinate of X, in the roll's own units: neighbouring
    turns are 2 pi apart. hole leaves out the middle ninth of the rectangle (in t and height).
    """
    from sklearn.datasets import make_swiss_roll

    _drawn(n, noise)
    X, t = make_swiss_roll(n, random_state=seed, hole=hole)
    first, along = 1.5 * np.pi, t * np.sqrt(1 + t**2) + np.arcsinh(t)
    start = first * np.sqrt(1 + first**2) + np.arcsinh(first)
    truth = np.column_stack([(along - start) / 2, X[:, 1]])
    return Manifold(
        "swiss roll with a hole" if hole else "swiss roll",
        X + noise * np.random.default_rng(seed).normal(size=X.shape),
        truth,
        truth[:, 0],
        "A rectangle of about 89 by 21, rolled up; the colour is the length along the spiral.",
    )


def s_curve(n: int = 1000, noise: float = 0.0, seed: int = 0) -> Manifold:
    """n points of the sheet (sin t, height, sign(t) (cos t - 1)), |t| <= 3 pi / 2, 0 <= height <= 2.

    Both arcs of the S have radius 1, so t itself is the length along it: (t, height) are flat coordinates. noise is the
    standard deviation of a Gaussian added to every coordinate of X.
    """
    from sklearn.datasets import make_s_curve

    _drawn(n, noise)
    X, t = make_s_curve(n, random_state=seed)
    return Manifold(
        "S-curve",
        X + noise * np.random.default_rng(seed).normal(size=X.shape),
        np.column_stack([t, X[:, 1]]),
        t,
        "A rectangle of about 9.4 by 2, bent into an S; the colour is the length along it.",
    )


def sphere_with_hole(n: int = 1000, opening: float = 50.0, seed: int = 0) -> Manifold:
    """n points, uniform by area, of the unit sphere without the cap of `opening` degrees around its north pole.

    The height z is uniform on [-1, cos(opening)] (Archimedes). There are no flat coordinates: truth is None. The colour
    is the angle from the south pole, in radians.
    """
    _drawn(n, 0)
    if not 0 < opening < 180:
        raise ValueError(f"opening = {opening}; the hole's angle lies between 0 and 180 degrees")
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, np.cos(np.radians(opening)), n)
    turn, radius = rng.uniform(0, 2 * np.pi, n), np.sqrt(1 - z**2)
    return Manifold(
        "sphere with a hole",
        np.column_stack([radius * np.cos(turn), radius * np.sin(turn), z]),
        None,
        np.arccos(-z),
        "The unit sphere, open at the top; the colour is the angle from the bottom.",
    )


def digits(n: int = 1000) -> Manifold:
    """The first n images of the digits 0 to 5, 8x8 pixels of 0 to 16; nobody knows their true coordinates."""
    from course.data.load import load

    every = load("digits")
    labels = np.asarray(every.y)
    chosen = np.flatnonzero(labels < 6)
    if not 4 <= n <= len(chosen):
        raise ValueError(f"n = {n}; there are {len(chosen)} images of these digits")
    chosen = chosen[:n]
    return Manifold(
        "digits 0 to 5", every.X[chosen], None, labels[chosen], "Handwritten digits; the colour is the label."
    )


def circle(n: int = 1000, lean: float = 0.0, seed: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """n points of the unit circle with density (1 + lean cos(angle)) / (2 pi): the points (n, 2) and their angles (n,).

    Without a seed the angles are the quantiles of levels (i + 1/2) / n, evenly spread by that density and the same
    every time; with one they are drawn at random. 0 <= lean < 1.
    """
    if n < 3 or not 0 <= lean < 1:
        raise ValueError(f"n = {n} and lean = {lean}; expected n >= 3 and 0 <= lean < 1")
    level = (np.arange(n) + 0.5) / n if seed is None else np.random.default_rng(seed).random(n)
    low, high = np.zeros(n), np.full(n, 2 * np.pi)
    for _ in range(60):  # bisection: the distribution function (a + lean sin a) / (2 pi) rises everywhere
        angle = (low + high) / 2
        below = (angle + lean * np.sin(angle)) / (2 * np.pi) < level
        low, high = np.where(below, angle, low), np.where(below, high, angle)
    return np.column_stack([np.cos(angle), np.sin(angle)]), angle

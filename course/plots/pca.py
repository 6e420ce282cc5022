"""Figures of the PCA chapter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes, equal
from course.unsupervised.pca import variance_along

RUST = "#B04C00"  # the palette's vermilion, darker, so that small text in it can be read on white


def labelled_and_not(X: np.ndarray, y: np.ndarray, names: Sequence[str] = ("class 0", "class 1")) -> Picture:
    """The same points X (n, 2) twice: with their labels y (n,), and without."""
    X, y = np.asarray(X), np.asarray(y)
    figure, panels = axes(1, 2, sharex=True, sharey=True)
    left, right = panels[0]
    for label, colour, marker in zip(np.unique(y), CYCLE, "os^Dv", strict=False):
        left.scatter(*X[y == label].T, color=colour, marker=marker, s=28, label=names[int(label)])
    left.set(title="supervised: points and labels", xlabel="$x_1$", ylabel="$x_2$")
    left.legend(loc="upper left")
    right.scatter(*X.T, color=INK, s=28)
    right.set(title="unsupervised: points alone", xlabel="$x_1$")
    return Picture(
        figure,
        f"Two scatter plots of the same {len(X)} points. On the left, colours and markers tell {len(np.unique(y))} "
        "classes apart. On the right all points look alike, yet the groups can still be guessed.",
    )


def pairs(X: np.ndarray, names: Sequence[str]) -> Picture:
    """Every pair of the columns of X (n, p) as a scatter plot, lower triangle, histograms on the diagonal."""
    X = np.asarray(X)
    p = X.shape[1]
    figure, panels = axes(p, p, width=1.9, height=1.7)
    for i in range(p):
        for j in range(p):
            panel = panels[i, j]
            panel.tick_params(labelsize=8)
            if j > i:
                panel.set_visible(False)
            elif i == j:
                panel.hist(X[:, i], bins=12, color=MUTED)
                panel.set_yticks([])
            else:
                panel.scatter(X[:, j], X[:, i], s=9, color=CYCLE[0])
            if i == p - 1:
                panel.set_xlabel(names[j])
            if j == 0:
                panel.set_ylabel(names[i])
    R = np.corrcoef(X, rowvar=False)
    row, column = divmod(int(np.argmax(np.abs(np.tril(R, -1)))), p)
    return Picture(
        figure,
        f"Scatter plots of all pairs of {', '.join(names)}. The strongest correlation, {R[row, column]:.2f}, is "
        f"between {names[column]} and {names[row]}.",
    )


def direction(X: np.ndarray, angle: float, names: Sequence[str] = ("$x_1$", "$x_2$")) -> Picture:
    """Points X (n, 2) projected onto the line at `angle` degrees, and the variance along every direction."""
    X = np.asarray(X) - np.mean(X, axis=0)
    S = np.cov(X, rowvar=False)
    turns = np.linspace(0, 180, 181)
    W = np.stack([np.cos(np.radians(turns)), np.sin(np.radians(turns))])
    variance = np.einsum("it,ij,jt->t", W, S, W)
    w = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    here = variance_along(X, w)

    figure, panels = axes(1, 2)
    left, right = panels[0]
    reach = 1.1 * np.abs(X).max() * np.sqrt(2)
    feet = np.outer(X @ w, w)
    left.plot(*np.stack([X, feet], axis=2).transpose(1, 2, 0), color=MUTED, linewidth=0.6)
    left.plot(*np.outer(w, [-reach, reach]), color=CYCLE[1])
    left.scatter(*X.T, s=16, color=CYCLE[0], zorder=3, label="samples")
    left.scatter(*feet.T, s=10, color=CYCLE[1], zorder=3, label="projections")
    limit = 1.15 * np.abs(X).max()
    left.set(
        title=f"direction at {angle:.0f}°", xlabel=names[0], ylabel=names[1], xlim=(-limit, limit), ylim=(-limit, limit)
    )
    left.set_aspect("equal")
    right.plot(turns, variance, color=INK)
    right.plot([angle % 180], [here], "o", color=CYCLE[1], markersize=9)
    right.set(title=f"variance along it: {here:.3f}", xlabel="angle of the direction (degrees)", ylabel="variance")
    right.set(xlim=(0, 180), xticks=[0, 45, 90, 135, 180], ylim=(0, 1.1 * variance.max()))
    return Picture(
        figure,
        f"Left: {len(X)} points and their feet on a line at {angle:.0f} degrees. Right: the variance of the feet "
        f"against the angle; it is {here:.3f} here, at most {variance.max():.3f} at {turns[variance.argmax()]:.0f} "
        f"degrees and at least {variance.min():.3f}.",
    )


def biplot(Z: np.ndarray, E: np.ndarray, samples: Sequence[str], features: Sequence[str]) -> Picture:
    """Scores Z (n, >= 2) as names and loadings E (p, >= 2) as arrows, each with a scale of its own (Figure 10.1)."""
    Z, E = np.asarray(Z)[:, :2], np.asarray(E)[:, :2]
    figure, panels = axes(1, 1, width=8.4, height=7.2)
    panel = panels[0, 0]
    limit_x, limit_y = 1.13 * np.abs(Z).max(axis=0)
    panel.set(xlim=(-limit_x, limit_x), ylim=(-limit_y, limit_y), aspect="equal")
    panel.set(xlabel="first principal component (scores)", ylabel="second principal component (scores)")
    panel.axhline(0, color=MUTED, linewidth=0.8)
    panel.axvline(0, color=MUTED, linewidth=0.8)
    panel.scatter(*Z.T, s=7, color=CYCLE[4])
    stretch = 0.72 * min(limit_x, limit_y) / np.abs(E).max()
    em = 2 * limit_x / 110  # about the width of a letter at this size
    taken = [
        (a + 0.9 * em * len(name), 0.9 * em * len(name), b - em)
        for name, (a, b) in zip(features, E * stretch, strict=True)
    ]
    heights = _apart(Z, [0.5 * em * len(name) for name in samples], 2.2 * em, taken)
    for name, x, height in zip(samples, Z[:, 0], heights, strict=True):
        panel.text(x, height, name, ha="center", va="bottom", fontsize=8.5, color=CYCLE[0])
    _arrows(panel, E * stretch, features)
    upper, right = (
        panel.secondary_xaxis("top", functions=_scale(stretch)),
        panel.secondary_yaxis("right", functions=_scale(stretch)),
    )
    upper.set_xlabel("loadings")
    right.set_ylabel("loadings")
    for side in (upper, right):
        side.tick_params(colors=RUST)
    ends = "; ".join(f"{name} points to ({a:.2f}, {b:.2f})" for name, (a, b) in zip(features, E, strict=True))
    return Picture(
        figure,
        f"Biplot of {len(Z)} samples by their first two scores. Furthest right: {samples[int(Z[:, 0].argmax())]}; "
        f"furthest left: {samples[int(Z[:, 0].argmin())]}; highest: {samples[int(Z[:, 1].argmax())]}; lowest: "
        f"{samples[int(Z[:, 1].argmin())]}. Arrows for the loadings: {ends}.",
    )


def _scale(stretch: float):
    return (lambda v: v / stretch, lambda v: v * stretch)


def _apart(
    points: np.ndarray, half_widths: Sequence[float], height: float, taken: list[tuple[float, float, float]]
) -> np.ndarray:
    """The heights (n,) at which names centred over `points` (n, 2) do not cover each other: moved up, lowest first.

    taken holds the centre, half width and height of names that stand already.
    """
    order = np.argsort(points[:, 1])
    placed = list(taken)
    heights = points[:, 1].copy()
    for i in order:
        x, w = points[i, 0], half_widths[i]
        for other_x, other_w, other_height in sorted(placed, key=lambda p: p[2]):
            if abs(x - other_x) < w + other_w and abs(heights[i] - other_height) < height:
                heights[i] = other_height + height
        placed.append((x, w, heights[i]))
    return heights


def _arrows(panel: Axes, ends: np.ndarray, names: Sequence[str]) -> None:
    """Arrows from the origin to `ends` (p, 2), named at their heads; too short ones have no room for a name."""
    for name, (a, b) in zip(names, ends, strict=True):
        panel.annotate("", (a, b), (0, 0), arrowprops={"arrowstyle": "-|>", "color": CYCLE[1], "linewidth": 2})
        if np.hypot(a, b) > 0.25 * np.linalg.norm(ends, axis=1).max():
            text = panel.text(a, b, f" {name} ", color=RUST, fontsize=12, weight="bold")
            text.set(ha="left" if a > 0 else "right", va="center" if abs(a) > abs(b) else "bottom" if b > 0 else "top")
            text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def scree(shares: np.ndarray) -> Picture:
    """Shares of variance (p,) by component, each alone and added up (Figure 10.4 of the book)."""
    shares = np.asarray(shares)
    k = np.arange(1, len(shares) + 1)
    figure, panels = axes(1, 2, width=3.8, height=3.2, sharex=True)
    for panel, values, title in zip(panels[0], (shares, shares.cumsum()), ("each component", "added up"), strict=True):
        panel.plot(k, values, "o-", color=CYCLE[0])
        panel.set(title=title, xlabel="principal component", ylim=(-0.03, 1.05), xticks=k)
    panels[0, 0].set_ylabel("share of variance")
    listed = ", ".join(f"{share:.3f}" for share in shares)
    return Picture(figure, f"Scree plot. Shares of variance by component: {listed}. They add up to {shares.sum():.3f}.")


def approximation_error(errors: np.ndarray, bounds: np.ndarray) -> Picture:
    """Squared error of the k-dimensional approximation for k = 0, 1, ..., and what Eckart and Young say it must be."""
    errors, bounds = np.asarray(errors), np.asarray(bounds)
    k = np.arange(len(errors))
    figure, panels = axes(1, 1, width=5.4)
    panel = panels[0, 0]
    panel.plot(k, bounds, "s-", color=CYCLE[5], markersize=11, label=r"$(n-1)\,(\lambda_{k+1}+\dots+\lambda_p)$")
    panel.plot(k, errors, "o", color=CYCLE[0], label=r"$\sum_{ij}(x_{ij}-\hat x_{ij})^2$")
    panel.set(xlabel="k, the dimension of the affine subspace", ylabel="squared error", xticks=k)
    panel.legend()
    return Picture(
        figure,
        f"Squared error against the dimension k: {', '.join(f'{e:.1f}' for e in errors)} for k = 0 to "
        f"{len(errors) - 1}; every measured point lies on Eckart and Young's value.",
    )


def two_biplots(
    left: tuple, right: tuple, samples: Sequence[str], features: Sequence[str], titles: Sequence[str]
) -> Picture:
    """Two biplots side by side, samples as dots: (Z, E) each, as in Figure 10.3 of the book."""
    figure, panels = axes(1, 2, width=4.6, height=4.4)
    for panel, (Z, E), title in zip(panels[0], (left, right), titles, strict=True):
        Z, E = np.asarray(Z)[:, :2], np.asarray(E)[:, :2]
        panel.scatter(*Z.T, s=12, color=CYCLE[0])
        _arrows(panel, 0.7 * np.abs(Z).max() / np.abs(E).max() * E, features)
        panel.set(title=title, xlabel="first component", ylabel="second component")
        equal(panel)
    first = [
        ", ".join(f"{name} {weight:.2f}" for name, weight in zip(features, np.asarray(E)[:, 0], strict=True))
        for _, E in (left, right)
    ]
    return Picture(
        figure,
        f"Two biplots of the same {len(samples)} samples. Loadings of the first component, {titles[0]}: {first[0]}; "
        f"{titles[1]}: {first[1]}.",
    )

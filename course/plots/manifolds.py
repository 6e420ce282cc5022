"""Figures of the chapter on manifold learning."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy import sparse

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

_VIEW = {"elev": 12, "azim": -72}


_HEAT = LinearSegmentedColormap.from_list("heat", ["#D8D8D8", "#E69F00", "#D55E00", "#6B1E00"])


def _paint(colour: np.ndarray, scale: Any = "viridis") -> dict:
    """Scatter arguments: the palette for a few integer labels, a scale from dark blue to yellow for anything else."""
    colour = np.asarray(colour)
    if colour.dtype.kind in "iu":
        return {"c": [CYCLE[int(label) % len(CYCLE)] for label in colour]}
    return {"c": colour, "cmap": scale}


def _in_space(
    figure: Figure, old: Axes, X: np.ndarray, colour: np.ndarray, size: float = 6, scale: Any = "viridis"
) -> Any:
    """Put a view of the points X (n, 3) in the place of the flat panel `old`; returns the new one."""
    where = old.get_subplotspec()
    old.remove()
    panel = figure.add_subplot(where, projection="3d")
    panel.scatter(*X.T, s=size, linewidths=0, alpha=1, depthshade=scale == "viridis", **_paint(colour, scale))
    panel.set_box_aspect(np.ptp(X, axis=0), zoom=1.25)
    panel.view_init(**_VIEW)
    panel.set(xticklabels=[], yticklabels=[], zticklabels=[])
    return panel


def _flat(panel: Axes, Z: np.ndarray, colour: np.ndarray, size: float = 6, same_scale: bool = True) -> None:
    """Points Z (n, 2) without ticks: positions, directions and units mean nothing here, only the arrangement does."""
    panel.scatter(Z[:, 0], Z[:, 1], s=size, linewidths=0, **_paint(colour))
    panel.set(xticks=[], yticks=[])
    panel.margins(0.06)
    if same_scale:
        panel.set_aspect("equal", adjustable="datalim")


def surface(X: np.ndarray, truth: np.ndarray | None, colour: np.ndarray, name: str) -> Picture:
    """A surface in space, X (n, 3), beside its flat coordinates, truth (n, 2), in the same colours."""
    X = np.asarray(X)
    figure, panels = axes(1, 1 if truth is None else 2, width=5.2, height=3.6)
    view = _in_space(figure, panels[0, 0], X, colour, size=9)
    view.set_title(f"{name}: what is given")
    words = f"{len(X)} points of a {name} in space, coloured along it."
    if truth is not None:
        panel = panels[0, 1]
        panel.scatter(truth[:, 0], truth[:, 1], s=9, linewidths=0, **_paint(colour))
        panel.set(title="what is to be found", xlabel="length along it", ylabel="height")
        panel.set_aspect("equal", adjustable="datalim")
        long, high = np.ptp(truth, axis=0)
        words += f" Beside it the same points in flat coordinates, a rectangle of about {long:.3g} by {high:.3g}."
    return Picture(figure, words)


def maps(
    embeddings: Mapping[str, np.ndarray],
    colour: np.ndarray,
    what: str = "embeddings of the same points",
    columns: int = 3,
    same_scale: bool = True,
) -> Picture:
    """Embeddings (n, 2) side by side, under their names, in the same colours."""
    count = len(embeddings)
    columns = min(columns, count)
    figure, panels = axes(math.ceil(count / columns), columns, width=10.5 / max(columns, 2), height=3.1, grid=False)
    for panel in panels.flat[count:]:
        panel.set_visible(False)
    for panel, (name, Z) in zip(panels.flat, embeddings.items(), strict=False):
        _flat(panel, np.asarray(Z), colour, 9, same_scale)
        panel.set_title(name)
    return Picture(figure, f"{count} {what}: {', '.join(embeddings)}.")


def two_ways(
    X: np.ndarray, path: Sequence[int], true: np.ndarray, straight: np.ndarray, walked: np.ndarray, colour: np.ndarray
) -> Picture:
    """One pair of points and all of them: straight line and walk on X (n, 3), and both lengths against the truth.

    path         the points of a shortest path, from its start to its end
    true, straight, walked   (m,) the lengths for m pairs: within the surface, through space, along the graph
    """
    X = np.asarray(X)
    figure, panels = axes(1, 2, width=5.2, height=3.9)
    view = _in_space(figure, panels[0, 0], X, colour, size=7)
    ends = X[[path[0], path[-1]]]
    view.plot(*ends.T, color=CYCLE[1], linewidth=2.5, linestyle="--", label="straight line")
    view.plot(*X[list(path)].T, color=INK, linewidth=2.5, label="shortest path in the graph")
    view.scatter(ends[:, 0], ends[:, 1], ends[:, 2], color=INK, s=45, depthshade=False)
    view.legend(loc="upper center", bbox_to_anchor=(0.5, 1.08), ncols=2)
    right = panels[0, 1]
    limit = 1.05 * max(np.max(true), np.max(walked))
    right.plot([0, limit], [0, limit], color=MUTED, linewidth=1)
    right.scatter(true, straight, s=7, linewidths=0, color=CYCLE[1], label="straight line")
    right.scatter(true, walked, s=7, linewidths=0, color=CYCLE[0], label="shortest path in the graph")
    right.set(xlabel="true distance within the surface", ylabel="measured distance", xlim=(0, limit), ylim=(0, limit))
    right.legend(loc="upper left", markerscale=2)
    ratio = np.median(np.asarray(walked) / np.asarray(true))
    return Picture(
        figure,
        f"Left: two points of the surface, joined by a straight line through space and by a path of {len(path) - 1} "
        f"edges within the surface. Right: for {len(true)} pairs the paths are close to the true distance (the middle "
        f"ratio is {ratio:.2f}); straight lines fall short of it, the more the farther apart the points are.",
    )


def reconstruction(x: np.ndarray, N: np.ndarray, w: np.ndarray) -> Picture:
    """A point x (2,), its neighbours N (k, 2) with their weights w (k,), and the weighted sum."""
    x, N, w = np.asarray(x), np.asarray(N), np.asarray(w)
    figure, panels = axes(1, 1, width=6.6, height=3.2, grid=False)
    panel = panels[0, 0]
    panel.add_collection(LineCollection([[x, near] for near in N], colors=MUTED, linewidths=0.5 + 5 * np.abs(w)))
    panel.scatter(N[:, 0], N[:, 1], s=60, color=CYCLE[0], zorder=3, label="neighbours, with their weights")
    panel.scatter(x[0], x[1], s=90, color=CYCLE[1], zorder=3, label="the point")
    panel.scatter([w @ N[:, 0]], [w @ N[:, 1]], s=110, marker="x", color=INK, zorder=4, label="weighted sum")
    for near, weight in zip(N, w, strict=True):
        away = 22 * (near - x) / np.linalg.norm(near - x)
        panel.annotate(f"{weight:.2f}", near, xytext=away, textcoords="offset points", ha="center", va="center")
    panel.margins(0.3)
    panel.set(xticks=[], yticks=[], aspect="equal")
    figure.legend(loc="outside right upper", frameon=False)
    far = np.linalg.norm(w @ N - x) / np.linalg.norm(N - x, axis=1).mean()
    return Picture(
        figure,
        f"A point among {len(w)} neighbours, whose weights are {', '.join(f'{v:.2f}' for v in w)}. The weighted sum "
        f"misses the point by {100 * far:.1f} per cent of the neighbours' mean distance.",
    )


def spreading(X: np.ndarray, start: int, walks: Mapping[int, np.ndarray]) -> Picture:
    """Where a walk on X (n, 3) may be after t steps from `start`: `walks` maps t to probabilities (n,)."""
    X = np.asarray(X)
    figure, panels = axes(1, len(walks), width=10.5 / len(walks), height=3.3)
    reached = []
    for old, (t, p) in zip(panels[0], walks.items(), strict=True):
        panel = _in_space(figure, old, X, np.sqrt(p / p.max()), size=11, scale=_HEAT)
        panel.scatter(X[start, 0], X[start, 1], X[start, 2], color=CYCLE[0], marker="*", s=130, depthshade=False)
        panel.set_title(f"after {t} step{'s' if t > 1 else ''}")
        reached.append(f"{np.exp(-(p[p > 0] * np.log(p[p > 0])).sum()):.0f} after {t}")
    return Picture(
        figure,
        f"The same surface {len(walks)} times, coloured by the probability that a walk from a starred point is there. "
        f"It spreads along the surface; the number of points among which it is as good as evenly spread is "
        f"{', '.join(reached)} steps.",
    )


def rates(found: Mapping[str, np.ndarray], wanted: np.ndarray) -> Picture:
    """Eigenvalues of a generator, (m,) for every name, against those `wanted` (m,) of the Laplacian."""
    figure, panels = axes(1, 1, width=7.5, height=3.8)
    panel = panels[0, 0]
    j = np.arange(1, len(wanted) + 1)
    panel.hlines(wanted, j - 0.42, j + 0.42, color=INK, linewidth=1.2, label="Laplacian: 1, 1, 4, 4, 9, 9, ...")
    for offset, colour, marker, (name, values) in zip(
        np.linspace(-0.22, 0.22, len(found)), CYCLE[1::-1] + CYCLE[2:], "sov^", found.items(), strict=False
    ):
        panel.plot(j + offset, values, marker, color=colour, markersize=7, label=name)
    panel.set(xlabel="eigenfunction", ylabel="eigenvalue of the generator", xticks=j)
    panel.legend(loc="upper left")
    off = {name: 100 * np.abs(np.asarray(values) / wanted - 1).max() for name, values in found.items()}
    worst = "; ".join(f"{name}: at most {most:.0f} per cent off" for name, most in off.items())
    return Picture(
        figure, f"The first {len(j)} eigenvalues of the walk's generator against the squares 1, 1, 4, 4, 9, 9. {worst}."
    )


def networks(cases: Mapping[str, tuple], truth: np.ndarray, anchors: np.ndarray) -> Picture:
    """Sensors where they are and where they were found: `cases` maps a name to (D, X, spread), as in `localisation`."""
    truth, anchors = np.asarray(truth), np.asarray(anchors)
    figure, panels = axes(1, len(cases), width=10.5 / len(cases), height=11.8 / len(cases), grid=False)
    every = np.vstack([truth, anchors])
    n, words = len(truth), []
    for panel, (name, (D, X, spread)) in zip(panels[0], cases.items(), strict=True):
        i, j = np.nonzero(np.triu(np.isfinite(D), 1))
        keep = i < n
        pairs = [every[[a, b]] for a, b in zip(i[keep], j[keep], strict=True)]
        panel.add_collection(LineCollection(pairs, colors="#D0D0D0", linewidths=0.6, zorder=0))
        for at, radius in zip(X, spread, strict=True):
            panel.add_patch(Circle(at, radius, facecolor=CYCLE[4], alpha=0.25, linewidth=0))
        panel.add_collection(LineCollection(list(np.stack([truth, X], axis=1)), colors=CYCLE[1], linewidths=1.5))
        panel.scatter(*truth.T, s=28, facecolors="none", edgecolors=INK, label="sensor")
        panel.scatter(*X.T, s=26, marker="+", color=CYCLE[1], linewidths=1.6, label="found")
        panel.scatter(*anchors.T, s=48, marker="D", color=CYCLE[0], label="anchor")
        panel.set(title=name, xticks=[], yticks=[], xlim=(-0.62, 0.62), ylim=(-0.62, 0.62), aspect="equal")
        worst = np.linalg.norm(truth - X, axis=1).max()
        words.append(f"{name}: {len(pairs)} distances, the worst sensor is {worst:.2g} from its place")
    panels[0, 0].legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, handletextpad=0.2, columnspacing=0.8, borderaxespad=0.2
    )
    return Picture(
        figure,
        f"{n} sensors and {len(anchors)} anchors in a square, grey lines where a distance was measured. "
        f"{'; '.join(words)}. Pale discs show how sure the relaxation is.",
    )


def error_curve(levels: Sequence[float], errors: np.ndarray, xlabel: str, ylabel: str) -> Picture:
    """Errors (levels, repetitions) against the levels: every repetition as a dot, the medians joined."""
    errors = np.asarray(errors)
    figure, panels = axes(1, 1, width=6, height=3.6)
    panel = panels[0, 0]
    panel.plot(np.repeat(levels, errors.shape[1]), errors.ravel(), "o", color=CYCLE[4], markersize=5, label="each run")
    middle = np.median(errors, axis=1)
    panel.plot(levels, middle, color=CYCLE[0], marker="o", label="median")
    panel.set(xlabel=xlabel, ylabel=ylabel)
    panel.set_ylim(bottom=0)
    panel.legend(loc="upper left")
    points = ", ".join(f"{value:.3f} at {level:g}" for level, value in zip(levels, middle, strict=True))
    return Picture(figure, f"{ylabel} against {xlabel}, {errors.shape[1]} runs a level. Medians: {points}.")


def comparison(rows: Sequence[tuple[str, np.ndarray, np.ndarray, Mapping[str, tuple]]]) -> Picture:
    """All methods on all data: a row (name, X, colour, maps) a data set, `maps` from a method to (Z, which points).

    X of three columns is shown in space, any other by its first two principal components. Every panel is stretched to
    fill its square.
    """
    methods = list(rows[0][3])
    ratios = {"width_ratios": [1.25] + [1] * len(methods)}
    figure, panels = axes(len(rows), len(methods) + 1, width=1.1, height=1.25, grid=False, gridspec_kw=ratios)
    for at, (name, X, colour, embeddings) in enumerate(rows):
        row = panels[at]
        X, colour = np.asarray(X), np.asarray(colour)
        if X.shape[1] == 3:
            first = _in_space(figure, row[0], X, colour, size=2)
            first.set(xticks=[], yticks=[], zticks=[])
            first.set_title(name, fontsize=10)
            first.set_box_aspect(np.ptp(X, axis=0), zoom=1.05)
        else:
            centred = X - X.mean(axis=0)
            _flat(row[0], centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T, colour, 2, same_scale=False)
            row[0].set_title(name, fontsize=10)
            row[0].spines[["left", "bottom"]].set_visible(False)
        for panel, (method, found) in zip(row[1:], embeddings.items(), strict=True):
            Z, chosen = found
            _flat(panel, Z, colour[chosen], 2 if len(Z) == len(X) else 9, same_scale=False)
            panel.spines[["left", "bottom"]].set_visible(False)
            if at == 0:
                panel.set_title(method, fontsize=10)
    return Picture(
        figure,
        f"A grid of small maps: {len(rows)} data sets ({', '.join(row[0] for row in rows)}) down, and across the data "
        f"themselves and {len(methods)} methods: {', '.join(methods)}. The table gives each map's quality in numbers.",
    )


def graph_and_map(
    X: np.ndarray, truth: np.ndarray, edges: sparse.sparray, Z: np.ndarray | None, colour: np.ndarray, name: str
) -> Picture:
    """A neighbour graph on a rolled sheet X (n, 3), seen along the roll's axis, and the map Z (n, 2) that it leads to.

    An edge is called a short circuit where its ends lie more than three times as far apart within the sheet, by truth
    (n, 2), as through space. Z is None where the graph is not connected.
    """
    X, truth = np.asarray(X), np.asarray(truth)
    one_way = sparse.triu(edges).tocoo()
    i, j = one_way.coords
    wrong = np.linalg.norm(truth[i] - truth[j], axis=1) > 3 * one_way.data
    figure, panels = axes(1, 2, width=5.2, height=3.7, grid=False)
    left, right = panels[0]
    side = X[:, [0, 2]]
    for chosen, ink, width, order in ((~wrong, "#BBBBBB", 0.7, 0), (wrong, CYCLE[1], 2, 3)):
        lines = [side[[a, b]] for a, b in zip(i[chosen], j[chosen], strict=True)]
        left.add_collection(LineCollection(lines, colors=ink, linewidths=width, zorder=order))
    _flat(left, side, colour, 10)
    short = "no short circuit" if not wrong.any() else f"{wrong.sum()} short circuit{'s' if wrong.sum() > 1 else ''}"
    left.set_title(f"{name}: {short}")
    words = f"Left: the neighbour graph seen from the side, {name}, {len(i)} edges, {short}. "
    if Z is None:
        right.set(xticks=[], yticks=[], title="no map: the graph is in pieces")
        words += "Right: nothing, because the graph is not connected."
    else:
        from course.unsupervised.embedding_quality import procrustes

        moved, error = procrustes(truth, Z)
        _flat(right, moved, colour, 10)
        right.set_title(f"its ISOMAP: error {error:.2f}")
        words += f"Right: the map by ISOMAP, whose error against the true coordinates is {error:.2f}."
    return Picture(figure, words)


def neighbours(X: np.ndarray, truth: np.ndarray, colour: np.ndarray, k: int) -> Picture:
    """`graph_and_map` for k neighbours: everything is computed here, from the points."""
    from course.unsupervised.graph import neighbour_graph
    from course.unsupervised.mds import isomap

    k = int(k)
    try:
        Z = isomap(X, k)
    except ValueError:  # the graph is not connected, and the picture says so
        Z = None
    return graph_and_map(X, truth, neighbour_graph(X, k), Z, colour, f"{k} neighbour{'s' if k > 1 else ''}")

"""Figures of the chapter on robust estimation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy.stats import norm

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, axes
from course.robust.contamination import indistinguishable
from course.robust.depth import depth_region, halfspace_depth, smallest_halfplane

MARKS = "sD^vPX*"


def contaminated(X: np.ndarray, is_clean: np.ndarray) -> Picture:
    """A sample X (n, 2) of Huber's model twice: as its maker knows it, and as the statistician sees it."""
    X, is_clean = np.asarray(X), np.asarray(is_clean, dtype=bool)
    figure, panels = axes(1, 2, sharex=True, sharey=True)
    left, right = panels[0]
    _rows(left, X, is_clean)
    left.legend(loc="upper left", handletextpad=0.1)
    right.scatter(*X.T, s=14, color=INK)
    left.set(title="what happened", xlabel="$x_1$", ylabel="$x_2$")
    right.set(title="what you are given", xlabel="$x_1$")
    share = 1 - is_clean.mean()
    return Picture(
        figure,
        f"Two scatter plots of the same {len(X)} rows. On the left the clean rows are dots and the {share:.0%} "
        f"contaminated ones, about ({X[~is_clean].mean(axis=0)[0]:.1f}, {X[~is_clean].mean(axis=0)[1]:.1f}), are "
        "crosses; on the right nothing tells them apart.",
    )


def _rows(panel: Axes, X: np.ndarray, is_clean: np.ndarray) -> None:
    panel.scatter(X[is_clean, 0], X[is_clean, 1], s=14, color=CYCLE[4], label="clean")
    panel.scatter(
        X[~is_clean, 0], X[~is_clean, 1], s=26, color=CYCLE[1], marker="x", linewidth=1.3, label="contaminated"
    )


def moving_away(distances: np.ndarray, errors: Mapping[str, Sequence[float]]) -> Picture:
    """The error of each estimate against how far away the contamination stands, both on log scales."""
    figure, panels = axes(1, 1, width=6.2)
    panel = panels[0, 0]
    for (name, values), colour, mark in zip(errors.items(), CYCLE, MARKS, strict=False):
        panel.loglog(distances, values, mark + "-", color=colour, markersize=5, label=name)
    panel.set(xlabel="distance of the contamination", ylabel="error of the estimate")
    panel.legend()
    ends = "; ".join(f"{name} {values[0]:.2g} to {values[-1]:.2g}" for name, values in errors.items())
    return Picture(
        figure,
        f"Error against the distance of the contamination, from {distances[0]:.2g} to {distances[-1]:.2g}, on log "
        f"scales. From the first to the last distance the errors go: {ends}.",
    )


def twins(eps: float) -> Picture:
    """The densities of N(0, 1) and N(d, 1), each with the contamination that makes both mixtures one and the same."""
    d = indistinguishable(eps)
    x = np.linspace(-3.5, d + 3.5, 400)
    mixture = (1 - eps) * np.maximum(norm.pdf(x), norm.pdf(x - d))
    figure, panels = axes(1, 2, sharex=True, sharey=True, height=3.2)
    for panel, centre, name in zip(panels[0], (0, d), (r"\theta = 0", rf"\theta = {d:.2f}"), strict=True):
        clean = (1 - eps) * norm.pdf(x - centre)
        panel.fill_between(x, 0, clean, color=CYCLE[4], alpha=0.6, linewidth=0, label=r"$(1-\epsilon)\,P_\theta$")
        panel.fill_between(x, clean, mixture, color=CYCLE[1], alpha=0.8, linewidth=0, label=r"$\epsilon\,Q$")
        panel.plot(x, mixture, color=INK)
        panel.axvline(centre, color=CYCLE[0], linestyle="--", linewidth=1.5)
        panel.set(title=f"${name}$", xlabel="x")
    panels[0, 0].set(ylabel="density", ylim=(0, 1.35 * mixture.max()))
    panels[0, 0].legend(loc="upper left")
    return Picture(
        figure,
        f"Two stacked densities with the same outline. On the left {1 - eps:.0%} of N(0, 1) and {eps:.0%} of "
        f"contamination to its right; on the right {1 - eps:.0%} of N({d:.2f}, 1) and {eps:.0%} of contamination to "
        "its left. The sums, drawn in black, are equal everywhere.",
    )


def halfplanes(X: np.ndarray, points: np.ndarray) -> Picture:
    """For every one of the points (m, 2), the halfplane through it that holds the fewest of the data X (n, 2)."""
    X, points = np.asarray(X, dtype=float), np.atleast_2d(np.asarray(points, dtype=float))
    figure, panels = axes(1, len(points), width=3.3, height=3.3, sharex=True, sharey=True)
    everything = np.vstack([X, points])
    low, high = everything.min(axis=0) - 0.4, everything.max(axis=0) + 0.4
    depths = halfspace_depth(points, X)
    counts = np.rint(depths * len(X)).astype(int)
    for panel, z, count in zip(panels[0], points, counts, strict=True):
        u = smallest_halfplane(z, X)
        along, far = np.array([-u[1], u[0]]), 10 * np.abs(high - low).max()
        corners = [z + far * along, z + far * along + far * u, z - far * along + far * u, z - far * along]
        panel.fill(*np.transpose(corners), color=CYCLE[1], alpha=0.18, linewidth=0)
        panel.plot(*np.transpose([z + far * along, z - far * along]), color=CYCLE[1], linewidth=1.2)
        inside = (X - z) @ u >= 0
        panel.scatter(*X[~inside].T, s=14, color=CYCLE[0])
        panel.scatter(*X[inside].T, s=16, color=CYCLE[1])
        panel.plot(*z, "*", color=INK, markersize=13)
        panel.set(title=f"{count} of {len(X)} beyond", xlabel="$x_1$", xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        panel.set_aspect("equal")
    panels[0, 0].set_ylabel("$x_2$")
    listed = "; ".join(f"({z[0]:.1f}, {z[1]:.1f}): {c}" for z, c in zip(points, counts, strict=True))
    return Picture(
        figure,
        f"The same {len(X)} points, {len(points)} times, each time with a star and the halfplane through it that holds "
        f"the fewest points, shaded. Star and count: {listed}.",
    )


def depth_contours(
    X: np.ndarray, levels: Sequence[float], is_clean: np.ndarray, marks: Mapping[str, np.ndarray]
) -> Picture:
    """The regions of depth >= level in X (n, 2), nested, over the rows; and the summit, enlarged, with named points."""
    X = np.asarray(X, dtype=float)
    levels = sorted(levels)
    regions = {level: corners for level in levels if len(corners := depth_region(X, level)) > 2}
    figure, panels = axes(1, 2, width=4.7, height=4.4)
    whole, summit = panels[0]
    for panel in (whole, summit):
        _rows(panel, X, np.asarray(is_clean, dtype=bool))
        for corners in regions.values():
            panel.fill(*corners.T, facecolor=CYCLE[0], alpha=0.10, linewidth=0)
            panel.plot(*np.vstack([corners, corners[:1]]).T, color=CYCLE[0], linewidth=1.2)
        panel.set(xlabel="$x_1$")
        panel.set_aspect("equal")
    whole.set(title="depth, level by level", ylabel="$x_2$")
    shown = levels[-2:] if len(levels) > 1 else levels
    for level in levels:
        if level in regions:
            corners = regions[level]
            panel = summit if level in shown else whole
            low = corners[corners[:, 1].argmin()]
            text = panel.text(*low, f"{level:g}", ha="center", va="center", fontsize=9.5, color=INK, zorder=6)
            text.set_path_effects([withStroke(linewidth=4, foreground="white")])
    _named_points(summit, marks)
    close = np.vstack([regions[shown[0]], *[np.asarray(at)[None] for at in marks.values()]])
    middle, reach = (close.max(axis=0) + close.min(axis=0)) / 2, 0.6 * np.ptp(close, axis=0).max()
    summit.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
    summit.set(title="the summit")
    handles, names = summit.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    drawn = ", ".join(f"{level:g} ({len(corners)} corners)" for level, corners in regions.items())
    return Picture(
        figure,
        f"{len(X)} points and nested convex polygons, the regions of depth at least {drawn}, whole and enlarged. "
        f"Marked: {_said(marks)}.",
    )


def estimates(X: np.ndarray, is_clean: np.ndarray, marks: Mapping[str, np.ndarray], truth=(0.0, 0.0)) -> Picture:
    """The rows X (n, 2) of a contaminated sample, named estimates of the location, and the truth as a ring."""
    X, is_clean = np.asarray(X), np.asarray(is_clean, dtype=bool)
    figure, panels = axes(1, 2, width=4.6, height=4.0)
    whole, near = panels[0]
    for panel in (whole, near):
        _rows(panel, X, is_clean)
        panel.plot(*truth, "o", markersize=15, markerfacecolor="none", markeredgecolor=INK, label="truth", zorder=4)
        _named_points(panel, marks)
        panel.set(xlabel="$x_1$")
    reach = 1.08 * max(4.0, np.abs(X).max())
    whole.set(title="all of it", ylabel="$x_2$", xlim=(-reach, reach), ylim=(-reach, reach))
    close = 1.15 * max(1.0, *(np.abs(np.asarray(at) - truth).max() for at in marks.values()))
    close = min(close, reach)
    near.set(
        title="round the truth", xlim=(truth[0] - close, truth[0] + close), ylim=(truth[1] - close, truth[1] + close)
    )
    for panel in (whole, near):
        panel.set_aspect("equal")
    handles, names = near.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), columnspacing=1.2, handletextpad=0.2)
    off = "; ".join(f"{name} {np.linalg.norm(np.asarray(at) - truth):.2f}" for name, at in marks.items())
    return Picture(
        figure,
        f"A contaminated sample of {len(X)} rows, {1 - is_clean.mean():.0%} of them contaminated, whole and enlarged "
        f"round the truth. Distances of the estimates from the truth: {off}.",
    )


def _named_points(panel: Axes, marks: Mapping[str, np.ndarray]) -> None:
    for (name, at), mark, colour in zip(
        marks.items(), MARKS, (CYCLE[6], CYCLE[3], CYCLE[2], CYCLE[0], CYCLE[5]), strict=False
    ):
        panel.plot(*at, mark, color=colour, markersize=9, markeredgecolor="white", label=name, zorder=5, linestyle="")


def _said(marks: Mapping[str, np.ndarray]) -> str:
    return "; ".join(f"{name} at ({at[0]:.2f}, {at[1]:.2f})" for name, at in marks.items())


def breakdown(shares: np.ndarray, moved: Mapping[str, Sequence[float]]) -> Picture:
    """How far each estimate goes, on a log scale, as more and more of the rows are moved far away."""
    shares = np.asarray(shares)
    figure, panels = axes(1, 1, width=6.8)
    panel = panels[0, 0]
    for (name, values), colour, mark in zip(moved.items(), CYCLE, MARKS, strict=False):
        panel.semilogy(
            shares, np.maximum(values, 1e-2), mark + "-", color=colour, markersize=5, linewidth=1.3, label=name
        )
    panel.set(xlabel="share of the rows that the adversary has", ylabel="how far the estimate moved")
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    last = "; ".join(f"{name} {limit:.2f}" for name, limit in limits(shares, moved).items())
    return Picture(
        figure,
        f"How far estimates move, on a log scale, against the adversary's share from 0 to {shares[-1]:.2f}. Each stays "
        f"near the data and then jumps. Largest share survived: {last}.",
    )


def limits(shares: np.ndarray, moved: Mapping[str, Sequence[float]], far: float = 1e3) -> dict[str, float]:
    """For each estimate the largest share before the first that carried it further than `far`."""
    found = {}
    for name, values in moved.items():
        broken = np.flatnonzero(np.asarray(values) > far)
        found[name] = float(shares[broken[0] - 1] if len(broken) and broken[0] else 0.0 if len(broken) else shares[-1])
    return found


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of a straight line fitted to log y against log x: the exponent of a power law."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def power_laws(panels: Sequence[tuple[str, Sequence[float], Mapping[str, Sequence[float]]]], ylabel: str) -> Picture:
    """Panels (title, x, {name: y}) on log scales, with the slope fitted to each curve beside its last point."""
    figure, drawn = axes(1, len(panels), width=10.0 / len(panels), height=3.7)
    said = []
    for panel, (title, x, curves) in zip(drawn[0], panels, strict=True):
        for (name, y), colour, mark in zip(curves.items(), CYCLE, MARKS, strict=False):
            panel.loglog(x, y, mark + "-", color=colour, markersize=5, label=name)
            said.append(f"{name} against {title} {slope(x, y):.2f}")
        panel.set(xlabel=r"$\epsilon$" if title == "eps" else title)
        panel.set_xticks(list(x), [f"{value:g}" for value in x])
        panel.minorticks_off()
        _at_the_ends(panel, x[-1], list(curves.values()), [f" {slope(x, y):.2f}" for y in curves.values()])
        panel.margins(x=0.16)
    drawn[0, 0].set_ylabel(ylabel)
    figure.legend(*drawn[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return Picture(figure, f"{ylabel.capitalize()} on log scales. Fitted slopes: {'; '.join(said)}.")


def _at_the_ends(panel: Axes, x: float, curves: Sequence[Sequence[float]], texts: Sequence[str]) -> None:
    """Write a text at the end of each curve, on a log scale, no two of them over each other."""
    low, high = np.log(min(map(min, curves))), np.log(max(map(max, curves)))
    height = -np.inf
    for i in np.argsort([y[-1] for y in curves]):
        height = max(np.log(curves[i][-1]), height + 0.065 * (high - low))
        panel.text(x, np.exp(height), texts[i], color=CYCLE[i], fontsize=9.5, va="center")

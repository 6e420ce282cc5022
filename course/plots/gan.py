"""Figures of the chapter on the game of a GAN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes

_COLOURS = LinearSegmentedColormap.from_list("belief", [CYCLE[1], "#FFFFFF", CYCLE[0]])  # generated, unsure, real


def discriminators(x: np.ndarray, p_data: np.ndarray, p_g: np.ndarray, answers: Mapping[str, np.ndarray]) -> Picture:
    """The two densities on a line (k,), and below them what one or several discriminators answer: {name: D (k,)}."""
    figure, panels = axes(2, 1, width=6.6, height=2.0, sharex=True)
    top, bottom = panels[:, 0]
    top.fill_between(x, p_data, color=CYCLE[0], alpha=0.35, linewidth=0, label="data")
    top.fill_between(x, p_g, color=CYCLE[1], alpha=0.35, linewidth=0, label="generated")
    top.set(ylabel="density")
    top.legend()
    for colour, style, (name, D) in zip((INK, CYCLE[2], CYCLE[3]), ("-", "--", ":"), answers.items(), strict=False):
        bottom.plot(x, D, style, color=colour, label=name)
    bottom.set(ylabel="D(x)", ylim=(-0.05, 1.05), xlabel="x")
    bottom.legend(loc="lower left")
    (name, first), *others = answers.items()
    away = "; ".join(f"{other} is {np.abs(D - first).max():.2f} away from it at most" for other, D in others)
    return Picture(
        figure,
        f"Densities of data and of generated samples, and D(x) below them. {name} goes from {first.min():.2f} to "
        f"{first.max():.2f}. {away}",
    )


def slopes(D: np.ndarray, minimax: np.ndarray, trick: np.ndarray) -> Picture:
    """How hard each generator loss pulls at the logit, against D(G(z)): three arrays (k,)."""
    figure, panels = axes(1, 1, width=6.2, height=3.4)
    panel = panels[0, 0]
    panel.loglog(D, np.abs(minimax), color=CYCLE[1], label="log(1 - D), as in the minimax")
    panel.loglog(D, np.abs(trick), color=CYCLE[0], label="-log D, the trick")
    panel.set(xlabel="D(G(z)), what the discriminator thinks of the samples", ylabel="size of the slope")
    panel.legend(loc="lower right")
    return Picture(
        figure,
        f"Size of the slopes in the logit. Where D(G(z)) is {D[0]:.0e}, minimax pulls with {abs(minimax[0]):.0e} and "
        f"the log D trick with {abs(trick[0]):.2f}; they meet where D(G(z)) is one half.",
    )


def _belief(panel: Axes, D: np.ndarray, half: float) -> None:
    """D (k, k) over the square [-half, half]^2, from certainly generated over white to certainly real."""
    panel.imshow(
        D, extent=(-half, half, -half, half), origin="lower", cmap=_COLOURS, vmin=0, vmax=1, interpolation="bilinear"
    )


def scene(
    data: np.ndarray, samples: np.ndarray, D: np.ndarray, half: float, step: int, losses: Mapping[str, list]
) -> Picture:
    """One moment of a training in the plane: the discriminator's belief, data and samples; beside it the losses so far.

    data (n, 2), samples (m, 2), D (k, k) over [-half, half]^2; losses {"step": [...], name: [...]}
    """
    figure, panels = axes(1, 2, width=4.4, height=3.8, gridspec_kw={"width_ratios": [1, 1.1]})
    left, right = panels[0]
    _belief(left, D, half)
    left.scatter(*np.asarray(data)[:400].T, s=6, color=MUTED, linewidths=0, label="data")
    left.scatter(*np.asarray(samples).T, s=6, color=INK, linewidths=0, label="generated")
    left.set(xlim=(-half, half), ylim=(-half, half), xticks=[], yticks=[], title=f"step {step}")
    left.grid(False)
    left.legend(loc="upper right", markerscale=2, handletextpad=0.1)
    for colour, (name, values) in zip(CYCLE, ((n, v) for n, v in losses.items() if n != "step"), strict=False):
        right.plot(losses["step"], values, color=colour, linewidth=1.2, label=name)
    right.axvline(step, color=MUTED, linewidth=1)
    right.axhline(np.log(4), color=MUTED, linestyle="--", linewidth=1)
    right.text(losses["step"][-1], np.log(4), "log 4", color=MUTED, ha="right", va="bottom", fontsize=9)
    right.set(xlabel="step", title="losses")
    right.legend(loc="upper center", ncols=2)
    return Picture(
        figure,
        f"Step {step}: data in grey, {len(samples)} generated points in black, over the discriminator's belief, which "
        f"goes from {D.min():.2f} to {D.max():.2f} on the square. Beside it the two losses.",
    )


def field(paths: Mapping[str, np.ndarray], half: float = 1.6) -> Picture:
    """The arrows of the game V = theta psi, and paths {name: (k, 2) points (theta, psi)} that players take in it."""
    figure, panels = axes(1, len(paths), width=3.7, height=3.7, sharey=True)
    grid = np.linspace(-half, half, 13)
    theta, psi = np.meshgrid(grid, grid)
    words = []
    for panel, (name, points) in zip(panels[0], paths.items(), strict=True):
        panel.quiver(theta, psi, -psi, theta, color=MUTED, alpha=0.6, scale=28, width=0.005)
        panel.plot(*points.T, ".-", color=CYCLE[0], linewidth=1.2, markersize=4)
        panel.plot(*points[0], "o", color=CYCLE[2], markersize=8)
        panel.plot(0, 0, "*", color=CYCLE[1], markersize=12)
        panel.set(title=name, xlim=(-half, half), ylim=(-half, half), aspect="equal", xlabel="theta (generator)")
        ends = np.linalg.norm(points[[0, -1]], axis=1)
        words.append(f"{name}: from {ends[0]:.2f} to {ends[1]:.2f} away from the equilibrium")
    panels[0, 0].set_ylabel("psi (discriminator)")
    return Picture(figure, f"The vector field turns round the equilibrium. {'; '.join(words)}.")

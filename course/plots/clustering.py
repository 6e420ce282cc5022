"""Figures of the clustering chapter. Every cluster has a colour and a marker of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets
import numpy as np
from matplotlib.axes import Axes
from scipy.cluster import hierarchy
from scipy.optimize import linear_sum_assignment

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes, equal
from course.plots.widgets import chooser, stepper
from course.unsupervised import kmeans, linkage

MARKERS = "os^Dv*PX"
# The palette without its pale yellow, black in its place last.
COLOURS = CYCLE[:7]


def _look(k: int) -> tuple[str, str]:
    """Colour and marker of cluster k: 56 pairs before one comes again."""
    return COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]


def _scatter(panel: Axes, X: np.ndarray, labels: np.ndarray | None = None, M: np.ndarray | None = None) -> None:
    """Points X (n, 2) by their labels (n,), and centroids M (K, 2), large, framed in black."""
    if labels is None:
        panel.scatter(X[:, 0], X[:, 1], s=18, color=INK)
    else:
        for k in np.unique(labels):
            colour, marker = _look(k)
            panel.scatter(
                X[labels == k, 0], X[labels == k, 1], s=20, color=colour, marker=marker, alpha=0.75, linewidths=0
            )
    for k, centre in enumerate(() if M is None else M):
        colour, marker = _look(k)
        panel.scatter(
            centre[0], centre[1], s=120, color=colour, marker=marker, edgecolors="black", linewidths=1.6, zorder=4
        )
    panel.set_aspect("equal")


def _height(X: np.ndarray, width: float) -> float:
    """The height, in inches, of a panel `width` inches wide that shows X (n, 2) with equal units and little else."""
    across, up = np.ptp(X, axis=0)
    return float(np.clip(0.9 * width * up / across + 0.55, 1.8, 3.4))


def _sizes(labels: np.ndarray) -> str:
    return ", ".join(map(str, np.bincount(labels)[np.unique(labels)]))


def _like(labels: np.ndarray, model: np.ndarray) -> np.ndarray:
    """The same partition, its clusters renumbered to agree with `model` on as many samples as can be."""
    K = int(max(labels.max(), model.max())) + 1
    shared = np.zeros((K, K))
    np.add.at(shared, (labels, model), 1)
    return linear_sum_assignment(-shared)[1][labels]


def points(X: np.ndarray) -> Picture:
    """Points X (n, 2), and no label."""
    figure, panels = axes(1, 1, width=5, height=4.2)
    _scatter(panels[0, 0], np.asarray(X))
    panels[0, 0].set(xlabel="$x_1$", ylabel="$x_2$")
    return Picture(figure, f"{len(X)} points in the plane, all alike.")


def partitions(
    X: np.ndarray,
    labels: Sequence[np.ndarray],
    titles: Sequence[str],
    centroids: Sequence[np.ndarray] = (),
    columns: int = 3,
) -> Picture:
    """The same points X (n, 2) under several partitions, a panel each; clusters that agree look alike."""
    X = np.asarray(X)
    columns = min(columns, len(labels))
    figure, panels = axes(
        -(-len(labels) // columns), columns, width=3.5, height=_height(X, 3.5), sharex=True, sharey=True
    )
    for panel in panels.flat[len(labels) :]:
        panel.set_visible(False)
    told = []
    for t, (panel, found, title) in enumerate(zip(panels.flat, labels, titles, strict=False)):
        found = np.asarray(found)
        same = _like(found, np.asarray(labels[0]))
        M = None
        if len(centroids):
            M = np.empty_like(centroids[t])
            for k in range(len(M)):
                M[same[found == k][0]] = centroids[t][k]
        _scatter(panel, X, same, M)
        panel.set_title(title)
        told.append(f"{title}: clusters of {_sizes(same)}")
    return Picture(figure, f"{len(X)} points under {len(labels)} partitions. {'; '.join(told)}.")


def algorithm(X: np.ndarray, history: Sequence[kmeans.Step]) -> Picture:
    """The data, step 1, steps 2(a) and 2(b) of the first round, 2(a) of the second, and the result (Figure 10.6)."""
    X = np.asarray(X)
    figure, panels = axes(2, 3, width=3.5, height=_height(X, 3.5), sharex=True, sharey=True)
    last = history[-1]
    shown = [
        ("data", None, None),
        ("step 1: random assignment", history[0].labels, None),
        ("round 1, step 2(a): centroids", history[1].labels, history[1].centroids),
        ("round 1, step 2(b): reassignment", history[2].labels, history[2].centroids),
        (
            "round 2, step 2(a): centroids",
            history[min(3, len(history) - 2)].labels,
            history[min(3, len(history) - 2)].centroids,
        ),
        (f"result after {last.round} rounds", last.labels, last.centroids),
    ]
    for panel, (title, labels, M) in zip(panels.flat, shown, strict=True):
        _scatter(panel, X, labels, M)
        panel.set_title(title)
    first = history[1].centroids
    apart = max(np.linalg.norm(a - b) for a in first for b in first)
    end = max(np.linalg.norm(a - b) for a in last.centroids for b in last.centroids)
    return Picture(
        figure,
        f"Six panels of k-means on {len(X)} points with {len(first)} clusters: the data; a random assignment, its "
        f"labels mixed everywhere; the first centroids, close together (at most {apart:.2f} apart); every point with "
        f"its nearest centroid; the centroids of those; and the result after {last.round} rounds, with clusters of "
        f"{_sizes(last.labels)} and centroids up to {end:.2f} apart.",
    )


_STEP_NAMES = {"1": "random assignment", "2a": "centroids", "2b": "reassignment"}
_STEP_MARKERS = {"1": "D", "2a": "s", "2b": "o"}


def _trace(panel: Axes, history: Sequence[kmeans.Step], colour: str = MUTED) -> None:
    """The objective along the steps: a line, and a marker for each kind of step."""
    panel.plot(range(len(history)), [step.objective for step in history], color=colour, linewidth=1.3, zorder=2)
    for name, marker in _STEP_MARKERS.items():
        at = [t for t, step in enumerate(history) if step.name == name]
        panel.plot(at, [history[t].objective for t in at], marker, color=colour, markersize=6, zorder=3)


def descent(histories: Sequence[Sequence[kmeans.Step]]) -> Picture:
    """The objective after every step, for several starts."""
    figure, panels = axes(1, 1, width=7, height=3.8)
    panel = panels[0, 0]
    for k, history in enumerate(histories):
        _trace(panel, history, COLOURS[k % len(COLOURS)])
        end = history[-1].objective
        panel.annotate(f"{end:.1f}", (len(history) - 1, end), xytext=(0, 7), textcoords="offset points", ha="center")
    for name, marker in _STEP_MARKERS.items():
        step = name if name == "1" else f"2({name[1]})"
        panel.plot([], [], marker, color=MUTED, label=f"step {step}, {_STEP_NAMES[name]}")
    panel.legend()
    panel.set(xlabel="steps done", ylabel="objective", title=f"{len(histories)} starts")
    told = "; ".join(f"from {h[0].objective:.1f} to {h[-1].objective:.1f} in {len(h) - 1} steps" for h in histories)
    return Picture(figure, f"The objective of k-means after each step, for {len(histories)} starts. It falls {told}. ")


def moment(X: np.ndarray, history: Sequence[kmeans.Step], t: int) -> Picture:
    """Step t of a run: the partition and its centroids on the left, the objective so far on the right."""
    X, step = np.asarray(X), history[t]
    figure, panels = axes(1, 2, width=4.4, height=3.7)
    left, right = panels[0]
    _scatter(left, X, step.labels, step.centroids)
    if step.name == "2a" and step.round > 1:
        for k, (a, b) in enumerate(zip(history[t - 1].centroids, step.centroids, strict=True)):
            left.plot(*np.stack([a, b]).T, color=_look(k)[0], linewidth=1.5, zorder=3)
    name = "step 1" if step.name == "1" else f"round {step.round}, step 2({step.name[1]})"
    left.set_title(f"{name}: {_STEP_NAMES[step.name]}")
    values = [h.objective for h in history]
    _trace(right, history[: t + 1])
    right.plot([t], [step.objective], _STEP_MARKERS[step.name], color=CYCLE[1], markersize=9, zorder=4)
    room = 0.06 * (max(values) - min(values) or 1)
    right.set(xlim=(-0.5, len(history) - 0.5), ylim=(min(values) - room, max(values) + room))
    right.set(title=f"objective: {step.objective:.1f}", xlabel="steps done")
    moved = 0 if t == 0 else int((step.labels != history[t - 1].labels).sum())
    happened = {
        "1": "Every point has a random number.",
        "2a": "Every centroid stands at the mean of its cluster.",
        "2b": f"{moved} points changed to a nearer centroid." if moved else "No point changes: the end.",
    }[step.name]
    return Picture(
        figure, f"{name}. {happened} Clusters of {_sizes(step.labels)}. The objective is {step.objective:.1f}."
    )


def kmeans_stepper(X: np.ndarray, K: int, seed: int = 0) -> ipywidgets.VBox:
    """Algorithm 10.1 on X (n, 2) with buttons: forward, back, another start. Start s draws from the seed [seed, s]."""

    def frames(start: int) -> list[Callable[[], Picture]]:
        rng = np.random.default_rng([seed, start])
        history = list(kmeans.steps(X, kmeans.random_assignment(len(X), K, rng), K))
        return [partial(moment, X, history, t) for t in range(len(history))]

    return stepper(frames)


def choosing(Ks: Sequence[int], objectives: Sequence, silhouettes: Sequence, titles: Sequence[str]) -> Picture:
    """For every data set a row: the objective against K, and the mean silhouette against K, which begins at K = 2.

    objectives and silhouettes hold an array for each data set; NaN where there is no value (a silhouette for K = 1).
    """
    figure, panels = axes(len(titles), 2, width=4.2, height=2.9)
    told = []
    for row, (elbow, values, title) in enumerate(zip(objectives, silhouettes, titles, strict=True)):
        left, right = panels[row]
        left.plot(Ks, elbow, "o-", color=CYCLE[0])
        left.set(title=f"{title}: objective", ylim=(0, None))
        right.plot(Ks, values, "s-", color=CYCLE[2])
        best = int(np.nanargmax(values))
        right.plot([Ks[best]], [values[best]], "o", markersize=14, markerfacecolor="none", color=CYCLE[1])
        right.set(title=f"{title}: mean silhouette", ylim=(0, 1), xlim=left.get_xlim())
        for panel in (left, right):
            panel.set(xlabel="K" if row == len(titles) - 1 else "", xticks=Ks)
        told.append(
            f"{title}: objective {', '.join(f'{v:.0f}' for v in elbow)} for K = {Ks[0]} to {Ks[-1]}; the mean "
            f"silhouette is largest, {values[best]:.2f}, at K = {Ks[best]}"
        )
    return Picture(figure, f"Objective and mean silhouette against K. {'. '.join(told)}.")


def _dendrogram(
    panel: Axes, Z: np.ndarray, labels: np.ndarray | None = None, names: Sequence[str] | None = None
) -> np.ndarray:
    """SciPy's dendrogram of Z in the panel; with labels (n,), each cluster in its colour and its marker at the leaves.

    Returns the samples from left to right.
    """
    n = len(Z) + 1
    cluster = np.full(2 * n - 1, -1)
    if labels is not None:
        cluster[:n] = labels
        for t, (a, b) in enumerate(Z[:, :2].astype(int)):
            cluster[n + t] = cluster[a] if cluster[a] == cluster[b] else -1
    drawn = hierarchy.dendrogram(
        Z,
        ax=panel,
        labels=names,
        no_labels=names is None,
        leaf_font_size=9,
        link_color_func=lambda node: MUTED if cluster[node] < 0 else _look(int(cluster[node]))[0],
    )
    leaves = np.array(drawn["leaves"])
    if labels is not None:
        for k in np.unique(labels):
            x = 5 + 10 * np.flatnonzero(np.asarray(labels)[leaves] == k)
            colour, marker = _look(k)
            panel.scatter(x, np.zeros(len(x)), s=16, color=colour, marker=marker, clip_on=False, zorder=4)
    panel.tick_params(axis="x", pad=5)
    panel.grid(False, axis="x")
    panel.set_ylabel("height of the fusion")
    return leaves


def _cut_height(Z: np.ndarray, K: int) -> float:
    """A height between the last fusion that is made and the first that is not."""
    heights = np.concatenate([[0.0], Z[:, 2], [1.12 * Z[-1, 2]]])
    return float(heights[len(Z) + 1 - K : len(Z) + 3 - K].mean())


def tree_and_points(X: np.ndarray, Z: np.ndarray) -> Picture:
    """A dendrogram of a few numbered points X (n, 2), and the points (Figure 10.10)."""
    X = np.asarray(X)
    figure, panels = axes(1, 2, width=4.4, height=3.8)
    left, right = panels[0]
    leaves = _dendrogram(left, Z, names=[str(i) for i in range(len(X))])
    left.set(title="the tree", xlabel="sample")
    right.plot(*X.T, "o", color=CYCLE[4], markersize=17, alpha=0.35, clip_on=False)
    for i, (a, b) in enumerate(X):
        right.text(a, b, str(i), ha="center", va="center", fontsize=11)
    right.set(title="the points", xlabel="$x_1$", ylabel="$x_2$")
    right.margins(0.15)
    equal(right)
    n = len(X)
    members = {i: [str(i)] for i in range(n)}
    told = []
    for t, (a, b, height, _) in enumerate(Z):
        members[n + t] = members[int(a)] + members[int(b)]
        told.append(f"{' '.join(members[int(a)])} with {' '.join(members[int(b)])} at {height:.2f}")
    return Picture(
        figure,
        f"Dendrogram of {n} points, in the order {' '.join(map(str, leaves))}, and their places. Fusions: "
        f"{'; '.join(told)}.",
    )


def cuts(Z: np.ndarray, Ks: Sequence[int]) -> Picture:
    """One dendrogram, cut into several numbers of clusters, a panel each (Figure 10.9)."""
    figure, panels = axes(1, len(Ks), width=3.6, height=3.5, sharey=True)
    told = []
    for panel, K in zip(panels[0], Ks, strict=True):
        labels, height = linkage.cut_into(Z, K), _cut_height(Z, K)
        _dendrogram(panel, Z, labels)
        panel.axhline(height, color=INK, linestyle="--", linewidth=1.2)
        panel.set_ylim(0, 1.12 * Z[-1, 2])
        panel.set_title(f"cut at {height:.2f}: {K} cluster{'s' * (K > 1)}")
        told.append(f"at {height:.2f} into {K}, of {_sizes(labels)} samples")
    for panel in panels[0, 1:]:
        panel.set_ylabel("")
    return Picture(figure, f"The same dendrogram of {len(Z) + 1} samples, cut {'; '.join(told)}.")


def linkages(X: np.ndarray, K: int, kinds: Sequence[str] = linkage.LINKAGES) -> Picture:
    """A dendrogram of X (n, p) for every linkage, each cut into K clusters (Figure 10.12)."""
    figure, panels = axes(2, -(-len(kinds) // 2), width=4.6, height=3)
    told = []
    for panel, kind in zip(panels.flat, kinds, strict=False):
        Z = linkage.tree(X, kind)
        labels = linkage.cut_into(Z, K)
        _dendrogram(panel, Z, labels)
        panel.set_title(f"{kind} linkage")
        told.append(f"{kind}: clusters of {_sizes(labels)}, last fusion at {Z[-1, 2]:.2f}")
    for panel in panels[:, 1:].flat:
        panel.set_ylabel("")
    return Picture(figure, f"Dendrograms of the same {len(X)} samples, cut into {K} clusters. {'; '.join(told)}.")


def chosen_linkage(X: np.ndarray, kind: str, K: int) -> Picture:
    """The dendrogram of X (n, 2) under one linkage, and the points in the K clusters that it is cut into."""
    X = np.asarray(X)
    Z = linkage.tree(X, kind)
    labels = linkage.cut_into(Z, K)
    figure, panels = axes(1, 2, width=4.6, height=3.7)
    _dendrogram(panels[0, 0], Z, labels)
    panels[0, 0].set_title(f"{kind} linkage")
    _scatter(panels[0, 1], X, labels)
    panels[0, 1].set_title(f"cut into {K}")
    down = len(linkage.inversions(Z))
    return Picture(
        figure,
        f"Dendrogram of {len(X)} points under {kind} linkage, and the points, cut into {K} clusters of "
        f"{_sizes(labels)}. The last fusion is at {Z[-1, 2]:.2f}. {down or 'No'} fusion{'s' * (down != 1)} below one "
        "it builds on.",
    )


def linkage_chooser(X: np.ndarray, K: int) -> ipywidgets.VBox:
    """Buttons for the four linkages over one dendrogram of X (n, 2)."""
    return chooser(lambda kind: chosen_linkage(X, kind, K), "linkage", linkage.LINKAGES)


def inversion(X: np.ndarray, Z: np.ndarray) -> Picture:
    """Three points X (3, 2), the centroid of the first pair that fuses, and a dendrogram that turns back down."""
    X = np.asarray(X)
    figure, panels = axes(1, 2, width=4.2, height=3.5)
    left, right = panels[0]
    a, b = Z[0, :2].astype(int)
    c = 3 - a - b
    middle = X[[a, b]].mean(axis=0)
    left.plot(*X[[a, b]].T, color=CYCLE[0], label=f"first fusion: {Z[0, 2]:.3f}")
    left.plot(*np.stack([middle, X[c]]).T, "--", color=CYCLE[1], label=f"second fusion: {Z[1, 2]:.3f}")
    left.plot(*middle, "s", color=CYCLE[0], markersize=9)
    left.plot(*X.T, "o", color=INK, markersize=8)
    for i, at in enumerate(X):
        left.annotate(str(i), at, xytext=(7, 5), textcoords="offset points")
    left.legend(loc="upper left", bbox_to_anchor=(0, -0.08))
    left.set_title("three points, and a centroid")
    left.margins(0.15)
    equal(left)
    _dendrogram(right, Z, names=["0", "1", "2"])
    right.set_title("the dendrogram turns back")
    right.set_ylim(0, 1.15 * Z[:, 2].max())
    return Picture(
        figure,
        f"Three points. {a} and {b} fuse at height {Z[0, 2]:.3f}; their centroid is only {Z[1, 2]:.3f} from point {c}, "
        "so the second fusion is drawn below the first.",
    )


def profiles(X: np.ndarray, trees: Sequence[np.ndarray], titles: Sequence[str]) -> Picture:
    """Three samples X (3, p) as curves over their features, and a dendrogram for every dissimilarity (Figure 10.13)."""
    X = np.asarray(X)
    figure, panels = axes(1, 1 + len(trees), width=3.6, height=3.4, width_ratios=[2.2] + [1] * len(trees))
    names = [str(i) for i in range(len(X))]
    for k, row in enumerate(X):
        panels[0, 0].plot(np.arange(1, X.shape[1] + 1), row, marker=MARKERS[k], color=CYCLE[k], label=f"sample {k}")
    panels[0, 0].set(xlabel="feature", ylabel="value", ylim=(0, 1.3 * X.max()), xticks=range(1, X.shape[1] + 1, 3))
    panels[0, 0].legend(ncols=3, loc="upper left")
    told = []
    for panel, Z, title in zip(panels[0, 1:], trees, titles, strict=True):
        _dendrogram(panel, Z, names=names)
        panel.set(title=title, xlabel="sample")
        told.append(f"{title}: {' and '.join(str(int(i)) for i in Z[0, :2])} fuse first, at {Z[0, 2]:.2f}")
    return Picture(figure, f"{len(X)} samples over {X.shape[1]} features, as curves. {'. '.join(told)}.")


def named_trees(trees: Sequence[np.ndarray], names: Sequence[str], titles: Sequence[str], K: int) -> Picture:
    """Dendrograms of the same named samples, one below the other, each cut into K clusters."""
    figure, panels = axes(len(trees), 1, width=9.6, height=3.7)
    told = []
    for panel, Z, title in zip(panels[:, 0], trees, titles, strict=True):
        labels = linkage.cut_into(Z, K)
        _dendrogram(panel, Z, labels, names)
        panel.set_title(title)
        panel.axhline(_cut_height(Z, K), color=INK, linestyle="--", linewidth=1.2)
        told.append(f"{title}: " + "; ".join(", ".join(np.asarray(names)[labels == k].tolist()) for k in range(K)))
    return Picture(figure, f"Dendrograms of {len(names)} samples, cut into {K} clusters. {'. '.join(told)}.")

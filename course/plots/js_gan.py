"""Figures of the chapter on JS-GAN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from course.plots.picture import Picture
from course.plots.style import CYCLE, INK, MUTED, axes


def landscapes(eta: np.ndarray, values: Mapping[str, np.ndarray], marks: Mapping[str, float]) -> Picture:
    """What the best discriminator of each class gains at each proposed centre: one panel for each class.

    eta      (k,) the proposed centres; values {class: (k,) gains}; marks {name: place} drawn as vertical lines
    """
    figure, panels = axes(1, len(values), width=3.6, height=3.0, sharex=True)
    words = []
    for panel, (name, gain) in zip(panels[0], values.items(), strict=True):
        gain = np.asarray(gain)
        for colour, (mark, place) in zip(CYCLE[1:], marks.items(), strict=False):
            panel.axvline(place, color=colour, linewidth=1.5, linestyle="--", label=mark)
        panel.plot(eta, gain, color=CYCLE[0])
        panel.set(title=name, xlabel="proposed centre", ylim=(min(0, gain.min()), None))
        words.append(f"{name}: lowest at {eta[int(gain.argmin())]:.2f}")
    panels[0, 0].set_ylabel("gain of the best discriminator")
    panels[0, 0].legend(loc="upper right", handlelength=1.4)
    places = ", ".join(f"{name} at {place:.2f}" for name, place in marks.items())
    return Picture(
        figure, f"The gain of the best discriminator against the proposed centre. {'; '.join(words)}. {places}."
    )


def path(steps: Sequence[int], places: np.ndarray, marks: Mapping[str, float]) -> Picture:
    """How far the estimate has gone from the truth (0) to the contamination (1), step by step: places (k,)."""
    figure, panels = axes(1, 1, width=6.4, height=3.0)
    panel = panels[0, 0]
    for colour, (mark, place) in zip(CYCLE[1:], marks.items(), strict=False):
        panel.axhline(place, color=colour, linewidth=1.5, linestyle="--", label=mark)
    panel.plot(steps, places, color=CYCLE[0], label="estimate")
    panel.set(xlabel="step", ylabel="share of the way")
    panel.legend(loc="center right")
    return Picture(
        figure,
        f"The estimate along the line from the truth to the contamination: it starts at {places[0]:.3f} of the way, "
        f"and after {steps[-1]} steps it is at {places[-1]:.3f}.",
    )


def landings(shares: Mapping[str, np.ndarray], expected: float) -> Picture:
    """Where estimates land between the truth (0) and the contamination (1): a dot a seed, a row a method."""
    figure, panels = axes(1, 1, width=7.2, height=0.5 * len(shares) + 1.2)
    panel = panels[0, 0]
    for row, values in enumerate(shares.values()):
        panel.plot(values, np.full(len(values), row), "o", color=CYCLE[row % 6], markersize=7, alpha=0.7)
    panel.axvline(0, color=INK, linewidth=1.5)
    panel.axvline(expected, color=MUTED, linestyle="--", linewidth=1.5)
    panel.set(yticks=range(len(shares)), ylim=(len(shares) - 0.5, -0.5), xlabel="share of the way to the contamination")
    panel.set_yticklabels(list(shares))
    panel.text(expected, len(shares) - 0.55, " mean", color=MUTED, va="bottom", fontsize=9)
    middles = "; ".join(f"{name}: {np.mean(values):.3f} on average" for name, values in shares.items())
    return Picture(
        figure,
        f"How far each estimate goes from the truth to the contamination; {expected:.2f} is the mean. {middles}.",
    )


def population(separations: np.ndarray, biases: Mapping[str, np.ndarray], eps: float) -> Picture:
    """The bias with infinitely many samples, against the distance of the contamination: one curve a method."""
    figure, panels = axes(1, 1, width=6.4, height=3.4)
    panel = panels[0, 0]
    for colour, (name, bias) in zip(CYCLE, biases.items(), strict=False):
        panel.plot(separations, bias, color=colour, label=name)
    panel.set(xlabel="distance of the contamination (standard deviations)", ylabel="bias", ylim=(0, 0.6))
    panel.legend(loc="upper right")
    worst = "; ".join(
        f"{name} at most {np.max(bias):.3f}, at a distance of {separations[int(np.argmax(bias))]:.1f}"
        for name, bias in biases.items()
    )
    return Picture(figure, f"The bias that no sample size removes, at eps = {eps:g}: {worst}.")


def rates(panels_of: Mapping[str, tuple[Sequence[float], Mapping[str, np.ndarray]]]) -> Picture:
    """Errors against one thing at a time, on log scales: {what varies: (its values, {method: errors})}.

    The slope of each line in the picture, fitted by least squares to the logarithms, stands in the legend.
    """
    figure, panels = axes(1, len(panels_of), width=3.5, height=3.3)
    words = []
    for panel, (what, (values, errors)) in zip(panels[0], panels_of.items(), strict=True):
        for colour, (name, error) in zip(CYCLE, errors.items(), strict=False):
            slope = np.polyfit(np.log(values), np.log(error), 1)[0]
            panel.loglog(values, error, "o-", color=colour, linewidth=1, label=f"{name}: slope {slope:.2f}")
            words.append(f"{name} against {what}: slope {slope:.2f}")
        panel.set(xlabel=what, xticks=values)
        panel.set_xticklabels([f"{value:g}" for value in values])
        panel.minorticks_off()
        low, high = panel.get_ylim()
        panel.set_ylim(low, high * (high / low) ** 0.35)  # room for the legend
        panel.legend(loc="upper left")
    panels[0, 0].set_ylabel("error")
    return Picture(figure, f"Errors on log scales. {'; '.join(words)}.")


def outlier_scores(scores: Mapping[str, np.ndarray], roc: tuple[np.ndarray, np.ndarray], auc: float) -> Picture:
    """Histograms of T(x) for each kind of row, and the ROC curve (false and true positive rates)."""
    figure, panels = axes(1, 2, width=4.4, height=3.2)
    panel = panels[0, 0]
    bins = np.linspace(0, 1, 41)
    for colour, (name, values) in zip(CYCLE, scores.items(), strict=False):
        panel.hist(values, bins=bins, density=True, color=colour, alpha=0.55, label=name)
    panel.set(xlabel="T(x): the chance of being real", ylabel="density")
    panel.legend()
    panels[0, 1].plot(*roc, color=CYCLE[0])
    panels[0, 1].plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1)
    panels[0, 1].set(xlabel="inliers flagged", ylabel="outliers found", title=f"ROC: area {auc:.3f}", aspect="equal")
    means = ", ".join(f"{name} {values.mean():.2f}" for name, values in scores.items())
    return Picture(figure, f"T(x), on average: {means}. The area under the ROC curve is {auc:.3f}.")


def scoring_rules(t: np.ndarray, payments: Mapping[str, tuple[np.ndarray, np.ndarray]], truth: float) -> Picture:
    """S(t, 1) and S(t, 0) of each rule, and what it pays on average where the true probability is `truth`.

    t (k,) in (0, 1); payments {rule: (S(t, 1), S(t, 0))}
    """
    figure, panels = axes(1, 3, width=3.4, height=3.1)
    words = []
    for colour, (name, (real, fake)) in zip(CYCLE, payments.items(), strict=False):
        average = truth * real + (1 - truth) * fake
        best = t[int(average.argmax())]
        panels[0, 0].plot(t, real, color=colour, label=name)
        panels[0, 1].plot(t, fake, color=colour)
        panels[0, 2].plot(t, average - average.max(), color=colour)
        words.append(f"{name} pays most at t = {best:.2f}")
    panels[0, 2].axvline(truth, color=MUTED, linestyle="--", linewidth=1.5)
    panels[0, 0].set(title="S(t, 1): it was real", xlabel="t", ylim=(-3, 1.1))
    panels[0, 1].set(title="S(t, 0): it was generated", xlabel="t", ylim=(-3, 1.1))
    panels[0, 2].set(title=f"on average, if {truth:.0%} are real", xlabel="t", ylim=(-1.5, 0.1))
    panels[0, 0].legend()
    return Picture(
        figure, f"What each scoring rule pays for the answer t. With a true share of {truth:g}: {'; '.join(words)}."
    )

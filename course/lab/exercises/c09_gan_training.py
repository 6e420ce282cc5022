"""The exercises of 09_gan_training. torch and SymPy are imported where they are used: the lab needs neither."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from course.lab import formula
from course.lab.exercise import Case, Exercise, Mistake

SYMBOLS = {"u": (0.2, 4.0), "t": (-2.0, 0.8)}


def _draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def _probabilities(seed, k=6):
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=2)


# conjugate_pair: SymPy derives it


@functools.cache
def _conjugate_pair() -> tuple[str, str]:
    import sympy

    u, t, root = sympy.symbols("u t root", positive=True)
    slope = sympy.diff((sympy.sqrt(u) - 1) ** 2, u)
    (highest,) = sympy.solve(t - slope.subs(sympy.sqrt(u), root), root)
    return str(sympy.expand(slope)), str(sympy.simplify(t * highest**2 - (highest - 1) ** 2))


def _values(texts: Any) -> Any:
    """Texts -> their values at fixed points: other ways to write the same formula are right too."""
    if isinstance(texts, tuple | list):
        return [formula.values(text, SYMBOLS) for text in texts]
    return formula.values(texts, SYMBOLS)


# kl_bound


def _kl_bound(p, q, T):
    import torch

    from course.gan import f_gan

    return f_gan.bound("KL", *(torch.as_tensor(np.asarray(a, float)) for a in (p, q, T))).item()


# critic_penalty: by automatic differentiation


def _gradients(x_hat, W, b, v):
    import torch

    at = torch.as_tensor(np.asarray(x_hat, float)).requires_grad_()
    weights, bias, outer = (torch.as_tensor(np.asarray(a, float)) for a in (W, b, v))
    (slope,) = torch.autograd.grad((torch.tanh(at @ weights.T + bias) @ outer).sum(), at)
    return slope.numpy()


def _between(x, g, u):
    return g + np.asarray(u)[:, None] * (x - g)


def _critic_penalty(x, g, u, W, b, v):
    lengths = np.linalg.norm(_gradients(_between(x, g, u), W, b, v), axis=1)
    return float(((lengths - 1) ** 2).mean())


def _of_lengths(what):
    """The penalty with another function of the lengths of the gradients."""
    return lambda x, g, u, W, b, v: float(
        what(np.linalg.norm(_gradients(_between(x, g, u), W, b, v), axis=1)).mean()
    )  # fmt: skip


def _critic(seed=3, n=5, d=3, h=4):
    x, g = _draw(seed, n, d), _draw(seed + 1, n, d) + 1
    u = np.random.default_rng(seed).random(n)
    return x, g, u, _draw(seed + 2, h, d), _draw(seed + 3, h), _draw(seed + 4, h)


# spectral_step


def _spectral_step(W, v):
    square = W.T @ (W @ v)
    return W * (np.linalg.norm(W @ v) / np.linalg.norm(square)), square / np.linalg.norm(square)


# fidelity_and_coverage: by scikit-learn


def _radii(heap, k):
    return NearestNeighbors(n_neighbors=k + 1).fit(heap).kneighbors(heap)[0][:, k]


def _covered(points, heap, radii):
    return float((cdist(points, heap) <= radii).any(axis=1).mean())


def _precision_and_recall(real, made, k):
    return _covered(made, real, _radii(real, k)), _covered(real, made, _radii(made, k))


EXERCISES = (
    Exercise(
        name="conjugate_pair",
        chapter="09_gan_training",
        points=3,
        contract="no arguments -> a tuple of two texts, for f(u) = (sqrt(u) - 1)^2: the best T, as a formula in "
        "u = p/q; and the conjugate f*(t) for t < 1, as a formula in t.",
        reference=_conjugate_pair,
        cases=lambda: [Case("a call without arguments")],
        hints=(
            "The best T is f'(u). By the chain rule: `2*(sqrt(u) - 1)` times the derivative of the root, which is "
            "`1/(2*sqrt(u))`.",
            "The conjugate: look for the u where `t*u - f(u)` is largest. There t = f'(u): solve for `sqrt(u)`.",
            "From `t = 1 - 1/sqrt(u)` follows `sqrt(u) = 1/(1 - t)`. Put it into `t*u - (sqrt(u) - 1)**2`, simplify.",
        ),
        mistakes=(
            Mistake(
                "the chain rule forgotten",
                lambda: ("2*(sqrt(u) - 1)", _conjugate_pair()[1]),
                "The square's derivative is there; multiply by that of the root inside, `1/(2*sqrt(u))`.",
            ),
            Mistake(
                "the conjugate without its sign",
                lambda: (_conjugate_pair()[0], f"-({_conjugate_pair()[1]})"),
                "f*(t) is the largest value of `t*u - f(u)`, not of `f(u) - t*u`: at t = 1/2 it is 1.",
            ),
            Mistake(
                "the place of the maximum in place of its value",
                lambda: (_conjugate_pair()[0], "1/(1 - t)**2"),
                "That is the u at which `t*u - f(u)` is largest. The conjugate is how large it is there.",
            ),
            Mistake("the other way round", lambda: _conjugate_pair()[::-1], "First the best T, in u; then f*, in t."),
            Mistake(
                "f in place of its slope",
                lambda: ("(sqrt(u) - 1)**2", _conjugate_pair()[1]),
                "That is f. The best T at a place where p/q = u is the slope f'(u).",
            ),
        ),
        canonical=_values,
        rtol=1e-12,
        atol=1e-12,
    ),
    Exercise(
        name="kl_bound",
        chapter="09_gan_training",
        points=2,
        contract="probabilities p (k,) and q (k,) of the same k places, and T (k,), any numbers -> a number: the "
        "variational bound E_p T - E_q f*(T) on KL(p || q), in nats, where f*(t) = exp(t - 1).",
        reference=_kl_bound,
        cases=lambda: [
            Case("T = 1 everywhere", np.array([0.5, 0.5]), np.array([0.9, 0.1]), np.ones(2)),
            Case("a place that P never visits", np.array([0.0, 1.0]), np.array([0.4, 0.6]), np.array([-1.0, 2.0])),
            Case("six places", *_probabilities(0), _draw(1, 6)),
        ],
        hints=(
            "E_p T is the sum of `p * T`: the average of T over places drawn from p.",
            "E_q f*(T) is the sum of q times `np.exp(T - 1)`.",
        ),
        mistakes=(
            Mistake(
                "the averages taken over the wrong side",
                lambda p, q, T: _kl_bound(q, p, T),
                "T is averaged over p, where the real samples come from, and f*(T) over q.",
            ),
            Mistake(
                "means in place of sums",
                lambda p, q, T: _kl_bound(p, q, T) / len(p),
                "The probabilities already are the weights of an average: sum, do not divide by k.",
            ),
            Mistake(
                "f in place of f*",
                lambda p, q, T: float(p @ T - q @ (np.abs(T) * np.log(np.abs(T) + 1e-300))),
                "What is paid on q is the *conjugate*, exp(t - 1), not f(u) = u log u.",
            ),
            Mistake(
                "the logarithm of an average",
                lambda p, q, T: float(p @ T - np.log(q @ np.exp(T))),
                "That is another bound on KL, of Donsker and Varadhan. The one asked for has no logarithm.",
            ),
        ),
        atol=1e-6,  # differences of numbers near 1, also in float32
    ),
    Exercise(
        name="wasserstein_1d",
        chapter="09_gan_training",
        points=2,
        contract="x (n,) and y (n,), two heaps of as many points on a line -> a number: their Wasserstein-1 distance, "
        "that is the least average distance over all ways to pair each x with a y of its own.",
        reference=lambda x, y: float(stats.wasserstein_distance(x, y)),
        cases=lambda: [
            Case("two and two", np.array([0.0, 1.0]), np.array([5.0, 2.0])),
            Case("one heap inside the other", np.array([-1.0, 0.0, 1.0]), np.array([4.0, -4.0, 0.0])),
            Case("forty and forty", _draw(2, 40), 2 * _draw(3, 40) + 1),
        ],
        hints=(
            "Take x1 < x2 and y1 < y2. Can it pay to send x1 to y2 and x2 to y1, so that the two ways cross?",
            "It never does: the smallest goes to the smallest, the second to the second. `np.sort` both.",
            "Then the mean of the absolute differences.",
        ),
        mistakes=(
            Mistake(
                "the pairs as they come",
                lambda x, y: float(np.abs(x - y).mean()),
                "The order in which points are listed has nothing to do with the best pairing.",
            ),
            Mistake(
                "the distance of the means",
                lambda x, y: float(abs(x.mean() - y.mean())),
                "A wide and a narrow heap with the same mean are not the same: move point by point.",
            ),
            Mistake(
                "squared distances",
                lambda x, y: float(((np.sort(x) - np.sort(y)) ** 2).mean()),
                "Wasserstein-1 counts the way itself, not its square.",
            ),
            Mistake(
                "the sum in place of the mean",
                lambda x, y: float(np.abs(np.sort(x) - np.sort(y)).sum()),
                "Each point carries the share 1/n of the mass: divide by n.",
            ),
            Mistake(
                "the nearest y for each x",
                lambda x, y: float(np.abs(x[:, None] - y).min(axis=1).mean()),
                "Every y has to be used exactly once, also those that are near to no x.",
            ),
        ),
        forbidden=("wasserstein_distance", "wasserstein_distance_nd", "linear_sum_assignment"),
    ),
    Exercise(
        name="critic_penalty",
        chapter="09_gan_training",
        points=3,
        contract="x (n, d) real, g (n, d) generated, u (n,) in [0, 1], and the critic f(x) = v . tanh(W x + b) as "
        "W (h, d), b (h,), v (h,) -> a number: the mean over the n pairs of (|grad f(x_hat)| - 1)^2, where "
        "x_hat = u x + (1 - u) g.",
        reference=_critic_penalty,
        cases=lambda: [
            Case(
                "a critic of one unit",
                np.array([[0.0, 0.0]]),
                np.array([[2.0, 0.0]]),
                np.array([0.75]),
                np.array([[2.0, 0.0]]),
                np.array([-1.0]),
                np.array([3.0]),
            ),
            Case("four units, five pairs in space", *_critic()),
        ],
        hints=(
            "First the points in between: `u[:, None] * x + (1 - u[:, None]) * g`, one for each pair.",
            "The derivative of tanh is 1 - tanh^2. By the chain rule the gradient at one point is the sum over the "
            "hidden units of `v * (1 - tanh**2)` times the rows of W.",
            "For all points at once: `(v * (1 - h**2)) @ W` with `h = np.tanh(x_hat @ W.T + b)` has the shape (n, d).",
            "The length of each row, less 1, squared; then the mean.",
        ),
        mistakes=(
            Mistake(
                "the slopes at the real samples",
                lambda x, g, u, *critic: _critic_penalty(x, g, np.ones_like(u), *critic),
                "The slope is asked for between the two samples of each pair: at u x + (1 - u) g.",
            ),
            Mistake(
                "u on the wrong sample",
                lambda x, g, u, *critic: _critic_penalty(g, x, u, *critic),
                "u weighs the real sample, 1 - u the generated one.",
            ),
            Mistake(
                "the length without the root",
                _of_lengths(lambda r: (r**2 - 1) ** 2),
                "The length of the gradient is the *root* of the sum of squares.",
            ),
            Mistake(
                "slopes held near 0",
                _of_lengths(lambda r: r**2),
                "The penalty asks for slopes near 1: take 1 off each length before squaring.",
            ),
            Mistake(
                "only slopes that are too steep",
                _of_lengths(lambda r: np.maximum(r - 1, 0) ** 2),
                "That is the one-sided penalty. Here slopes below 1 cost too.",
            ),
            Mistake(
                "the average slope in place of each one's",
                lambda x, g, u, *critic: float(
                    (np.linalg.norm(_gradients(_between(x, g, u), *critic).mean(axis=0)) - 1) ** 2
                ),
                "First each gradient's length and its square from 1, then the mean over the pairs.",
            ),
        ),
        rtol=1e-5,
    ),
    Exercise(
        name="spectral_step",
        chapter="09_gan_training",
        points=2,
        contract="W (m, k) and v (k,), not 0 -> a tuple (W_bar (m, k), v_new (k,)) after one power iteration: "
        "u = W v / |W v|, then v_new = W' u / |W' u|, then sigma = u . (W v_new), and W_bar = W / sigma.",
        reference=_spectral_step,
        cases=lambda: [
            Case("a diagonal matrix", np.diag([3.0, 1.0]), np.array([1.0, 1.0])),
            Case("three rows, two columns", _draw(6, 3, 2), _draw(7, 2)),
            Case("two rows, five columns", _draw(8, 2, 5), _draw(9, 5)),
        ],
        hints=(
            "There and back: `W @ v` is a vector (m,), and `W.T @ u` one of (k,) again. Both are made to length 1.",
            "`np.linalg.norm(a)` of a vector is its length.",
            "sigma is a number: `u @ W @ v_new`, with the new v.",
        ),
        mistakes=(
            Mistake(
                "sigma from the old v",
                lambda W, v: (W / np.linalg.norm(W @ (v / np.linalg.norm(v))), _spectral_step(W, v)[1]),
                "sigma comes last, from the new v: it is nearer to the largest stretch.",
            ),
            Mistake(
                "the length of all entries together",
                lambda W, v: (W / np.linalg.norm(W), _spectral_step(W, v)[1]),
                "The Frobenius norm is no stretch of any one vector: it is larger. Use u and the new v.",
            ),
            Mistake(
                "v not made to length 1",
                lambda W, v: (W / np.linalg.norm(W.T @ (W @ v)) * np.linalg.norm(W @ v), W.T @ (W @ v)),
                "The new v must have length 1, or it grows from step to step.",
            ),
            Mistake(
                "v left as it was",
                lambda W, v: (_spectral_step(W, v)[0], v / np.linalg.norm(v)),
                "Give the new v back: the next step goes on from it.",
            ),
            Mistake(
                "multiplied in place of divided",
                lambda W, v: (W * (np.linalg.norm(W.T @ (W @ v)) / np.linalg.norm(W @ v)), _spectral_step(W, v)[1]),
                "Divided by its largest stretch, W stretches nothing by more than 1.",
            ),
        ),
        forbidden=("svd", "svdvals", "largest_singular_value", "spectral_norm"),
    ),
    Exercise(
        name="precision_and_recall",
        chapter="09_gan_training",
        points=2,
        contract="real (n, d) and made (m, d), one point a row, and k -> a tuple (precision, recall). A heap covers a "
        "point that is no farther from one of the heap's points than that one's k-th nearest other point of the heap. "
        "Precision: the share of made that real covers. Recall: the share of real that made covers.",
        reference=_precision_and_recall,
        cases=lambda: [
            Case(
                "on a line, k = 1",
                np.array([[0.0], [1.0], [5.0], [7.0]]),
                np.array([[0.5], [0.6], [20.0]]),
                1,
            ),
            Case("in the plane, k = 3", _draw(10, 40, 2), 0.7 * _draw(11, 30, 2) + [1.0, 0.0], 3),
        ],
        hints=(
            "Each point of a heap gets a ball: its radius is the distance to the k-th nearest other point of the heap.",
            "In a sorted row of the heap's own distances, entry 0 is the point itself, at 0: take entry k.",
            "Precision: for how many rows of `cdist(made, real)` is any entry within the radius of its column?",
            "Recall is the same with the two heaps exchanged, and balls about the made points.",
        ),
        mistakes=(
            Mistake(
                "the two exchanged",
                lambda real, made, k: _precision_and_recall(real, made, k)[::-1],
                "Precision is about the made points: are they good? Recall about the real ones: are they reached?",
            ),
            Mistake(
                "each point counts itself",
                lambda real, made, k: (
                    _covered(made, real, np.partition(cdist(real, real), k - 1, axis=1)[:, k - 1]),
                    _covered(real, made, np.partition(cdist(made, made), k - 1, axis=1)[:, k - 1]),
                ),
                "A point's nearest point in its own heap is itself, at distance 0. It does not count: go one further.",
            ),
            Mistake(
                "the same balls for both",
                lambda real, made, k: (
                    _precision_and_recall(real, made, k)[0],
                    float((cdist(made, real) <= _radii(real, k)).any(axis=0).mean()),
                ),
                "For the recall the balls are about the made points, with radii from the made points.",
            ),
            Mistake(
                "the ball of the nearest point only",
                lambda real, made, k: tuple(
                    float(np.mean([row.min() <= _radii(heap, k)[row.argmin()] for row in cdist(points, heap)]))
                    for points, heap in ((made, real), (real, made))
                ),
                "A point may lie outside the nearest point's ball and inside another's: any ball will do.",
            ),
        ),
        forbidden=("NearestNeighbors", "KDTree", "cKDTree", "BallTree"),
    ),
)

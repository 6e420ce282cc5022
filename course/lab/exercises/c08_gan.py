"""The exercises of 08_gan."""

import numpy as np

from course.gan import neighbours, theory
from course.lab.exercise import Case, Exercise, Mistake


def _probabilities(seed, k=6):
    return np.random.default_rng(seed).dirichlet(np.ones(k), size=2)


def _pixels(seed, m, d):
    return np.random.default_rng(seed).random((m, d))


def _slopes(logits):
    """Of log(1 - D) and of -log D, in the logit: -D and -(1 - D)."""
    D = 0.5 * (1 + np.tanh(np.asarray(logits, float) / 2))
    return -D, D - 1


def _by_largest_product(samples, images):
    index = (samples @ images.T).argmax(axis=1)
    return index, np.linalg.norm(samples - images[index], axis=1)


def _both_down(theta, psi, rate, alternating):
    lower = psi - rate * theta
    return theta - rate * (lower if alternating else psi), lower


def _log_D_for_both(p, q, D):
    return float((p * np.log(np.maximum(D, 1e-12))).sum() + (q * np.log(np.maximum(D, 1e-12))).sum())


def _not_simplified(a):
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        D = 1 / (1 + np.exp(-np.asarray(a, float)))
        return -D * (1 - D) / (1 - D), -D * (1 - D) / D


EXERCISES = (
    Exercise(
        name="optimal_discriminator",
        chapter="08_gan",
        points=2,
        contract="densities p_data (k,) and p_g (k,) at the same k places -> D (k,): the best discriminator's "
        "probability that a sample found there is real. 1/2 where both densities are 0.",
        reference=theory.optimal_discriminator,
        cases=lambda: [
            Case("three places", np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.0, 0.5])),
            Case("a place without any density", np.array([0.75, 0.25, 0.0]), np.array([0.25, 0.75, 0.0])),
            Case("six places", *_probabilities(0)),
        ],
        hints=(
            "At one place, with probabilities a and b, maximise `a log D + b log(1 - D)` over D.",
            "The derivative a / D - b / (1 - D) is zero at D = a / (a + b).",
            "Where a + b = 0 any D is as good: fill in one half, without dividing 0 by 0.",
        ),
        mistakes=(
            Mistake(
                "real and generated exchanged",
                lambda p, q: theory.optimal_discriminator(q, p),
                "D is the probability of being *real*: it is large where p_data is.",
            ),
            Mistake(
                "0 / 0",
                lambda p, q: np.where(p + q > 0, theory.optimal_discriminator(p, q), np.nan),
                "Where both densities are 0 the formula is 0 / 0: say one half there.",
            ),
            Mistake(
                "the ratio of the densities",
                lambda p, q: np.divide(p, q, out=np.full(len(p), 0.5), where=q > 0),
                "p_data / p_g is no probability. Divide by the sum of the two.",
            ),
            Mistake(
                "a hard decision",
                lambda p, q: np.where(p > q, 1.0, np.where(p < q, 0.0, 0.5)),
                "A place where fakes come up too is not surely real: D says how often, it does not decide.",
            ),
        ),
        forbidden=("optimal_discriminator",),
    ),
    Exercise(
        name="game_value",
        chapter="08_gan",
        points=2,
        contract="probabilities p_data (k,) and p_g (k,), and D (k,) in [0, 1] -> a number: the sum of p_data log D "
        "plus the sum of p_g log(1 - D), in nats, where 0 log 0 = 0.",
        reference=theory.game_value,
        cases=lambda: [
            Case("a coin", np.array([0.3, 0.7]), np.array([0.6, 0.4]), np.array([0.5, 0.5])),
            Case("sure and right", np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([1.0, 0.0])),
            Case("six places", *_probabilities(1), np.linspace(0.1, 0.9, 6)),
        ],
        hints=(
            "Two sums: real samples pay log D, generated ones log(1 - D), each weighed by its own probability.",
            "`np.log(0)` is minus infinity, and 0 times that is NaN. `scipy.special.xlogy(p, D)` says 0 for 0 log 0.",
            "Without SciPy: take the logarithm only where the probability is above 0.",
        ),
        mistakes=(
            Mistake(
                "0 log 0 is NaN",
                lambda p, q, D: float("nan") if ((D == 0) | (D == 1)).any() else theory.game_value(p, q, D),
                "A place that never comes up adds nothing, whatever its logarithm is.",
            ),
            Mistake(
                "means in place of sums",
                lambda p, q, D: theory.game_value(p, q, D) / len(p),
                "The probabilities already are the weights of an average: sum, do not divide by k.",
            ),
            Mistake(
                "log D for the generated too",
                lambda p, q, D: _log_D_for_both(p, q, D),
                "For generated samples the discriminator is paid log(1 - D).",
            ),
            Mistake(
                "the loss in place of the value",
                lambda p, q, D: -theory.game_value(p, q, D),
                "The value is what D wants large; its loss is minus that.",
            ),
        ),
        forbidden=("game_value",),
    ),
    Exercise(
        name="generator_slopes",
        chapter="08_gan",
        points=2,
        contract="logits a (m,) of generated samples -> two arrays (m,): the derivative in a of log(1 - D), and that "
        "of -log D, where D = sigmoid(a). Finite and exact for logits of +-1000.",
        reference=_slopes,
        cases=lambda: [
            Case("a few logits", np.array([-3.0, 0.0, 1.5])),
            Case("large logits", np.array([-1000.0, 1000.0])),
        ],
        hints=(
            "The derivative of the sigmoid is D (1 - D). Then the chain rule, twice.",
            "log(1 - D) has the derivative -D (1 - D) / (1 - D). Simplify before you compute.",
            "-log D has the derivative -(1 - D). At +-1000 use `scipy.special.expit` for D, and `expit(-a)` for 1 - D.",
        ),
        mistakes=(
            Mistake(
                "the derivative in D",
                lambda a: tuple(-1 / np.maximum(np.stack([-_slopes(a)[1], -_slopes(a)[0]]), 1e-300)),
                "In the logit, not in D: multiply by the slope of the sigmoid, D (1 - D).",
            ),
            Mistake(
                "the two exchanged",
                lambda a: _slopes(a)[::-1],
                "First log(1 - D), the loss of the slide's minimax; then -log D, the trick.",
            ),
            Mistake(
                "the sign of the second",
                lambda a: (_slopes(a)[0], -_slopes(a)[1]),
                "Both losses fall when the logit grows, so both derivatives are negative: mind the minus of -log D.",
            ),
            Mistake(
                "not simplified",
                lambda a: _not_simplified(a),
                "0 / 0 where D is 0 or 1: cancel 1 - D on paper first.",
            ),
        ),
        rtol=1e-5,
    ),
    Exercise(
        name="game_step",
        chapter="08_gan",
        points=2,
        contract="numbers theta, psi, rate, and alternating (True or False) -> (theta, psi) after one step of the game "
        "V = theta psi: theta goes down its slope, psi goes up its own. Alternating: psi first, then theta "
        "against the new psi. Otherwise both against the old.",
        reference=theory.game_step,
        cases=lambda: [
            Case("both at once", 1.0, 0.0, 0.5, False),
            Case("one after the other", 1.0, 0.0, 0.5, True),
            Case("elsewhere", -0.3, 0.8, 0.1, True),
        ],
        hints=(
            "The slope of V = theta psi is psi in theta, and theta in psi.",
            "psi goes up: `psi + rate * theta`. theta goes down: `theta - rate * (...)`.",
            "The two orders differ in one thing: which psi stands in the step of theta.",
        ),
        mistakes=(
            Mistake(
                "both go down",
                _both_down,
                "The discriminator wants V large: it goes up the slope.",
            ),
            Mistake(
                "always alternating",
                lambda theta, psi, rate, alternating: theory.game_step(theta, psi, rate, True),
                "With alternating=False both players move against the *old* position of the other.",
            ),
            Mistake(
                "never alternating",
                lambda theta, psi, rate, alternating: theory.game_step(theta, psi, rate, False),
                "With alternating=True the generator's step uses the psi that has just been found.",
            ),
        ),
        forbidden=("game_step",),
    ),
    Exercise(
        name="nearest_images",
        chapter="08_gan",
        points=2,
        contract="samples (m, d) and training images (n, d), one a row -> (index (m,), distance (m,)): the nearest "
        "training image of every sample, and the Euclidean distance to it.",
        reference=neighbours.nearest_images,
        cases=lambda: [
            Case("two samples, three images", np.array([[0.0, 0], [5, 5]]), np.array([[9.0, 9], [0, 1], [4, 5]])),
            Case("seven samples, thirty images", _pixels(2, 7, 9), _pixels(3, 30, 9)),
        ],
        hints=(
            "All differences at once: `samples[:, None] - images` has the shape (m, n, d).",
            "Squares, summed over the last axis, give a table of m times n squared distances.",
            "`argmin(axis=1)` for the index; the root of that entry is the distance.",
        ),
        mistakes=(
            Mistake(
                "squared distances",
                lambda samples, images: (
                    neighbours.nearest_images(samples, images)[0],
                    neighbours.nearest_images(samples, images)[1] ** 2,
                ),
                "The distance is the root of the sum of squares.",
            ),
            Mistake(
                "the nearest sample of every image",
                lambda samples, images: neighbours.nearest_images(images, samples),
                "One answer for each sample: the minimum is over the training images.",
            ),
            Mistake(
                "the largest product",
                _by_largest_product,
                "A bright image has a large product with everything. Nearest means the smallest distance.",
            ),
        ),
        forbidden=("nearest_images", "NearestNeighbors", "cdist", "pairwise_distances", "KDTree", "cKDTree"),
    ),
)

"""The exercises of 05_autoencoders."""

from __future__ import annotations

import numpy as np

from course import data
from course.lab.exercise import Case, Exercise, Mistake
from course.likelihood import linear_autoencoder as la
from course.likelihood.transfer import paired_interval

_IMAGES = np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
_DECODED = np.array([[0.5, 1.0], [0.5, 1.0], [0.75, 0.25]])


def _digits(n: int = 60) -> np.ndarray:
    """Centred 8 x 8 digits, one in a row."""
    X = data.load("digits").X[:n] / 16
    return X - X.mean(axis=0)


def _cloud() -> np.ndarray:
    """Eight centred points in three dimensions, of no simple form."""
    X = np.random.default_rng(0).normal(size=(8, 3)) @ np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 0.3]])
    return X - X.mean(axis=0)


def _columns(p: int, k: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(p, k)) * 0.5


EXERCISES = (
    Exercise(
        name="l2_loss",
        chapter="05_autoencoders",
        points=2,
        contract="x (n, p), x_hat (n, p) -> (loss, gradient): the loss is the squared length of x_hat - x, row by row, "
        "averaged over the n rows; the gradient (n, p) is that of the loss with respect to x_hat.",
        reference=la.l2_loss,
        cases=lambda: [
            Case("three images of two pixels", _IMAGES, _DECODED),
            Case("twenty digits and a dim copy of them", _digits(20), 0.7 * _digits(20)),
        ],
        hints=(
            "The squared length of a row is the sum of the squares of its entries. Add over pixels, average over rows.",
            "The loss is a sum of terms `(x_hat - x)**2 / n`. What is the slope of one of them in `x_hat`?",
            "Every entry of the gradient is `2 * (x_hat - x) / n` at its place.",
        ),
        mistakes=(
            Mistake(
                "averaged over the pixels as well",
                lambda x, x_hat: tuple(value / x.shape[1] for value in la.l2_loss(x, x_hat)),
                "`mean()` divides by n and by p. The contract adds over pixels and averages over images only.",
            ),
            Mistake(
                "the gradient points the wrong way",
                lambda x, x_hat: (la.l2_loss(x, x_hat)[0], -la.l2_loss(x, x_hat)[1]),
                "Where `x_hat` is too large, making it larger must raise the loss: the gradient is positive there.",
            ),
            Mistake(
                "the 2 is missing in the gradient",
                lambda x, x_hat: (la.l2_loss(x, x_hat)[0], la.l2_loss(x, x_hat)[1] / 2),
                "The derivative of a square is twice what was squared.",
            ),
            Mistake(
                "the gradient is not divided by n",
                lambda x, x_hat: (la.l2_loss(x, x_hat)[0], la.l2_loss(x, x_hat)[1] * len(x)),
                "The loss is an average over n images, and so is its gradient: both have the 1 / n.",
            ),
            Mistake(
                "lengths that are not squared",
                lambda x, x_hat: (float(np.linalg.norm(x_hat - x, axis=1).mean()), la.l2_loss(x, x_hat)[1]),
                "The loss averages squared lengths; leave the square root out.",
            ),
        ),
        forbidden=("mse_loss", "MSELoss", "mean_squared_error"),
    ),
    Exercise(
        name="optimal_decoder",
        chapter="05_autoencoders",
        points=3,
        contract="Z (n, k) codes, X (n, p) samples -> (W, b), shapes (k, p) and (p,): the linear decoder with the "
        "smallest sum of squares of X - (Z W + b).",
        reference=la.optimal_decoder,
        cases=lambda: [
            Case("three codes", np.array([[0.0], [1.0], [2.0]]), np.array([[1.0, 0.0], [3.0, 1.0], [5.0, 5.0]])),
            Case("eight points and random codes of two numbers", _columns(8, 2, 1) + 1, _cloud() + 2),
            Case("digits, each coded by four of its pixels", _digits()[:, [20, 27, 36, 43]] + 0.5, _digits() + 0.3),
        ],
        hints=(
            "Codes are given, samples are wanted, and the map is linear: you know this problem as linear regression.",
            "`b` is one more row of W, if every code has one more entry that is always 1.",
            "`np.linalg.lstsq(A, X, rcond=None)[0]` solves for all p columns at once. What is A here?",
        ),
        mistakes=(
            Mistake(
                "no bias",
                lambda Z, X: (np.linalg.pinv(Z) @ X, np.zeros(X.shape[1])),
                "A code of zeros need not mean an image of zeros: fit b together with W.",
            ),
            Mistake(
                "b is the mean of the samples",
                lambda Z, X: (la.optimal_decoder(Z, X)[0], X.mean(axis=0)),
                "That is right for codes of mean zero only. In general the mean code must go to the mean sample.",
            ),
            Mistake(
                "W without centring, b afterwards",
                lambda Z, X: (np.linalg.pinv(Z) @ X, X.mean(axis=0) - Z.mean(axis=0) @ np.linalg.pinv(Z) @ X),
                "Fit W and b together: a column of ones beside Z, or both Z and X with their means taken off.",
            ),
            Mistake(
                "the codes regressed on the samples",
                lambda Z, X: (
                    la.optimal_decoder(X, Z)[0].T,
                    X.mean(axis=0) - Z.mean(axis=0) @ la.optimal_decoder(X, Z)[0].T,
                ),
                "That is an encoder, turned round. A decoder starts from Z: regress X on Z.",
            ),
        ),
        forbidden=("LinearRegression", "optimal_decoder"),
        rtol=1e-5,
        atol=1e-7,
    ),
    Exercise(
        name="tied_step",
        chapter="05_autoencoders",
        points=3,
        contract="W (p, k), X (n, p) with column means 0, eta > 0 -> (p, k): W after one step of gradient descent, of "
        "size eta, on the mean over the rows x of X of the squared length of x - x W W^T.",
        reference=la.tied_step,
        cases=lambda: [
            Case("a single direction", np.array([[1.0], [1.0]]), np.array([[1.0, 0.0], [-1.0, 0.0]]), 0.1),
            Case("eight points in space, two numbers", _columns(3, 2, 2), _cloud(), 0.05),
            Case("digits, three numbers", _columns(64, 3, 3) * 0.3, _digits(), 0.1),
        ],
        hints=(
            "Write `R = X - X W W^T`. W appears twice in R, so the product rule gives two terms.",
            "Change the first W by dW: R changes by `- X dW W^T`. Change the second: by `- X W dW^T`.",
            "The gradient is `-2/n (X^T R W + R^T X W)`. Check that both terms are p by k.",
        ),
        mistakes=(
            Mistake(
                "only the decoder's W is moved",
                lambda W, X, eta: W + eta * _decoder_part(W, X),
                "W encodes too. The gradient has a second term, from the W that makes the code.",
            ),
            Mistake(
                "only the encoder's W is moved",
                lambda W, X, eta: la.tied_step(W, X, eta) - eta * _decoder_part(W, X),
                "W decodes too. The gradient has a second term, from the W that rebuilds the sample.",
            ),
            Mistake(
                "uphill",
                lambda W, X, eta: 2 * W - la.tied_step(W, X, eta),
                "Descent goes against the gradient: subtract it.",
            ),
            Mistake(
                "a sum, not a mean",
                lambda W, X, eta: la.tied_step(W, X, eta * len(X)),
                "The loss is a mean over the n samples: divide by n.",
            ),
            Mistake(
                "the 2 is missing",
                lambda W, X, eta: la.tied_step(W, X, eta / 2),
                "The derivative of a square is twice what was squared.",
            ),
        ),
        forbidden=("backward", "grad", "autograd", "tied_step"),
    ),
    Exercise(
        name="principal_angles",
        chapter="05_autoencoders",
        points=3,
        contract="A (p, k), B (p, k), each with independent columns -> (k,): the principal angles between the spaces "
        "that the columns span, in radians, smallest first.",
        reference=la.principal_angles,
        cases=lambda: [
            Case("two lines at 45 degrees", np.array([[1.0], [0.0]]), np.array([[2.0], [2.0]])),
            Case("two planes in space", _columns(3, 2, 4), _columns(3, 2, 5)),
            Case("two spaces of dimension 3 in dimension 7", _columns(7, 3, 6), _columns(7, 3, 7)),
            Case("one plane with two bases", _columns(5, 2, 8), _columns(5, 2, 8) @ np.array([[1.0, 2.0], [0.0, 1.0]])),
        ],
        hints=(
            "For two unit vectors, the cosine of the angle is their inner product. A space has many bases: take an "
            "orthonormal one first.",
            "`np.linalg.qr(A)[0]` has orthonormal columns that span what A's columns span.",
            "The cosines are the singular values of `Q_A.T @ Q_B`. Rounding may push one above 1: `np.clip` before "
            "`np.arccos`.",
        ),
        mistakes=(
            Mistake(
                "the bases are not orthonormal",
                lambda A, B: np.arccos(np.clip(np.linalg.svd(A.T @ B, compute_uv=False), 0, 1)),
                "Inner products are cosines only between unit vectors: make both bases orthonormal first.",
            ),
            Mistake(
                "angles between matching columns",
                lambda A, B: np.sort(np.arccos(np.clip(np.abs(_cosines(A, B)), 0, 1))),
                "Another basis of the same space would give other numbers. Principal angles come from singular values.",
            ),
            Mistake(
                "the cosines",
                lambda A, B: np.cos(la.principal_angles(A, B)),
                "These are the cosines of the angles: `np.arccos` is missing.",
            ),
            Mistake(
                "in degrees",
                lambda A, B: np.degrees(la.principal_angles(A, B)),
                "The contract asks for radians.",
            ),
            Mistake(
                "largest first",
                lambda A, B: la.principal_angles(A, B)[::-1],
                "A large cosine is a small angle. The contract has the smallest angle first.",
            ),
            Mistake(
                "the sines",
                lambda A, B: np.sort(np.pi / 2 - la.principal_angles(A, B)),
                "`arcsin` of a cosine is what is missing to 90 degrees: take `np.arccos`.",
            ),
        ),
        forbidden=("subspace_angles", "principal_angles"),
        # The arc cosine of a number near 1 keeps half of its digits: in single precision about 1e-3 is left uncertain.
        rtol=1e-6,
        atol=5e-3,
    ),
    Exercise(
        name="upconvolution",
        chapter="05_autoencoders",
        points=2,
        contract="x (n,), w (m,), integer stride >= 1 -> ((n - 1) stride + m,): the entries x_i times the kernel w, "
        "laid down at the places i stride and added where they overlap.",
        reference=la.upconvolution,
        cases=lambda: [
            Case("two numbers, a kernel of three", np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0]), 2),
            Case("stride 1", np.array([1.0, 0.0, -1.0, 2.0]), np.array([0.5, 2.0]), 1),
            Case("a stride longer than the kernel", np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]), 3),
        ],
        hints=(
            "Think of w as a rubber stamp. Press it once for each entry of x, and that hard.",
            "Start with zeros of the right length. Stamp i covers m places, from `i * stride` on.",
            "`y[i * stride : i * stride + m] += x[i] * w` for every i.",
        ),
        mistakes=(
            Mistake(
                "the kernel is turned round",
                lambda x, w, stride: la.upconvolution(x, w[::-1], stride),
                "The stamp is laid down as it is: its first entry at the place `i * stride`.",
            ),
            Mistake(
                "overwritten where stamps overlap",
                lambda x, w, stride: _overwritten(x, w, stride),
                "Where two stamps overlap, their ink adds up: `+=`, not `=`.",
            ),
            Mistake(
                "the stride is ignored",
                lambda x, w, stride: np.convolve(x, w),
                "Neighbouring entries of x press their stamps `stride` places apart.",
            ),
            Mistake(
                "every value repeated",
                lambda x, w, stride: np.repeat(x, stride),
                "That makes the row longer without a kernel. Multiply each entry by w and lay it down.",
            ),
            Mistake(
                "zeros at the end",
                lambda x, w, stride: np.append(la.upconvolution(x, w, stride), np.zeros(stride)),
                "The last stamp begins at `(n - 1) * stride`, and the result ends where it ends.",
            ),
        ),
        forbidden=("conv_transpose1d", "ConvTranspose1d", "upconvolution"),
    ),
    Exercise(
        name="paired_interval",
        chapter="05_autoencoders",
        points=2,
        contract="a (n,), b (n,), level -> (low, high): Student's confidence interval for the mean of the differences "
        "a - b.",
        reference=paired_interval,
        cases=lambda: [
            Case("four pairs, 95 %", np.array([3.0, 5.0, 4.0, 8.0]), np.array([1.0, 4.0, 4.0, 3.0]), 0.95),
            Case("five pairs, 80 %", np.array([0.81, 0.84, 0.9, 0.7, 0.88]), np.array([0.8, 0.8, 0.8, 0.75, 0.8]), 0.8),
        ],
        hints=(
            "First the differences d, one for each pair. Then it is the interval for a mean that you know.",
            "Mean of d, plus and minus t times the standard error; the standard error is `d.std(ddof=1) / sqrt(n)`.",
            "`scipy.stats.t.ppf((1 + level) / 2, n - 1)` is t: half of what lies outside is above.",
        ),
        mistakes=(
            Mistake(
                "not paired",
                lambda a, b, level: _interval(a, b, level, np.sqrt(a.var(ddof=1) + b.var(ddof=1))),
                "The same draw is hard or easy for both methods. Take differences first: that cancels.",
            ),
            Mistake(
                "the standard deviation instead of the standard error",
                lambda a, b, level: _interval(a, b, level, (a - b).std(ddof=1) * np.sqrt(len(a))),
                "A mean of n differences varies less than one difference: divide by the square root of n.",
            ),
            Mistake(
                "the normal quantile",
                lambda a, b, level: _interval(a, b, level, (a - b).std(ddof=1), normal=True),
                "The spread is estimated from n numbers too, so the tails are heavier: Student's t, n - 1 degrees.",
            ),
            Mistake(
                "one tail",
                lambda a, b, level: paired_interval(a, b, 2 * level - 1),
                "Half of what lies outside is below, half above: the quantile is at `(1 + level) / 2`.",
            ),
            Mistake(
                "the spread is divided by n",
                lambda a, b, level: _interval(a, b, level, (a - b).std()),
                "NumPy's `std` divides by n; with the mean estimated from the same numbers it is n - 1: `ddof=1`.",
            ),
            Mistake(
                "b - a",
                lambda a, b, level: paired_interval(b, a, level),
                "The contract has a - b: positive where a is larger.",
            ),
        ),
        forbidden=("ttest_rel", "ttest_1samp", "confidence_interval", "paired_interval"),
        # An end of the interval is a difference of larger numbers: in single precision 1e-7 of those is lost.
        rtol=1e-6,
        atol=1e-6,
    ),
)


def _decoder_part(W: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Minus the gradient of the loss in the W that decodes."""
    SW = np.cov(X, rowvar=False, ddof=0) @ W
    return 2 * (SW - W @ (W.T @ SW))


def _cosines(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    return (A * B).sum(axis=0) / (np.linalg.norm(A, axis=0) * np.linalg.norm(B, axis=0))


def _overwritten(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    y = np.zeros(len(w) + stride * (len(x) - 1))
    for start, value in zip(range(0, len(y), stride), x, strict=False):
        np.put(y, np.arange(start, start + len(w)), value * w)
    return y


def _interval(a: np.ndarray, b: np.ndarray, level: float, spread: float, normal: bool = False) -> tuple[float, float]:
    from scipy import stats

    law = stats.norm() if normal else stats.t(len(a) - 1)
    reach = law.ppf((1 + level) / 2) * spread / np.sqrt(len(a))
    centre = float(np.mean(a - b))
    return centre - reach, centre + reach

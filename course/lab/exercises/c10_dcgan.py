"""The exercises of 10_dcgan. torch is imported where it is used: the lab needs none."""

from __future__ import annotations

import numpy as np

from course.lab import formula
from course.lab.exercise import Case, Exercise, Mistake

SYMBOLS = {"t": (0, 1), "k": (1, 10)}
CHORD, MEANS = "(1 - t)**2 + t**2", "3/k"


def _draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def _tensor(*shape: int, seed: int = 0):
    import torch

    return torch.as_tensor(_draw(*shape, seed=seed))


# fractionally_strided


def _upwards(y, w, stride, padding):
    from course.gan import strides

    return strides.fractional_convolution(y, w, stride, padding)


def _not_cut(y, w, stride, padding):
    return _upwards(y, w, stride, 0)


def _overwritten(y, w, stride, padding):
    full = np.zeros(_upwards(y, w, stride, 0).shape)
    k = len(w)
    for (row, column), value in np.ndenumerate(y):
        np.copyto(full[row * stride : row * stride + k, column * stride : column * stride + k], value * w)
    return full[padding : len(full) - padding, padding : len(full) - padding]


# layer_sides


def _sides(side, layers):
    from course.gan import strides

    return strides.sides(side, layers)


def _changed(layers, change):
    return [change(*layer) for layer in layers]


def _padding_once(side, layers):
    found = [side]
    for direction, kernel, stride, padding in layers:
        if direction == "down":
            found.append((found[-1] + padding - kernel) // stride + 1)
        else:
            found.append((found[-1] - 1) * stride - padding + kernel)
    return found


def _quotients(side, layers):
    found = [side]
    for direction, _, stride, _ in layers:
        found.append(found[-1] // stride if direction == "down" else found[-1] * stride)
    return found


def _no_floor(side, layers):
    found = [side]
    for direction, kernel, stride, padding in layers:
        if direction == "down":
            found.append((found[-1] + 2 * padding - kernel) / stride + 1)
        else:
            found.append((found[-1] - 1) * stride - 2 * padding + kernel)
    return found


# stamps_over


def _covered(n, kernel, stride):
    from course.gan import strides

    return strides.overlap_counts(n, kernel, stride)


# batch_normalise


def _normalised(x, gamma, beta, axes=(0, 2, 3)):
    import torch

    x, gamma, beta = (torch.as_tensor(np.asarray(a, float)) for a in (x, gamma, beta))
    if axes == (0, 2, 3):
        return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True).numpy()
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)
    return (gamma.view(1, -1, 1, 1) * (x - mean) / (variance + 1e-5).sqrt() + beta.view(1, -1, 1, 1)).numpy()


def _by_the_variance(x, gamma, beta):
    centred = x - x.mean((0, 2, 3), keepdims=True)
    variance = (centred**2).mean((0, 2, 3), keepdims=True)
    return gamma.reshape(1, -1, 1, 1) * centred / (variance + 1e-5) + beta.reshape(1, -1, 1, 1)


def _not_scaled(x, gamma, beta):
    return _normalised(x, np.ones(len(gamma)), np.zeros(len(beta)))


# mixed_variances


def _formulas():
    return CHORD, MEANS


def _their_values(texts):
    if not isinstance(texts, tuple | list) or len(texts) != 2:
        raise formula.FormulaError('two formulas are wanted, as texts: return "...", "..."')
    return [formula.values(text, SYMBOLS) for text in texts]


# latent_arithmetic


def _arithmetic(a, b, c):
    from course.gan import latent

    return latent.arithmetic(a, b, c)


EXERCISES = (
    Exercise(
        name="fractionally_strided",
        chapter="10_dcgan",
        points=3,
        contract="an image y (n, n), a kernel w (k, k), a stride and a padding -> a larger image, of side "
        "(n - 1) stride + k - 2 padding: every y[i, j] presses the stamp y[i, j] w with its corner at (i stride, "
        "j stride), stamps add up where they overlap, and `padding` rows and columns are cut off on all four sides.",
        reference=_upwards,
        cases=lambda: [
            Case("one pixel", np.array([[2.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), 2, 0),
            Case("two by two", np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(9.0).reshape(3, 3), 2, 0),
            Case("cut by one", np.array([[1.0, 2.0], [3.0, 4.0]]), np.arange(16.0).reshape(4, 4), 2, 1),
            Case("a stride longer than the kernel", _draw(3, 3), _draw(2, 2, seed=1), 3, 0),
        ],
        hints=(
            "Begin with zeros of side `(n - 1) * stride + k`. The padding comes last.",
            "Two loops over i and j; add `y[i, j] * w` to the square from `i * stride` and `j * stride` on.",
            "To cut p rows on both sides of an array of length m take `p : m - p`; that also works for p = 0.",
        ),
        mistakes=(
            Mistake(
                "nothing is cut off",
                _not_cut,
                "Padding in this direction makes the result smaller: cut it off on all four sides.",
            ),
            Mistake(
                "overwritten where stamps overlap",
                _overwritten,
                "Where two stamps overlap, their ink adds up: `+=`, not `=`.",
            ),
            Mistake(
                "the stamp is turned",
                lambda y, w, stride, padding: _upwards(y, w[::-1, ::-1], stride, padding),
                "The stamp is laid down as it is. Turning belongs to the other road, with zeros between the pixels.",
            ),
            Mistake(
                "rows and columns exchanged",
                lambda y, w, stride, padding: _upwards(y.T, w, stride, padding),
                "i counts rows of y and rows of the result, j columns of both.",
            ),
        ),
        forbidden=("conv_transpose2d", "ConvTranspose2d", "fractional_convolution", "fold", "Fold"),
    ),
    Exercise(
        name="layer_sides",
        chapter="10_dcgan",
        points=2,
        contract='side, and a list of layers ("down" or "up", kernel, stride, padding) -> a list of whole numbers: the '
        "side of the image before the first layer and after each.",
        reference=_sides,
        cases=lambda: [
            Case("a discriminator's first layers", 32, [("down", 4, 2, 1), ("down", 4, 2, 1)]),
            Case("a generator", 1, [("up", 4, 1, 0), ("up", 4, 2, 1), ("up", 4, 2, 1)]),
            Case("a stride that does not fit", 8, [("down", 3, 2, 0), ("up", 3, 2, 0)]),
        ],
        hints=(
            "Down: the padded side is `side + 2 * padding`. How many steps of the stride fit before the kernel's end "
            "leaves it?",
            "Down: `(side + 2 * padding - kernel) // stride + 1`, rounded down.",
            "Up is the same relation read backwards: `(side - 1) * stride + kernel - 2 * padding`.",
        ),
        mistakes=(
            Mistake(
                "padding counted once",
                _padding_once,
                "Padding lies on both sides of the image: it counts twice.",
            ),
            Mistake(
                "only the stride",
                _quotients,
                "The stride alone is right for a kernel of 4 with stride 2 and padding 1. Elsewhere the kernel counts.",
            ),
            Mistake(
                "not rounded down",
                _no_floor,
                "A step that does not fit is not made: round down, `//`.",
            ),
            Mistake(
                "without the first side",
                lambda side, layers: _sides(side, layers)[1:],
                "The list begins with the side before the first layer.",
            ),
            Mistake(
                "up and down exchanged",
                lambda side, layers: _sides(
                    side, _changed(layers, lambda d, *rest: ({"up": "down", "down": "up"}[d], *rest))
                ),
                "A strided convolution makes images smaller, a fractionally strided one larger.",
            ),
        ),
        forbidden=("sides",),
    ),
    Exercise(
        name="stamps_over",
        chapter="10_dcgan",
        points=2,
        contract="whole numbers n, kernel, stride -> ((n - 1) stride + kernel,): how many of n stamps of length "
        "kernel, laid down stride places apart, cover each place of a line.",
        reference=_covered,
        cases=lambda: [
            Case("a kernel of three, stride 2", 4, 3, 2),
            Case("a kernel of four, stride 2", 4, 4, 2),
            Case("gaps", 3, 2, 3),
        ],
        hints=(
            "It is a fractionally strided convolution once more, of ones with a stamp of ones, in one dimension.",
            "Begin with zeros; for stamp i add 1 to the places from `i * stride` to `i * stride + kernel`.",
        ),
        mistakes=(
            Mistake(
                "the stride is ignored",
                lambda n, kernel, stride: np.convolve(np.ones(n), np.ones(kernel)),
                "Neighbouring stamps begin `stride` places apart.",
            ),
            Mistake(
                "covered or not",
                lambda n, kernel, stride: np.minimum(_covered(n, kernel, stride), 1),
                "Count how often: where two stamps overlap, it is 2.",
            ),
            Mistake(
                "kernel and stride exchanged",
                lambda n, kernel, stride: _covered(n, stride, kernel),
                "A stamp is `kernel` long; `stride` is the way from one to the next.",
            ),
        ),
        forbidden=("overlap_counts", "conv_transpose1d", "ConvTranspose1d"),
    ),
    Exercise(
        name="batch_normalise",
        chapter="10_dcgan",
        points=2,
        contract="x (n, channels, height, width), gamma (channels,), beta (channels,) -> an array of the same shape: "
        "every channel with its mean taken off and divided by sqrt(variance + 0.00001), both over all images and "
        "places, then times gamma and plus beta of that channel. The variance divides by the number of values.",
        reference=_normalised,
        cases=lambda: [
            Case("two channels", 3 * _draw(4, 2, 3, 3) + 5, np.array([1.0, 2.0]), np.array([0.0, -1.0])),
            Case("three channels", _draw(2, 3, 2, 2, seed=1) - 4, np.array([0.5, 1.0, 3.0]), np.array([1.0, 0.0, 7.0])),
            Case("a channel that is constant", np.ones((2, 1, 2, 2)), np.array([3.0]), np.array([0.25])),
        ],
        hints=(
            "Mean and variance over the axes 0, 2 and 3: all but the channels.",
            "With `keepdims=True` they have the shape (1, channels, 1, 1), and subtract from x as they are.",
            "`gamma[None, :, None, None]` has that shape too. `var` of NumPy divides by the number of values.",
        ),
        mistakes=(
            Mistake(
                "each image by itself",
                lambda x, gamma, beta: _normalised(x, gamma, beta, (2, 3)),
                "That is instance normalisation. In a *batch* the mean goes over the images too.",
            ),
            Mistake(
                "each place by itself",
                lambda x, gamma, beta: _normalised(x, gamma, beta, (0,)),
                "A convolution uses one kernel everywhere: mean and variance go over the places too.",
            ),
            Mistake(
                "all channels together",
                lambda x, gamma, beta: _normalised(x, gamma, beta, (0, 1, 2, 3)),
                "Every channel has a mean and a variance of its own.",
            ),
            Mistake(
                "divided by the variance",
                _by_the_variance,
                "Divide by the root of the variance, so that the spread becomes 1.",
            ),
            Mistake(
                "without gamma and beta",
                _not_scaled,
                "gamma and beta give the network back what was taken: a scale and a mean that it learns.",
            ),
        ),
        forbidden=("batch_norm", "BatchNorm2d", "instance_norm", "layer_norm"),
        rtol=1e-5,
        atol=1e-6,
    ),
    Exercise(
        name="mixed_variances",
        chapter="10_dcgan",
        points=2,
        contract="no arguments -> two texts, formulas in t and k: the variance of each coordinate of "
        "(1 - t) z0 + t z1, and that of mean(a) - mean(b) + mean(c) with k draws in each mean; all draws independent, "
        "from N(0, I).",
        reference=_formulas,
        cases=lambda: [Case("your formulas")],
        hints=(
            "Variances of independent variables add up, and a factor comes out squared.",
            "A mean of k draws of variance 1 has the variance 1 / k. A minus sign changes no variance.",
            'Write texts such as `"t**2 - 1/k"`, and return both: `return "...", "..."`.',
        ),
        mistakes=(
            Mistake(
                "factors not squared",
                lambda: ("1", MEANS),
                "(1 - t) z0 has the variance (1 - t) squared: at t = 1/2 that is a quarter, not a half.",
            ),
            Mistake(
                "a minus lowers the variance",
                lambda: (CHORD, "1/k"),
                "Subtracting something independent adds uncertainty: all three variances count with a plus.",
            ),
            Mistake(
                "standard deviations",
                lambda: (f"sqrt({CHORD})", f"sqrt({MEANS})"),
                "These are the standard deviations; the variances are wanted.",
            ),
            Mistake(
                "the mean's variance is not divided by k",
                lambda: (CHORD, "3"),
                "A mean of k independent draws varies less than one of them: 1 / k.",
            ),
        ),
        canonical=_their_values,
    ),
    Exercise(
        name="latent_arithmetic",
        chapter="10_dcgan",
        points=1,
        contract="tensors a, b, c (k, p), the latents of k exemplars each -> (p,): the mean of a minus the mean of b "
        "plus the mean of c.",
        reference=_arithmetic,
        cases=lambda: [
            Case("three of each", _tensor(3, 4), _tensor(3, 4, seed=1), _tensor(3, 4, seed=2)),
            Case("one of each", _tensor(1, 5, seed=3), _tensor(1, 5, seed=4), _tensor(1, 5, seed=5)),
        ],
        hints=(
            "One vector for each group: the mean over its exemplars, `a.mean(dim=0)`.",
            "Then add and subtract the three vectors.",
        ),
        mistakes=(
            Mistake(
                "plus and minus exchanged",
                lambda a, b, c: _arithmetic(b, a, c),
                "What a has and b has not is a - b. That is given to c.",
            ),
            Mistake(
                "sums in place of means",
                lambda a, b, c: _arithmetic(a, b, c) * len(a),
                "The mean over the exemplars, not their sum: the sum lies far outside of where z are drawn.",
            ),
            Mistake(
                "the mean of three groups",
                lambda a, b, c: (a + b + c).mean(dim=0) / 3,
                "The second group is subtracted, and nothing is divided by three groups.",
            ),
            Mistake(
                "not averaged",
                lambda a, b, c: a - b + c,
                "One vector is wanted: average over the k exemplars.",
            ),
        ),
        forbidden=("arithmetic",),
        rtol=1e-5,
        atol=1e-7,
    ),
)

"""The exercises of 11_gan_applications. torch is imported where it is used: the lab does without it."""

from __future__ import annotations

import numpy as np

from course.lab.exercise import Case, Exercise, Mistake


def _draw(seed, *shape):
    import torch

    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _tensor(values):
    import torch

    return torch.tensor(values)


# labelled_noise


def _with_label(z, y, k):
    from course.gan import conditional

    return conditional.with_label(z, y, k)


def _label_first(z, y, k):
    import torch

    whole = _with_label(z, y, k)
    return torch.cat([whole[:, -k:], whole[:, :-k]], dim=1)


def _number_as_it_is(z, y, k):
    import torch

    return torch.cat([z, y[:, None].to(z.dtype)], dim=1)


def _weighed(z, y, k):
    whole = _with_label(z, y, k)
    return whole * (1 + (_with_label(0 * z, y, k) > 0) * (y[:, None] - 1))


# text_loss


def _matching(right, wrong, fake):
    from course.gan import conditional

    return conditional.matching_loss(right, wrong, fake)


def _two_terms(right, fake):
    from course.gan import game

    return game.discriminator_loss(right, fake)


def _unhalved(right, wrong, fake):
    import torch

    return _two_terms(right, wrong) + torch.nn.functional.softplus(fake).mean()


def _by_logarithms(right, wrong, fake):
    D = [logits.sigmoid() for logits in (right, wrong, fake)]
    return -D[0].log().mean() - ((1 - D[1]).log().mean() + (1 - D[2]).log().mean()) / 2


# obeyed_words


def _shares(asked, seen):
    wanted = asked.sum(axis=0)
    return np.divide(np.einsum("ij,ij->j", asked, seen), wanted, out=np.full(len(wanted), np.nan), where=wanted > 0)


def _of_those_seen(asked, seen):
    return np.where(asked.any(axis=0), _shares(seen, asked), np.nan)


def _said(seed, n, k=4):
    """What n captions of k words ask for, and what a judge sees: usually the same. Nobody asks for the last word."""
    rng = np.random.default_rng(seed)
    asked = (rng.random((n, k)) < 0.5).astype(float)
    asked[:, -1] = 0
    asked[0, :-1] = 1
    return asked, np.where(rng.random((n, k)) < 0.8, asked, 1 - asked)


# find_code


def _closed(W, b, x, rate, n_steps):
    from course.gan import inversion

    return inversion.invert_linear(W, b, x, rate, n_steps)


def _linear(seed, p, d):
    return _draw(seed, p, d), _draw(seed + 1, p), _draw(seed + 2, p)


# patch_side, cycle_error


def _patch_from_the_image(layers):
    """From the image upwards: each layer adds its kernel less 1, at the distance that its inputs have in the image."""
    side, apart = 1, 1
    for kernel, stride in layers:
        side, apart = side + (kernel - 1) * apart, apart * stride
    return side


def _own_stride_too(layers):
    side, apart = 1, 1
    for kernel, stride in layers:
        apart *= stride
        side += (kernel - 1) * apart
    return side


def _touching_windows(layers):
    side = 1
    for kernel, _ in layers:
        side *= kernel
    return side


def _round_trips(X, Y, A, B):
    """How far each point is from home, as vectors: (BA - I) x and (AB - I) y."""
    return X @ (B @ A - np.eye(A.shape[1])).T, Y @ (A @ B - np.eye(A.shape[0])).T


def _cycle_error(X, Y, A, B):
    return float(sum(np.abs(missed).mean() for missed in _round_trips(X, Y, A, B)))


def _plane(seed, n, m):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1


def _matrices(seed):
    return tuple(np.random.default_rng(seed).normal(size=(2, 2, 2)))


_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


EXERCISES = (
    Exercise(
        name="labelled_noise",
        chapter="11_gan_applications",
        points=2,
        contract="noise z (n, d), labels y (n,) of whole numbers in 0..k-1, and k -> (n, d + k) tensor: each row of z "
        "followed by its label as k numbers, 1 at place y and 0 elsewhere.",
        reference=_with_label,
        cases=lambda: [
            Case("two rows, three labels", _tensor([[0.5, -1.0], [2.0, 0.0]]), _tensor([2, 0]), 3),
            Case("six rows, five labels", _draw(0, 6, 4), _tensor([4, 3, 1, 1, 0, 2]), 5),
        ],
        hints=(
            "Row y of the identity matrix `torch.eye(k)` has its 1 at place y.",
            "A tensor of indices picks several rows at once: `torch.eye(k)[y]` has the shape (n, k).",
            "`torch.cat([a, b], dim=1)` puts two tensors side by side.",
        ),
        mistakes=(
            Mistake(
                "the label first", _label_first, "First the noise, then the label: the order is part of the contract."
            ),
            Mistake(
                "the label as one number",
                _number_as_it_is,
                "A single number says that 3 lies between 2 and 4. Labels have no order: give each a place.",
            ),
            Mistake(
                "the label in place of a 1", _weighed, "A 1 marks the place of the label; the place itself says which."
            ),
            Mistake(
                "one place too far",
                lambda z, y, k: _with_label(z, (y + 1) % k, k),
                "Labels begin at 0, and so do places: label 0 has its 1 in the first of the k columns.",
            ),
        ),
        forbidden=("with_label", "one_hot"),
    ),
    Exercise(
        name="text_loss",
        chapter="11_gan_applications",
        points=3,
        contract="logits right, wrong, fake (n,) of real images with their own caption, real images with another "
        "one's, and generated images with the caption they were made for -> (): -E log D(right) - [E log(1 - D(wrong)) "
        "+ E log(1 - D(fake))] / 2 with D = sigmoid(logit). Finite for logits of +-1000.",
        reference=_matching,
        cases=lambda: [
            Case("a few logits", _tensor([0.0, 2.0]), _tensor([1.0, -1.0]), _tensor([-0.5, 3.0])),
            Case("seven logits", _draw(1, 7), _draw(2, 7), _draw(3, 7)),
            Case("very sure", _tensor([-1000.0, 1000.0]), _tensor([1000.0, -1000.0]), _tensor([-900.0, 900.0])),
        ],
        hints=(
            "Only one of the three is to be called real: the right pairs. Both kinds of wrong share the other half.",
            "-log sigmoid(a) = log(1 + exp(-a)), and -log(1 - sigmoid(a)) = log(1 + exp(a)).",
            "`torch.nn.functional.softplus(a)` is log(1 + exp(a)), for logits of any size.",
        ),
        mistakes=(
            Mistake(
                "wrong pairs called real",
                lambda right, wrong, fake: _matching(right, -wrong, fake),
                "The image is real, but it is not what the caption says: the answer for the *pair* is no.",
            ),
            Mistake(
                "no wrong pairs",
                lambda right, wrong, fake: _two_terms(right, fake),
                "Three kinds of pairs go in. Without the wrong ones nobody tells D to read the caption.",
            ),
            Mistake(
                "three equal weights",
                _unhalved,
                "The two kinds of wrong share one weight: half of each.",
            ),
            Mistake(
                "logarithm of zero",
                _by_logarithms,
                "At a logit of 1000 the probability is 1, and the logarithm of 1 - D infinite. Use `softplus`.",
            ),
        ),
        forbidden=("matching_loss",),
        rtol=1e-5,
    ),
    Exercise(
        name="obeyed_words",
        chapter="11_gan_applications",
        points=2,
        contract="asked (n, k) and seen (n, k) of zeros and ones: row i is a face, column j a word, 1 where its "
        "caption says the word, and where the judge sees it -> (k,): of the faces asked to have word j, the share that "
        "has it. NaN for a word that no caption says.",
        reference=_shares,
        cases=lambda: [
            Case(
                "four faces, two words",
                np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]]),
                np.array([[1.0, 0], [1, 1], [0, 0], [0, 1]]),
            ),
            Case("twelve faces, four words", *_said(0, 12)),
            Case("thirty faces, four words", *_said(1, 30)),
        ],
        hints=(
            "For one word, keep only the faces that were asked to have it: what share of those has it?",
            "The product `asked * seen` is 1 where a wish was fulfilled.",
            "Divide its column sums by those of `asked`; where nobody asked, that is 0 / 0: say NaN.",
        ),
        mistakes=(
            Mistake(
                "all agreements",
                lambda asked, seen: np.where(asked.any(axis=0), (asked == seen).mean(axis=0), np.nan),
                "A face without a beard that nobody asked to have one says nothing of how well `beard` is obeyed.",
            ),
            Mistake(
                "of those that have it",
                _of_those_seen,
                "Divide by how many were *asked* to have it, not by how many have it.",
            ),
            Mistake(
                "of all faces",
                lambda asked, seen: np.where(asked.any(axis=0), (asked * seen).mean(axis=0), np.nan),
                "The share is of the faces that were asked, not of all n.",
            ),
            Mistake(
                "0 for a word that nobody said",
                lambda asked, seen: np.nan_to_num(_shares(asked, seen)),
                "Nobody asked, so nobody disobeyed: the share is not known, NaN.",
            ),
        ),
        forbidden=("right_groups",),
    ),
    Exercise(
        name="patch_side",
        chapter="11_gan_applications",
        points=2,
        contract="layers, a list of pairs (kernel, stride) of convolutions, the one nearest to the image first -> a "
        "whole number: the side, in pixels of the image, of the patch that one output of the last layer sees.",
        reference=_patch_from_the_image,
        cases=lambda: [
            Case("one layer", [(4, 2)]),
            Case("two layers", [(3, 2), (5, 2)]),
            Case("the paper's discriminator", [(4, 2), (4, 2), (4, 2), (4, 1), (4, 1)]),
        ],
        hints=(
            "Begin at the end: one output of the last layer sees `kernel` outputs of the layer before it.",
            "r neighbouring outputs of a layer begin `stride` apart, and each sees `kernel` inputs. How many in all?",
            "The last one begins at `(r - 1) * stride`: it is `(r - 1) * stride + kernel`. Go from the last layer to "
            "the first, starting with r = 1.",
        ),
        mistakes=(
            Mistake(
                "strides left out",
                lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
                "Neighbouring outputs of a layer with stride 2 look at places two pixels apart.",
            ),
            Mistake(
                "from the first layer to the last",
                lambda layers: _patch_from_the_image(layers[::-1]),
                "The list begins at the image. The recursion (r - 1) stride + kernel begins at the last layer.",
            ),
            Mistake(
                "windows that do not overlap",
                _touching_windows,
                "The windows of neighbouring outputs overlap: kernels cannot just be multiplied.",
            ),
            Mistake(
                "the layer's own stride on its kernel",
                _own_stride_too,
                "A layer's stride sets its outputs apart, not its inputs: it matters for the layers above it.",
            ),
        ),
    ),
    Exercise(
        name="cycle_error",
        chapter="11_gan_applications",
        points=2,
        contract="points X (n, d) and Y (m, k), one a row, and matrices A (k, d), B (d, k) of the maps G(x) = A x and "
        "F(y) = B y -> a number: the mean of |F(G(x)) - x| over all coordinates of all x, plus the mean of "
        "|G(F(y)) - y| over all coordinates of all y.",
        reference=_cycle_error,
        cases=lambda: [
            Case("a turn and its inverse", *_plane(0, 5, 5), _TURN, _TURN.T),
            Case("the same turn twice", np.array([[1.0, 2.0]]), np.array([[3.0, 0.0]]), _TURN, _TURN),
            Case("any two maps", *_plane(1, 6, 4), *_matrices(2)),
        ],
        hints=(
            "Points stand in rows: the images of all x are `X @ A.T`.",
            "There and back: `X @ A.T @ B.T` should be X, and `Y @ B.T @ A.T` should be Y.",
            "`np.abs(back - X).mean()` for the x, the same for the y, and add the two.",
        ),
        mistakes=(
            Mistake(
                "one way only",
                lambda X, Y, A, B: float(np.abs(_round_trips(X, Y, A, B)[0]).mean()),
                "The y must come home too: add the mean of |G(F(y)) - y|.",
            ),
            Mistake(
                "squares",
                lambda X, Y, A, B: float(sum((missed**2).mean() for missed in _round_trips(X, Y, A, B))),
                "Take absolute values, as CycleGAN does: squares would blur.",
            ),
            Mistake(
                "positive and negative cancel",
                lambda X, Y, A, B: float(sum(missed.mean() for missed in _round_trips(X, Y, A, B))),
                "Take the absolute value of each coordinate before the mean.",
            ),
            Mistake(
                "sums in place of means",
                lambda X, Y, A, B: float(sum(np.abs(missed).sum() for missed in _round_trips(X, Y, A, B))),
                "Two means, each over all coordinates of all its points.",
            ),
            Mistake(
                "the two cycles exchanged",
                lambda X, Y, A, B: _cycle_error(X, Y, B, A),
                "An x goes through G first: F(G(x)). A y goes through F first: G(F(y)).",
            ),
        ),
    ),
    Exercise(
        name="find_code",
        chapter="11_gan_applications",
        points=3,
        contract="W (p, d), b (p,), x (p,), rate, n_steps -> (d,): the code z after n_steps of gradient descent, from "
        "z = 0, on half the squared error of a linear generator, |W z + b - x|^2 / 2.",
        reference=_closed,
        cases=lambda: [
            Case("one number", _tensor([[2.0]]), _tensor([1.0]), _tensor([5.0]), 0.1, 1),
            Case("four pixels, two numbers", *_linear(4, 4, 2), 0.05, 3),
            Case("fewer pixels than numbers", *_linear(9, 3, 5), 0.02, 40),
        ],
        hints=(
            "By the chain rule the gradient is the transpose of W times the error W z + b - x.",
            "One step: `z = z - rate * W.T @ (W @ z + b - x)`. Begin with `torch.zeros`.",
            "autograd works as well; half the square has no factor 2 in its gradient.",
        ),
        mistakes=(
            Mistake(
                "uphill",
                lambda W, b, x, rate, n_steps: _closed(W, b, x, -rate, n_steps),
                "Step *against* the gradient: the error is to become smaller.",
            ),
            Mistake(
                "twice the gradient",
                lambda W, b, x, rate, n_steps: _closed(W, b, x, 2 * rate, n_steps),
                "The half in front of the square takes the 2 away.",
            ),
            Mistake(
                "without b",
                lambda W, b, x, rate, n_steps: _closed(W, 0 * b, x, rate, n_steps),
                "The generator makes W z + b: compare x with that.",
            ),
            Mistake(
                "least squares at once",
                lambda W, b, x, rate, n_steps: _closed(W, b, x, rate, 10**6),
                "That is where the walk ends. The contract asks for where it is after n_steps.",
            ),
        ),
        forbidden=("invert_linear", "invert", "lstsq", "pinv", "solve"),
        rtol=1e-5,
        atol=1e-7,
    ),
)

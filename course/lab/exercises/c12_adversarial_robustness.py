"""The exercises of 12_adversarial_robustness. torch is imported where it is used: the lab does without it."""

from __future__ import annotations

import numpy as np

from course.lab.exercise import Case, Exercise, Mistake
from course.robust import objectives


def fgsm_step(x, gradient, delta):
    from course.robust import attacks

    return attacks.fgsm_step(x, gradient, delta)


def project_l2(e, delta):
    from course.robust import attacks

    return attacks.project(e, delta, "l2")


def pgd_step(x, origin, gradient, step, delta):
    from course.robust import attacks

    return attacks.pgd_step(x, origin, gradient, step, delta)


def _tensor(values):
    import torch

    return torch.tensor(values, dtype=torch.float64)


def _images(seed):
    """Three images of 2 x 2 pixels, some close to 0 and to 1, and a gradient with a zero in it."""
    rng = np.random.default_rng(seed)
    gradient = rng.normal(size=(3, 1, 2, 2))
    gradient[0, 0, 0, 0] = 0
    return _tensor(rng.uniform(size=(3, 1, 2, 2)).round(2)), _tensor(gradient.round(2))


def _changes():
    return _tensor(np.random.default_rng(2).normal(size=(4, 1, 2, 3)) * np.array([0.1, 0.4, 1, 3])[:, None, None, None])


def _on_the_way():
    origin, gradient = _images(3)
    moved = origin + _tensor(np.random.default_rng(4).uniform(-0.1, 0.1, size=(3, 1, 2, 2)))
    return moved.clip(0, 1), origin, gradient, 0.04, 0.1


def _entrywise_l2(e, delta):
    return e.clip(-delta, delta)


def _as_one(e, delta):
    return project_l2(e.reshape(1, -1), delta).reshape(e.shape)


def _about_x(x, origin, gradient, step, delta):
    return (x + min(step, delta) * gradient.sign()).clip(0, 1)


def _not_projected(x, origin, gradient, step, delta):
    return (x + step * gradient.sign()).clip(0, 1)


def _margins(X, y, w, b):
    return y * (X @ w + b)


def _with_norm_of_the_ball(X, y, w, b, delta, norm):
    size = np.abs(w).max() if norm == "linf" else np.linalg.norm(w)
    return float(np.logaddexp(0, delta * size - _margins(X, y, w, b)).mean())


def _samples(seed=5, n=20, p=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.choice([-1.0, 1.0], size=n), rng.normal(size=p)


def _cases_of_a_linear_model():
    X, y, w = _samples()
    one = (np.array([[1.0, 1.0]]), np.array([1.0]), np.array([1.0, -1.0]), 0.0, 1.0)
    return [
        Case("one sample", *one, "linf"),
        Case("twenty samples, linf", X, y, w, 0.3, 0.2, "linf"),
        Case("twenty samples, l2", X, y, w, 0.3, 0.2, "l2"),
    ]


def _cases_of_a_regression():
    X, y, w = _samples(6)
    y = y + X[:, 0]
    return [
        Case("one sample", np.zeros((1, 2)), np.array([1.0]), np.array([1.0, 0.0]), 2.0),
        Case("twenty samples", X, y, w, 1.5 * float(w @ w)),
        Case("too cheap", X, y, w, 0.5 * float(w @ w)),
    ]


def _rounded_down(losses, alpha):
    k = max(1, int(alpha * len(losses)))
    return float(np.sort(losses)[-k:].mean())


EXERCISES = (
    Exercise(
        name="fgsm_step",
        chapter="12_adversarial_robustness",
        points=2,
        contract="tensors x (n, ...) in [0, 1] and gradient, of the same shape, delta >= 0 -> a tensor like x: every "
        "entry moved by delta in the direction of its gradient's sign, then clipped to [0, 1].",
        reference=fgsm_step,
        cases=lambda: [
            Case("three pixels", _tensor([[0.5, 0.95, 0.3]]), _tensor([[-2.0, 1.0, 0.0]]), 0.1),
            Case("three images", *_images(0), 0.2),
        ],
        hints=(
            "Only the sign of the gradient counts: every pixel moves by the whole budget, or not at all where it is 0.",
            "`gradient.sign()` is -1, 0 or 1 in each entry.",
            "A pixel below 0 or above 1 does not exist: `.clamp(0, 1)` at the end.",
        ),
        mistakes=(
            Mistake(
                "the wrong way",
                lambda x, gradient, delta: fgsm_step(x, -gradient, delta),
                "The adversary wants the loss to grow: up the gradient, not down.",
            ),
            Mistake(
                "not clipped",
                lambda x, gradient, delta: x + delta * gradient.sign(),
                "Some pixels are now below 0 or above 1: clip at the end.",
            ),
            Mistake(
                "the gradient itself instead of its sign",
                lambda x, gradient, delta: (x + delta * gradient).clip(0, 1),
                "Each pixel may move by delta whatever the size of its gradient: take the sign.",
            ),
            Mistake(
                "a zero counted as positive",
                lambda x, gradient, delta: (x + delta * (2 * (gradient >= 0) - 1)).clip(0, 1),
                "Where the gradient is 0 nothing is won by moving, and sign(0) is 0.",
            ),
        ),
    ),
    Exercise(
        name="project_l2",
        chapter="12_adversarial_robustness",
        points=2,
        contract="tensor e (n, ...) of changes, one sample a row, delta >= 0 -> a tensor like e: for each sample, the "
        "closest point of the ball of radius delta about 0, in the l2 norm over all of the sample's entries.",
        reference=project_l2,
        cases=lambda: [
            Case("three short rows", _tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]), 1.0),
            Case("four images", _changes(), 1.0),
        ],
        hints=(
            "What is inside stays. What is outside is shortened to the length delta, in the same direction.",
            "`e.flatten(1).norm(dim=1)` has one length a sample; reshape it to `(n, 1, ..., 1)` to divide by it.",
            "The factor is `min(1, delta / length)`; take care of a length of 0.",
        ),
        mistakes=(
            Mistake(
                "what is inside is stretched to the sphere",
                lambda e, delta: delta * e / e.flatten(1).norm(dim=1).clip(1e-12).reshape(-1, *[1] * (e.ndim - 1)),
                "A change that is shorter than delta is in the ball already: leave it as it is.",
            ),
            Mistake(
                "clipped entry by entry",
                _entrywise_l2,
                "That is the l_inf ball. The l2 ball bounds the length of the whole change of a sample.",
            ),
            Mistake(
                "one length for all samples",
                _as_one,
                "Each sample has a length of its own: flatten from dimension 1 on, not from 0.",
            ),
        ),
        forbidden=("renorm",),
    ),
    Exercise(
        name="pgd_step",
        chapter="12_adversarial_robustness",
        points=3,
        contract="tensors x, origin and gradient (n, ...), step > 0, delta >= 0 -> a tensor like x: x moved by step "
        "along the gradient's sign, then to the closest point with |x - origin| <= delta in every entry, then "
        "clipped to [0, 1].",
        reference=pgd_step,
        cases=lambda: [
            Case("two pixels", _tensor([[0.55, 0.5]]), _tensor([[0.5, 0.02]]), _tensor([[1.0, -1.0]]), 0.1, 0.08),
            Case("three images", *_on_the_way()),
        ],
        hints=(
            "Three things in order: step, ball, pixels.",
            "The ball is about `origin`, the clean image, not about the place where you are.",
            "Clip `x - origin` to [-delta, delta] and add origin again; or clip x between origin - delta and "
            "origin + delta.",
        ),
        mistakes=(
            Mistake(
                "the ball is about the current point",
                _about_x,
                "Then every step may go on by delta, and twenty steps twenty times as far: the ball is about `origin`.",
            ),
            Mistake(
                "not projected",
                _not_projected,
                "After the step, go back to the ball about `origin`.",
            ),
            Mistake(
                "starts from the origin again",
                lambda x, origin, gradient, step, delta: pgd_step(origin, origin, gradient, step, delta),
                "A step goes on from where we are, x; only the ball is about origin.",
            ),
            Mistake(
                "down the gradient",
                lambda x, origin, gradient, step, delta: pgd_step(x, origin, -gradient, step, delta),
                "The adversary climbs: plus, not minus.",
            ),
        ),
    ),
    Exercise(
        name="robust_linear_loss",
        chapter="12_adversarial_robustness",
        points=3,
        contract='arrays X (n, p), y (n,) of -1 and +1, w (p,), numbers b and delta, norm "linf" or "l2" -> a number: '
        "the mean over i of the largest log(1 + exp(-y_i (w . (x_i + e_i) + b))) over |e_i| <= delta in that norm.",
        reference=objectives.robust_linear_loss,
        cases=_cases_of_a_linear_model,
        hints=(
            "The loss falls in the margin, so that the adversary only has to make each margin as small as possible.",
            "It takes delta times the dual norm of w from every margin.",
            'The dual norm is the sum of |w_j| for "linf", and the length of w for "l2".',
        ),
        mistakes=(
            Mistake(
                "the adversary helps",
                lambda X, y, w, b, delta, norm: float(
                    np.logaddexp(0, -delta * objectives.dual_norm(w, norm) - _margins(X, y, w, b)).mean()
                ),
                "The margin must become smaller: take the dual norm off, before the minus sign of the exponent.",
            ),
            Mistake(
                "the norm of the ball instead of its dual",
                _with_norm_of_the_ball,
                "Against |e_j| <= delta every weight counts with its full size: the sum of |w_j|, not the largest.",
            ),
            Mistake(
                "always the sum of the weights' sizes",
                lambda X, y, w, b, delta, norm: objectives.robust_linear_loss(X, y, w, b, delta, "linf"),
                "Against an l2 adversary the dual norm is the length of w.",
            ),
            Mistake(
                "no adversary",
                lambda X, y, w, b, delta, norm: objectives.robust_linear_loss(X, y, w, b, 0.0, norm),
                "This is the loss of the clean samples: delta does not appear in it.",
            ),
        ),
    ),
    Exercise(
        name="wasserstein_inner",
        chapter="12_adversarial_robustness",
        points=3,
        contract="arrays X (n, p), y (n,), w (p,), number gamma > 0 -> (n,): for each row, the supremum over x' (p,) "
        "of (y_i - w . x')^2 - gamma |x' - x_i|_2^2. Infinite in every row when gamma < w . w.",
        reference=objectives.wasserstein_inner,
        cases=_cases_of_a_regression,
        hints=(
            "With x' = x - t w the residual r becomes r + t |w|^2, and the way costs gamma t^2 |w|^2.",
            "Set the derivative by t to zero: t = r / (gamma - |w|^2). Put it back in.",
            "The result is r^2 gamma / (gamma - |w|^2), as long as gamma is above |w|^2.",
        ),
        mistakes=(
            Mistake(
                "the price of the way is left out",
                lambda X, y, w, gamma: objectives.wasserstein_inner(X, y, w, gamma) * gamma / abs(gamma - w @ w),
                "This is the squared residual at the worst x'. Subtract gamma times the squared way to it.",
            ),
            Mistake(
                "nobody moves",
                lambda X, y, w, gamma: (y - X @ w) ** 2,
                "That is the loss at x' = x. The adversary moves until a longer way would cost more than it gains.",
            ),
            Mistake(
                "a negative value where moving pays without end",
                lambda X, y, w, gamma: (y - X @ w) ** 2 * gamma / (gamma - w @ w),
                "For gamma < |w|^2 the parabola opens upwards: its vertex is a minimum, and the supremum is infinite.",
            ),
            Mistake(
                "the length of w instead of its square",
                lambda X, y, w, gamma: (
                    (y - X @ w) ** 2 * gamma / (gamma - np.sqrt(w @ w)) if gamma > w @ w else np.full(len(X), np.inf)
                ),
                "Moving by t w changes w . x by t |w|^2: it is the square that stands beside gamma.",
            ),
        ),
    ),
    Exercise(
        name="cvar",
        chapter="12_adversarial_robustness",
        points=2,
        contract="array losses (n,), alpha in (0, 1] -> a number: the mean of the worst share alpha of the losses. "
        "When alpha n is not whole, one sample counts in part.",
        reference=objectives.cvar,
        cases=lambda: [
            Case("four losses, the worst half", np.array([0.0, 1, 2, 5]), 0.5),
            Case("four losses, one and a half", np.array([0.0, 1, 2, 5]), 0.375),
            Case("thirty losses", np.random.default_rng(7).exponential(size=30).round(3), 0.17),
        ],
        hints=(
            "Sort the losses. The worst ones get the weight 1 / (alpha n) each, until the weights add up to 1.",
            "The last one that gets any weight gets what is left.",
            "Or use the dual: `t + max(losses - t, 0).mean() / alpha` is least at one of the losses t; try them all.",
        ),
        mistakes=(
            Mistake(
                "the best share",
                lambda losses, alpha: -objectives.cvar(-np.asarray(losses), alpha),
                "The worst losses are the largest.",
            ),
            Mistake(
                "a whole number of samples",
                _rounded_down,
                "alpha n = 1.5 means one sample and a half: the second counts half, and the sum is divided by 1.5.",
            ),
            Mistake(
                "the quantile",
                lambda losses, alpha: float(np.quantile(losses, 1 - alpha)),
                "The quantile says where the worst share begins; CVaR is the mean beyond it.",
            ),
            Mistake(
                "not divided by alpha",
                lambda losses, alpha: alpha * objectives.cvar(losses, alpha),
                "The weights must add up to 1: divide by alpha n.",
            ),
        ),
    ),
)

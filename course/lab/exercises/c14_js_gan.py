"""The exercises of 14_js_gan."""

import numpy as np
from sklearn.metrics import roc_auc_score

from course.lab.exercise import Case, Exercise, Mistake
from course.robust import divergences


def _draw(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def _directions(m):
    angles = np.linspace(0, 2 * np.pi, m, endpoint=False)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def _outlier_auc(inliers, outliers):
    labels = np.repeat([0, 1], [len(inliers), len(outliers)])
    return float(roc_auc_score(labels, np.concatenate([inliers, outliers])))


def _discriminator(seed=3, p=3, h=4, m=6):
    return _draw(seed, m, p), _draw(seed + 1, p), _draw(seed + 2, h, p), _draw(seed + 3, h), 2 * _draw(seed + 4, h)


def _probability(logits):
    return 0.5 * (1 + np.tanh(np.asarray(logits, float) / 2))


def _non_saturating(Z, eta, W, b, v):
    hidden = _probability((eta + Z) @ W.T + b)
    pull = 1 - _probability(hidden @ v)
    return (pull[:, None] * ((hidden * (1 - hidden) * v) @ W)).mean(axis=0)


def _slope_of_the_hidden_layer_forgotten(Z, eta, W, b, v):
    hidden = _probability((eta + Z) @ W.T + b)
    return -_probability(hidden @ v).mean() * (v @ W)


EXERCISES = (
    Exercise(
        name="tv_gan_value",
        chapter="14_js_gan",
        points=2,
        contract="X (n, p) samples, eta (p,), U (m, p) directions, one a row -> a number: one half minus the smallest, "
        "over the directions u, of the share of the samples with u . (x - eta) >= 0.",
        reference=divergences.tv_gan_value,
        cases=lambda: [
            Case(
                "five points on a line", np.array([[0.0], [1], [2], [5], [9]]), np.array([2.0]), np.array([[1.0], [-1]])
            ),
            Case("forty points in the plane", _draw(0, 40, 2), np.array([0.3, -0.5]), _directions(16)),
        ],
        hints=(
            "One direction first: project `X - eta` on it, and count which results are not negative.",
            "All directions at once: `(X - eta) @ U.T` has a row for each sample and a column for each direction.",
            "A mean over the samples gives one share a direction; the adversary takes the smallest.",
        ),
        mistakes=(
            Mistake(
                "the largest share",
                lambda X, eta, U: 0.5 - max(0.5 - divergences.tv_gan_value(X, eta, U[[i]]) for i in range(len(U))),
                "The depth is the share of the *emptiest* half-space: take the smallest.",
            ),
            Mistake(
                "the depth itself",
                lambda X, eta, U: 0.5 - divergences.tv_gan_value(X, eta, U),
                "That is the depth. What the discriminator gains is 1/2, the share it expects, minus that.",
            ),
            Mistake(
                "the edge is left out",
                lambda X, eta, U: 0.5 - min(np.mean((X - eta) @ u > 0) for u in U),
                "A sample on the edge of the half-space belongs to it: >=, not >.",
            ),
            Mistake(
                "not centred at eta",
                lambda X, eta, U: divergences.tv_gan_value(X, np.zeros_like(eta), U),
                "The edge of the half-space goes through eta: project X - eta.",
            ),
        ),
        forbidden=("tv_gan_value", "halfspace_depth"),
    ),
    Exercise(
        name="js_objective",
        chapter="14_js_gan",
        points=2,
        contract="logits of the samples (n,) and of the generated points (m,) -> a number: mean log T over the samples "
        "plus mean log(1 - T) over the generated plus log 4, where T = sigmoid(logit). Finite for logits of +-1000.",
        reference=divergences.js_objective,
        cases=lambda: [
            Case("a discriminator that is blind", np.zeros(3), np.zeros(2)),
            Case("a few logits", np.array([2.0, -1, 0.5]), np.array([-3.0, 1])),
            Case("large logits", np.array([1000.0, -1000]), np.array([-1000.0, 1000])),
        ],
        hints=(
            "`log T = -log(1 + exp(-logit))` and `log(1 - T) = -log(1 + exp(logit))`.",
            "`np.logaddexp(0, s)` is log(1 + exp(s)) without overflow.",
            "Two means, one for each sample, and `np.log(4)`: a blind discriminator then scores 0.",
        ),
        mistakes=(
            Mistake(
                "without log 4",
                lambda real, fake: divergences.js_objective(real, fake) - np.log(4),
                "Add log 4, so that a discriminator that knows nothing, T = 1/2 everywhere, scores 0.",
            ),
            Mistake(
                "real and generated exchanged",
                lambda real, fake: divergences.js_objective(fake, real),
                "log T is for the samples, log(1 - T) for the generated points.",
            ),
            Mistake(
                "the sigmoid and its logarithm one after the other",
                lambda real, fake: _in_two_steps(real, fake),
                "sigmoid(-1000) is 0 in floating point, and its logarithm is minus infinity. Simplify on paper first.",
            ),
            Mistake(
                "log T of the generated points",
                lambda real, fake: divergences.js_objective(real, -np.asarray(fake)),
                "The second mean is of log(1 - T): the discriminator is paid for giving generated points a small T.",
            ),
        ),
        rtol=1e-5,
        atol=1e-6,
    ),
    Exercise(
        name="js_g_gradient",
        chapter="14_js_gan",
        points=2,
        contract="g_real (n, k), g_fake (m, k), w (k,) -> (k,): the gradient in w of mean log sigmoid(g_real w) + mean "
        "log(1 - sigmoid(g_fake w)) + log 4.",
        reference=divergences.js_g_gradient,
        cases=lambda: [
            Case("two features at w = 0", np.array([[1.0, 2], [3, 0]]), np.array([[0.0, 1]]), np.zeros(2)),
            Case("three features", _draw(1, 12, 3), 1 + _draw(2, 9, 3), np.array([0.5, -1, 0.3])),
        ],
        hints=(
            "The derivative of log sigmoid(s) is 1 - sigmoid(s); that of log(1 - sigmoid(s)) is -sigmoid(s).",
            "s = w . g, so each row's derivative is multiplied by its g, and the rows are averaged.",
            "At w = 0 every sigmoid is 1/2, and half the difference of the two means is left.",
        ),
        mistakes=(
            Mistake(
                "T in place of 1 - T",
                lambda g_real, g_fake, w: (
                    divergences.js_g_gradient(g_real, g_fake, w)
                    + ((2 * _probability(g_real @ w) - 1)[:, None] * g_real).mean(axis=0)
                ),
                "A sample that is recognised already, T near 1, pulls no more: its weight is 1 - T.",
            ),
            Mistake(
                "the sign of the second mean",
                lambda g_real, g_fake, w: (
                    divergences.js_g_gradient(g_real, g_fake, w)
                    + 2 * (_probability(g_fake @ w)[:, None] * g_fake).mean(axis=0)
                ),
                "log(1 - T) falls as s grows: the generated points push the other way.",
            ),
            Mistake(
                "sums in place of means",
                lambda g_real, g_fake, w: (
                    ((1 - _probability(g_real @ w))[:, None] * g_real).sum(axis=0)
                    - (_probability(g_fake @ w)[:, None] * g_fake).sum(axis=0)
                ),
                "Each sample is averaged over its own number of rows.",
            ),
        ),
        forbidden=("js_g_gradient",),
    ),
    Exercise(
        name="location_gradient",
        chapter="14_js_gan",
        points=3,
        contract="noise Z (m, p), eta (p,), W (h, p), b (h,), v (h,) -> (p,): the gradient in eta of mean log(1 - T(eta"
        " + z)) over the rows z, for T(x) = sigmoid(v . sigmoid(W x + b)).",
        reference=divergences.location_gradient,
        cases=lambda: [
            Case(
                "one hidden unit", np.zeros((1, 2)), np.zeros(2), np.array([[1.0, 2]]), np.array([0.0]), np.array([4.0])
            ),
            Case("four hidden units", *_discriminator()),
        ],
        hints=(
            "Chain rule, from the outside in: d log(1 - T) / ds = -T for the logit s, then ds/dx.",
            "With a = sigmoid(W x + b), ds/dx is the sum over the units of v_j a_j (1 - a_j) times row j of W.",
            "For all rows at once: `(a * (1 - a) * v) @ W` has one gradient ds/dx a row; weigh it by -T, and average.",
        ),
        mistakes=(
            Mistake(
                "the log D trick",
                _non_saturating,
                "That is the gradient of mean log T, the other loss of chapter 8. Here the loss is mean log(1 - T).",
            ),
            Mistake(
                "the sign",
                lambda Z, eta, W, b, v: -divergences.location_gradient(Z, eta, W, b, v),
                "log(1 - T) falls as the logit grows: the outermost factor is -T.",
            ),
            Mistake(
                "the slope of the hidden layer is missing",
                _slope_of_the_hidden_layer_forgotten,
                "A sigmoid unit has the slope a (1 - a): it stands between v and W.",
            ),
        ),
        forbidden=("location_gradient", "autograd", "backward", "grad"),
    ),
    Exercise(
        name="outlier_auc",
        chapter="14_js_gan",
        points=2,
        contract="scores of inliers (n,) and of outliers (m,), high meaning suspicious -> a number: the chance that"
        " an outlier drawn at random scores higher than an inlier drawn at random, a tie counting one half.",
        reference=_outlier_auc,
        cases=lambda: [
            Case("three and two", np.array([1.0, 2, 3]), np.array([2.5, 4])),
            Case("with a tie", np.array([1.0, 2]), np.array([2.0])),
            Case("twenty and seven", _draw(8, 20).round(1), (_draw(9, 7) + 1).round(1)),
        ],
        hints=(
            "Every pair of an outlier and an inlier is one comparison: a table of n times m.",
            "`outliers[:, None] > inliers` is that table; its mean is the share of the pairs that are won.",
            "A tie is neither > nor <: add half of the share of the pairs with `==`.",
        ),
        mistakes=(
            Mistake(
                "a tie counts nothing",
                lambda inliers, outliers: float(np.mean(outliers[:, None] > inliers)),
                "A tie counts one half, so that scores which are all equal give 1/2: no better than a coin.",
            ),
            Mistake(
                "a tie counts as won",
                lambda inliers, outliers: float(np.mean(outliers[:, None] >= inliers)),
                "A tie counts one half, so that scores which are all equal give 1/2: no better than a coin.",
            ),
            Mistake(
                "inliers above outliers",
                lambda inliers, outliers: 1 - _outlier_auc(inliers, outliers),
                "A high score means suspicious: count the pairs in which the outlier is higher.",
            ),
        ),
        forbidden=("roc_auc_score", "roc_curve", "mannwhitneyu", "auc"),
    ),
    Exercise(
        name="quadratic_score_divergence",
        chapter="14_js_gan",
        points=2,
        contract="probabilities p (k,) and q (k,) -> a number: the largest value over t (k,) of (sum p S(t, 1) + sum q "
        "S(t, 0)) / 2 + 1/4, where S(t, 1) = -(1 - t)^2 and S(t, 0) = -t^2. Where p = q = 0, nothing is added.",
        reference=divergences.quadratic_score_divergence,
        cases=lambda: [
            Case("two coins", np.array([0.5, 0.5]), np.array([0.9, 0.1])),
            Case("nothing in common", np.array([1.0, 0, 0]), np.array([0.0, 0.4, 0.6])),
            Case("a value that neither has", np.array([0.2, 0, 0.8]), np.array([0.6, 0, 0.4])),
        ],
        hints=(
            "Each t_j stands alone: maximise -p (1 - t)^2 - q t^2, a parabola in t.",
            "The best t is p / (p + q), the optimal discriminator once more. Put it in.",
            "Where p + q = 0 any t is as good: leave these entries out before you divide.",
        ),
        mistakes=(
            Mistake(
                "without the 1/4",
                lambda p, q: divergences.quadratic_score_divergence(p, q) - 0.25,
                "Add 1/4, so that two equal distributions are at 0.",
            ),
            Mistake(
                "not halved",
                lambda p, q: 2 * (divergences.quadratic_score_divergence(p, q) - 0.25) + 0.25,
                "Each of the two sums counts one half.",
            ),
            Mistake(
                "p and q exchanged in the best t",
                lambda p, q: (
                    0.25 - float(np.sum(np.where(p + q > 0, p**3 + q**3, 0) / np.maximum(p + q, 1e-9) ** 2)) / 2
                ),
                "t is large where x looks real: p / (p + q).",
            ),
            Mistake(
                "0 / 0",
                lambda p, q: float(np.nan) if np.any(p + q == 0) else divergences.quadratic_score_divergence(p, q),
                "Where p and q are both 0 the best t is 0 / 0. Leave these entries out: they add nothing.",
            ),
        ),
    ),
)


def _in_two_steps(real, fake):
    with np.errstate(divide="ignore", over="ignore"):
        T_real, T_fake = 1 / (1 + np.exp(-np.asarray(real))), 1 / (1 + np.exp(-np.asarray(fake)))
        return float(np.log(T_real).mean() + np.log(1 - T_fake).mean() + np.log(4))

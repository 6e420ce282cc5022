"""The losses of the GAN zoo, f-divergences and BEGAN, against closed forms, finite differences, SciPy and transport."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats
from scipy.spatial.distance import cdist, jensenshannon
from torch import nn

from course.gan import began, f_gan, game, losses
from course.training import threads

NAMES = list(f_gan.DIVERGENCES)


@pytest.fixture(autouse=True)
def one_thread():
    with threads(1):
        torch.manual_seed(0)
        yield


def two(seed=0, k=7):
    return torch.from_numpy(np.random.default_rng(seed).dirichlet(np.ones(k), size=2))


# f-divergences


def test_on_finite_sets_they_are_those_of_the_textbooks():
    p, q = two()
    P, Q = p.numpy(), q.numpy()
    expected = {
        "KL": stats.entropy(P, Q),
        "reverse KL": stats.entropy(Q, P),
        "JS": jensenshannon(P, Q) ** 2,
        "Pearson chi2": stats.chisquare(P, Q).statistic,
        "squared Hellinger": 2 - 2 * np.sqrt(P * Q).sum(),
        "total variation": cdist(P[None], Q[None], "cityblock").item() / 2,
    }
    for name in NAMES:
        assert f_gan.divergence(name, p, q).item() == pytest.approx(expected[name], rel=1e-12)
        assert f_gan.divergence(name, p, p).item() == pytest.approx(0, abs=1e-12)


def test_places_where_one_of_the_two_never_comes():
    p, q = torch.tensor([0.5, 0.5, 0.0]).double(), torch.tensor([0.5, 0.0, 0.5]).double()
    found = {name: f_gan.divergence(name, p, q).item() for name in NAMES}
    assert found["KL"] == found["reverse KL"] == found["Pearson chi2"] == math.inf
    assert found["JS"] == pytest.approx(math.log(2) / 2)
    assert (found["squared Hellinger"], found["total variation"]) == (pytest.approx(1), pytest.approx(0.5))
    assert f_gan.divergence("reverse KL", torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0])).item() > 0
    assert f_gan.divergence("KL", torch.tensor([1.0, 0]), torch.tensor([0.5, 0.5])).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("name", NAMES)
def test_between_gaussians_the_best_T_reaches_the_closed_form(name):
    """P = N(0, 1), Q = N(m, 1) as cells of a fine grid; JS has no closed form, and is integrated by SciPy."""
    m = 0.8
    x = np.linspace(-12, 13, 20_001)
    p, q = (torch.from_numpy(stats.norm.pdf(x, mean) * (x[1] - x[0])) for mean in (0, m))

    def js(x):
        a, b = stats.norm.pdf(x), stats.norm.pdf(x, m)
        return (a * math.log(2 * a / (a + b)) + b * math.log(2 * b / (a + b))) / 2

    closed = {
        "KL": m**2 / 2,
        "reverse KL": m**2 / 2,
        "JS": integrate.quad(js, -9, 10)[0],
        "Pearson chi2": math.exp(m**2) - 1,
        "squared Hellinger": 2 - 2 * math.exp(-(m**2) / 8),
        "total variation": 2 * stats.norm.cdf(m / 2) - 1,
    }
    best = f_gan.DIVERGENCES[name].slope(p / q)
    assert f_gan.bound(name, p, q, best).item() == pytest.approx(closed[name], rel=2e-6)
    assert f_gan.divergence(name, p, q).item() == pytest.approx(closed[name], rel=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_conjugate_is_the_largest_gap_between_a_line_and_f(name):
    """f*(t) = sup_u u t - f(u), searched by SciPy; t from the slopes of f, where the supremum is a maximum."""
    known = f_gan.of(name)
    for u in (0.2, 0.7, 1.5, 3.0):
        t = float(known.slope(torch.tensor(u, dtype=torch.float64)))
        gap = optimize.minimize_scalar(
            lambda v, t=t: float(known.f(torch.tensor(v, dtype=torch.float64))) - v * t,
            bounds=(1e-9, 50), method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        assert -gap.fun == pytest.approx(known.conjugate(torch.tensor(t, dtype=torch.float64)).item(), abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_f_is_convex_and_its_slope_is_its_derivative(name):
    known = f_gan.of(name)
    u = torch.tensor([0.1, 0.4, 0.9, 1.3, 2.0, 5.0], dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(known.f(u).sum(), u)
    torch.testing.assert_close(known.slope(u.detach()), derivative)
    assert (derivative.diff() >= 0).all()
    assert known.f(torch.ones(())).item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_no_T_does_better_than_the_best_one(name):
    p, q = two(1)
    known = f_gan.of(name)
    best = f_gan.bound(name, p, q, known.slope(p / q))
    assert best.item() == pytest.approx(f_gan.divergence(name, p, q).item(), rel=1e-10)
    for seed in range(50):
        a = torch.randn(7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        assert f_gan.bound(name, p, q, known.output(a)) <= best + 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_the_output_fills_the_domain_and_what_is_paid_is_the_conjugate_of_it(name):
    known = f_gan.of(name)
    a = torch.linspace(-4, 4, 81, dtype=torch.float64)
    T = known.output(a)
    assert ((known.low <= T) & (known.high >= T)).all()
    assert (T.diff() > 0).all()
    torch.testing.assert_close(known.paid(a), known.conjugate(T))


@pytest.mark.parametrize("name", NAMES)
def test_the_losses_are_the_bound_on_the_samples(name):
    known = f_gan.of(name)
    real, fake = torch.randn(9, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    d_loss, g_trick = f_gan.losses(name)
    _, g_game = f_gan.losses(name, trick=False)
    expected = known.output(real).mean() - known.conjugate(known.output(fake)).mean()
    assert d_loss(real, fake).item() == pytest.approx(-expected.item())
    assert g_trick(fake).item() == pytest.approx(-known.output(fake).mean().item())
    assert g_game(fake).item() == pytest.approx(-known.conjugate(known.output(fake)).mean().item())


def test_the_js_game_is_the_gan():
    """2 JS - log 4 is the value of the game: each loss is half of the GAN's, but for a constant."""
    real, fake = torch.linspace(-40, 40, 9), torch.linspace(-30, 50, 7)
    d_loss, g_trick = f_gan.losses("JS")
    _, g_game = f_gan.losses("JS", trick=False)
    torch.testing.assert_close(2 * d_loss(real, fake), game.discriminator_loss(real, fake) - math.log(4))
    torch.testing.assert_close(2 * g_trick(fake), game.generator_loss(fake) - math.log(2))
    torch.testing.assert_close(2 * g_game(fake), game.minimax_loss(fake) + math.log(2))


def test_bad_input_of_the_divergences_is_refused():
    p, q = two()
    with pytest.raises(ValueError, match="choose one of KL, reverse KL"):
        f_gan.divergence("kl", p, q)
    with pytest.raises(ValueError, match="same k places"):
        f_gan.divergence("KL", p, q[:-1])
    with pytest.raises(ValueError, match="not NaN"):
        f_gan.divergence("KL", p, q * math.nan)
    with pytest.raises(ValueError, match="one T for each place"):
        f_gan.bound("KL", p, q, torch.zeros(3))
    for T in (torch.full((7,), 2.0), torch.full((7,), math.nan)):
        with pytest.raises(ValueError, match="use its `output`"):
            f_gan.bound("squared Hellinger", p, q, T)


# least squares


def test_the_best_least_squares_discriminator_minimises_the_loss():
    p, q = two(2)
    a, b = -0.5, 1.5

    def loss(D):
        return ((p.numpy() * (D - b) ** 2).sum() + (q.numpy() * (D - a) ** 2).sum()) / 2

    best = optimize.minimize(loss, np.zeros(7), method="BFGS").x
    np.testing.assert_allclose(losses.least_squares_best(p, q, a, b), best, atol=1e-4)


def test_the_sum_of_the_optimal_game_is_pearsons_chi2_from_the_mixture():
    """With b - c = 1 and b - a = 2; for all other labels the same, but for a constant and a factor."""
    p, q = two(3)
    chi2 = f_gan.divergence("Pearson chi2", q, (p + q) / 2)
    assert losses.least_squares_sum(p, q, -1, 1, 0).item() == pytest.approx(chi2.item(), rel=1e-12)
    assert losses.least_squares_sum(p, q, 0, 2, 1).item() == pytest.approx(chi2.item(), rel=1e-12)
    delta = 2 * chi2
    for a, b, c in ((0, 1, 1), (0.3, -2, 0.7), (-1, 1, 1)):
        expected = (a + b - 2 * c) ** 2 / 4 + (b - a) ** 2 * delta / 8
        assert losses.least_squares_sum(p, q, a, b, c).item() == pytest.approx(expected.item(), rel=1e-12)


def test_least_squares_losses_are_mean_squares_from_their_labels():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0, -1.0])
    assert losses.least_squares_discriminator(real, fake).item() == pytest.approx(4 / 4 + 5 / 6)
    assert losses.least_squares_generator(fake).item() == pytest.approx((1 + 1 + 4) / 6)
    label = torch.ones(3)
    assert losses.least_squares_generator(fake).item() == pytest.approx(nn.functional.mse_loss(fake, label).item() / 2)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_pair_pulls_scores_apart_and_fakes_up(name):
    """D gains when real scores rise and fake ones fall, G when fake ones rise; scores 0.3 are in no loss's far end."""
    real, fake = (torch.full((4,), 0.3, requires_grad=True) for _ in range(2))
    d_loss, g_loss = losses.LOSSES[name]
    up, down = torch.autograd.grad(d_loss(real, fake), [real, fake])
    (pull,) = torch.autograd.grad(g_loss(fake), fake)
    assert (up < 0).all()
    assert (down > 0).all()
    assert (pull < 0).all()


# Wasserstein


def test_clipping_keeps_every_weight_within_c():
    critic = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    before = critic[0].weight.detach().clone()
    losses.clip_weights(critic, 0.0625)
    torch.testing.assert_close(critic[0].weight.detach(), before.clamp(-0.0625, 0.0625))
    assert max(w.abs().max().item() for w in critic.parameters()) == 0.0625
    with pytest.raises(ValueError, match="above 0"):
        losses.clip_weights(critic, 0.0)


def test_the_penalty_of_a_linear_critic_is_known():
    critic = nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
    value = losses.gradient_penalty(critic, torch.randn(6, 2), torch.randn(6, 2))
    assert value.item() == pytest.approx(16, rel=1e-5)
    with pytest.raises(ValueError, match="same shape"):
        losses.gradient_penalty(critic, torch.randn(6, 2), torch.randn(5, 2))


def test_the_gradient_of_the_penalty_is_that_of_finite_differences():
    """Through two derivatives: in x for the slope, then in the weights. The same random u each time, by its seed."""
    critic = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 5), nn.Softplus(), nn.Linear(5, 1)).double()
    real, fake = torch.randn(8, 3).double(), torch.randn(8, 3).double() + 1

    def penalty():
        torch.manual_seed(5)
        return losses.gradient_penalty(critic, real, fake)

    weights = list(critic.parameters())
    gradients = torch.autograd.grad(penalty(), weights, allow_unused=True)
    assert gradients[-1] is None  # the last bias moves no slope
    h = 1e-6
    for weight, gradient in zip(weights[:-1], gradients[:-1], strict=True):
        flat, step = weight.data.view(-1), gradient.flatten()
        for i in range(0, len(flat), 5):
            before = flat[i].item()
            ends = []
            for sign in (1, -1):
                flat[i] = before + sign * h
                ends.append(penalty().item())
            flat[i] = before
            assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(step[i].item(), rel=1e-5, abs=1e-7)


def test_slopes_are_measured_between_real_and_generated():
    """x_hat lies on the segments from x to G(z), and for images each image has one u."""
    seen = []

    def critic(x):
        seen.append(x.detach())
        return x.flatten(1).sum(dim=1)

    real, fake = torch.zeros(50, 1, 4, 4), torch.ones(50, 1, 4, 4)
    value = losses.gradient_penalty(critic, real, fake)
    assert value.item() == pytest.approx((4 - 1) ** 2)
    assert (seen[0].flatten(1).std(dim=1) < 1e-6).all()
    assert 0 <= seen[0].min() < 0.1
    assert 0.9 < seen[0].max() <= 1


def estimate_of(x, y, seed, one_sided):
    """E f(x) - E f(y) for a critic f trained with the gradient penalty, lambda = 10, and what it should come to.

    With all slopes equal to s the critic makes -s W + lambda (s - 1)^2 small: s = 1 + W / (2 lambda).
    """
    torch.manual_seed(seed)
    width = 32
    critic = nn.Sequential(
        nn.Linear(x.shape[1], width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    optimiser = torch.optim.Adam(critic.parameters(), lr=5e-3, betas=(0.5, 0.9))
    for _ in range(200):
        loss = losses.wasserstein_critic(critic(x), critic(y))
        loss = loss + 10 * losses.gradient_penalty(critic, x, y, one_sided)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return -losses.wasserstein_critic(critic(x), critic(y)).item()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_critic_finds_the_exact_distance_on_a_line(seed):
    """Seeds 0 to 5 came within 5.2 per cent; a line has few directions to average over."""
    torch.manual_seed(seed)
    x, y = torch.randn(128, 1), 0.5 * torch.randn(128, 1) + 2
    W = stats.wasserstein_distance(x[:, 0], y[:, 0])
    assert estimate_of(x, y, seed, one_sided=True) == pytest.approx(W * (1 + W / 20), rel=0.08)


@pytest.mark.parametrize("one_sided", [False, True])
def test_the_critic_finds_the_optimal_transport_in_the_plane(one_sided):
    """Seeds 0 to 5 came within 2.3 per cent for both penalties."""
    torch.manual_seed(0)
    angle = 2 * math.pi * torch.rand(128)
    x = torch.stack([angle.cos(), angle.sin()], dim=1) * 2 + 0.1 * torch.randn(128, 2)
    y = 0.5 * torch.randn(128, 2)
    cost = cdist(x, y)
    W = cost[optimize.linear_sum_assignment(cost)].mean()
    assert estimate_of(x, y, 0, one_sided) == pytest.approx(W * (1 + W / 20), rel=0.05)


def test_the_one_sided_penalty_leaves_gentle_slopes_alone():
    steep, gentle = nn.Linear(2, 1), nn.Linear(2, 1)
    with torch.no_grad():
        steep.weight.copy_(torch.tensor([[3.0, 4.0]]))
        gentle.weight.copy_(torch.tensor([[0.3, -0.4]]))
    x, y = torch.randn(6, 2), torch.randn(6, 2)
    assert losses.gradient_penalty(steep, x, y, one_sided=True).item() == pytest.approx(16, rel=1e-5)
    assert losses.gradient_penalty(gentle, x, y, one_sided=True).item() == 0
    assert losses.gradient_penalty(gentle, x, y).item() == pytest.approx(0.25, rel=1e-5)


# BEGAN


def test_the_errors_are_mean_absolute_differences_of_each_sample():
    x = torch.rand(3, 1, 2, 2)
    torch.testing.assert_close(began.errors(lambda a: a - torch.tensor([1.0, 2, 3])[:, None, None, None], x),
                               torch.tensor([1.0, 2.0, 3.0]))  # fmt: skip
    with pytest.raises(ValueError, match="give back the shape of x"):
        began.errors(lambda a: a[:, 0], x)


def test_each_player_has_its_own_loss():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.5, 1.5, 4.0], requires_grad=True)
    d_loss, g_loss = began.losses(real, fake, 0.25)
    assert (d_loss.item(), g_loss.item()) == (pytest.approx(2 - 0.25 * 2), pytest.approx(2))
    assert torch.autograd.grad(d_loss, fake, retain_graph=True)[0].tolist() == pytest.approx([-0.25 / 3] * 3)


def test_k_moves_towards_the_balance_and_stays_a_share():
    k, M = began.balance(0.3, 2.0, 0.4, gamma=0.5, rate=0.1)
    assert (k, M) == (pytest.approx(0.3 + 0.1 * 0.6), pytest.approx(2.6))
    assert began.balance(0.3, 2.0, 1.0, gamma=0.5)[0] == 0.3
    assert began.balance(0.3, 2.0, 1.0, gamma=0.5)[1] == 2.0
    assert began.balance(0.0, 1.0, 9.0, rate=1.0)[0] == 0.0
    assert began.balance(1.0, 9.0, 0.0, rate=1.0)[0] == 1.0


def test_the_control_finds_the_k_that_balances():
    """Errors that answer to k as in training: the more D minds the fakes, the larger their error."""
    k = 0.0
    for _ in range(4000):
        k, M = began.balance(k, 1.0, 0.2 + k, gamma=0.5, rate=0.01)
    assert (k, M) == (pytest.approx(0.3, abs=1e-6), pytest.approx(1.0, abs=1e-6))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.5, 1.0, 1.0), "start with 0"),
        ((math.nan, 1.0, 1.0), "start with 0"),
        ((0.5, -1.0, 1.0), "at least 0"),
        ((0.5, 1.0, math.nan), "diverged"),
        ((0.5, 1.0, 1.0, 1.5), "gamma is 1.5"),
        ((0.5, 1.0, 1.0, 0.5, 0.0), "rate is 0.0"),
    ],
)
def test_a_balance_of_impossible_numbers_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        began.balance(*arguments)


def test_losses_of_no_errors_or_an_impossible_k_are_refused():
    with pytest.raises(ValueError, match="at least one error"):
        began.losses(torch.ones(0), torch.ones(2), 0.5)
    with pytest.raises(ValueError, match="has to lie in"):
        began.losses(torch.ones(2), torch.ones(2), -0.5)

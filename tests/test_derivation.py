"""Every formula of chapter 06 against torch.distributions, quadrature, Monte Carlo, autograd or SymPy."""

import math

import numpy as np
import pytest
import torch
from pictures import assert_readable
from torch.distributions import Independent, Normal, kl_divergence

from course.likelihood import gaussian, gradient_estimators, linear_gaussian
from course.plots import derivation as plots

F64 = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **F64)


MU_Q, LOGVAR_Q, MU_P, LOGVAR_P, X = draw(5, 7, 3)


def diagonal(mu, logvar):
    return Independent(Normal(mu, torch.exp(logvar / 2)), 1)


def test_log_density_is_torchs():
    expected = diagonal(MU_P, LOGVAR_P).log_prob(X)
    torch.testing.assert_close(gaussian.log_normal(X, MU_P, LOGVAR_P), expected, rtol=1e-12, atol=1e-12)


def test_log_density_broadcasts_and_takes_one_log_variance_for_all():
    x = X[:, None]  # 7 points under 7 Gaussians
    both = gaussian.log_normal(x, MU_P, LOGVAR_P)
    assert both.shape == (7, 7)
    torch.testing.assert_close(both.diagonal(), gaussian.log_normal(X, MU_P, LOGVAR_P))
    number = math.log(0.3)
    torch.testing.assert_close(
        gaussian.log_normal(X, MU_P, number),
        gaussian.log_normal(X, MU_P, torch.full_like(X, number)),
        rtol=1e-14,
        atol=1e-14,
    )


def test_kl_is_torchs():
    expected = kl_divergence(diagonal(MU_Q, LOGVAR_Q), diagonal(MU_P, LOGVAR_P))
    torch.testing.assert_close(gaussian.kl_gaussians(MU_Q, LOGVAR_Q, MU_P, LOGVAR_P), expected, rtol=1e-12, atol=1e-12)


def test_kl_to_the_standard_normal_is_the_general_one_with_mean_0_and_variance_1():
    zero = torch.zeros_like(MU_Q)
    expected = gaussian.kl_gaussians(MU_Q, LOGVAR_Q, zero, zero)
    torch.testing.assert_close(gaussian.kl_standard_normal(MU_Q, LOGVAR_Q), expected, rtol=1e-12, atol=1e-12)
    assert gaussian.kl_standard_normal(zero, zero).tolist() == [0.0] * 7


def test_kl_close_to_zero_keeps_its_digits_in_float32():
    # v - 1 - log v is t^2 / 2 for v = exp(t): by subtraction of rounded numbers nothing of 5e-9 would be left
    tiny = torch.tensor([1e-4])
    value = gaussian.kl_standard_normal(torch.zeros(1), tiny).item()
    assert value == pytest.approx(2.5e-9, rel=0.5)


def test_samples_have_the_mean_and_the_variance_and_carry_gradients():
    # 200,000 samples, seed 0: the standard errors are sigma / 447 and sigma^2 / 316, and 5 of them are allowed
    mu = torch.tensor([1.0, -2.0], **F64, requires_grad=True)
    logvar = torch.tensor([0.5, -1.0], **F64, requires_grad=True)
    n = 200_000
    z = gaussian.reparameterise(mu.expand(n, 2), logvar.expand(n, 2), torch.Generator().manual_seed(0))
    sigma = torch.exp(logvar / 2).detach()
    assert ((z.mean(dim=0) - mu).abs() < 5 * sigma / n**0.5).all()
    assert ((z.var(dim=0) - sigma**2).abs() < 5 * sigma**2 * (2 / n) ** 0.5).all()
    z.sum().backward()
    eps = ((z - mu) / sigma).detach()
    torch.testing.assert_close(mu.grad, torch.full((2,), float(n), **F64))
    torch.testing.assert_close(logvar.grad, (eps * sigma / 2).sum(dim=0))  # d z / d logvar = sigma eps / 2


def test_the_same_generator_gives_the_same_samples():
    one, two = (gaussian.reparameterise(MU_Q, LOGVAR_Q, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)


# A small model whose posterior has correlated components, and a q that is wrong in every way

W = torch.tensor([[1.0, 0.6], [0.2, -0.9], [0.7, 0.5]], **F64)
S = 0.7
POINT = torch.tensor([0.9, -0.4, 1.3], **F64)
MU, LOGVAR = torch.tensor([0.4, -0.3], **F64), torch.tensor([-1.2, 0.3], **F64)
lg = linear_gaussian


def by_grid(f, reach=9.0, n=601):
    """The integral of f over the plane of z, by the trapezoidal rule: exponentially exact for what decays."""
    axis = torch.linspace(-reach, reach, n, **F64)
    z = torch.cartesian_prod(axis, axis)
    return f(z).sum() * (axis[1] - axis[0]) ** 2


def test_evidence_is_the_integral_over_z():
    joint = by_grid(lambda z: torch.exp(lg.log_prior(z) + lg.log_likelihood(POINT, z, W, S)))
    torch.testing.assert_close(torch.log(joint), lg.log_evidence(POINT, W, S), rtol=1e-10, atol=1e-10)


def test_posterior_is_bayes_rule():
    z = draw(9, 2)
    bayes = lg.log_prior(z) + lg.log_likelihood(POINT, z, W, S) - lg.log_evidence(POINT, W, S)
    torch.testing.assert_close(lg.log_posterior(z, POINT, W, S), bayes, rtol=1e-12, atol=1e-12)


def test_evidence_is_that_of_scipy():
    from scipy.stats import multivariate_normal

    covariance = (W @ W.T).numpy() + S**2 * np.eye(3)
    assert float(lg.log_evidence(POINT, W, S)) == pytest.approx(
        multivariate_normal(np.zeros(3), covariance).logpdf(POINT.numpy()), rel=1e-12
    )


def test_reconstruction_and_both_divergences_by_quadrature():
    nodes, weights = lg.gauss_hermite(MU, LOGVAR, 6)
    log_q = gaussian.log_normal(nodes, MU, LOGVAR)
    checks = {
        "reconstruction": (lg.log_likelihood(POINT, nodes, W, S), lg.reconstruction(POINT, MU, LOGVAR, W, S)),
        "prior": (log_q - lg.log_prior(nodes), gaussian.kl_standard_normal(MU, LOGVAR)),
        "posterior": (log_q - lg.log_posterior(nodes, POINT, W, S), lg.kl_to_posterior(POINT, MU, LOGVAR, W, S)),
    }
    for name, (integrand, closed) in checks.items():
        torch.testing.assert_close(weights @ integrand, closed, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("seed", range(20))
def test_log_evidence_is_elbo_plus_gap_to_rounding(seed):
    W, x, mu, logvar = draw(4, 3, seed=seed), draw(6, 4, seed=100 + seed), *draw(2, 6, 3, seed=200 + seed)
    s = 0.3 + seed / 10
    total = lg.elbo(x, mu, logvar, W, s) + lg.kl_to_posterior(x, mu, logvar, W, s)
    torch.testing.assert_close(total, lg.log_evidence(x, W, s), rtol=1e-12, atol=1e-12)
    assert (lg.kl_to_posterior(x, mu, logvar, W, s) > 0).all()


def test_the_bound_is_tight_at_the_true_posterior():
    orthogonal = torch.linalg.qr(W)[0] * torch.tensor([1.5, 0.5], **F64)  # then the posterior's V is diagonal
    m, V = lg.posterior(POINT, orthogonal, S)
    gap = lg.kl_to_posterior(POINT, m, torch.log(V.diagonal()), orthogonal, S)
    assert abs(float(gap)) < 1e-14


def test_the_best_diagonal_q_is_where_the_gradient_vanishes():
    mu, logvar = (t.clone().requires_grad_() for t in lg.best_diagonal(POINT, W, S))
    lg.elbo(POINT, mu, logvar, W, S).backward()
    torch.testing.assert_close(mu.grad, torch.zeros(2, **F64), atol=1e-12, rtol=0)
    torch.testing.assert_close(logvar.grad, torch.zeros(2, **F64), atol=1e-12, rtol=0)
    best = lg.elbo(POINT, mu, logvar, W, S)
    assert all(lg.elbo(POINT, mu + a, logvar + b, W, S) < best for a, b in 0.1 * draw(50, 2, 2))


def test_what_the_diagonal_family_cannot_reach():
    # at the best diagonal q the gap is 1/2 (sum log P_ii - log det P), P = V^-1
    P = torch.linalg.inv(lg.posterior(POINT, W, S)[1])
    gap = lg.kl_to_posterior(POINT, *lg.best_diagonal(POINT, W, S), W, S)
    torch.testing.assert_close(gap, 0.5 * (torch.log(P.diagonal()).sum() - torch.logdet(P)), rtol=1e-12, atol=1e-12)


def test_relative_variance_of_the_naive_estimate():
    square = by_grid(lambda z: torch.exp(lg.log_prior(z) + 2 * lg.log_likelihood(POINT, z, W, S)))
    expected = float(square / torch.exp(2 * lg.log_evidence(POINT, W, S)) - 1)
    assert lg.relative_variance(POINT, W, S) == pytest.approx(expected, rel=1e-10)


def test_relative_variance_multiplies_over_independent_dimensions():
    one = lg.relative_variance(torch.ones(1, **F64), torch.eye(1, **F64), 0.5)
    for d in (2, 5, 20):
        many = lg.relative_variance(torch.ones(d, **F64), torch.eye(d, **F64), 0.5)
        assert many + 1 == pytest.approx((one + 1) ** d, rel=1e-10)


def test_quadrature_is_exact_up_to_its_degree():
    nodes, weights = lg.gauss_hermite(torch.zeros(1, **F64), torch.zeros(1, **F64), 4)
    moments = [float(weights @ nodes[:, 0] ** power) for power in range(8)]
    np.testing.assert_allclose(moments, [1, 0, 1, 0, 3, 0, 15, 0], atol=1e-12)


def f(z):
    return lg.log_likelihood(POINT, z, W, S)


def exact_gradient():
    mu, logvar = MU.clone().requires_grad_(), LOGVAR.clone().requires_grad_()
    lg.reconstruction(POINT, mu, logvar, W, S).backward()
    return mu.grad, logvar.grad


ESTIMATORS = {
    "reparameterised": gradient_estimators.reparameterised,
    "score": gradient_estimators.score_function,
    "baseline": lambda *args: gradient_estimators.score_function(*args, baseline=True),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimators_have_the_exact_gradient_as_their_mean(name):
    # 100,000 samples, seed 0, four numbers each: 5 standard errors, which honest estimates exceed once in 10^6
    eps = draw(100_000, 2)
    for estimates, exact in zip(ESTIMATORS[name](f, MU, LOGVAR, eps), exact_gradient(), strict=True):
        error = estimates.std(dim=0) / len(eps) ** 0.5
        assert ((estimates.mean(dim=0) - exact).abs() < 5 * error).all()


def test_with_nodes_for_noise_the_reparameterised_mean_is_exact():
    # f' is linear in eps: any noise with mean 0 and covariance I has the exact mean
    eps, weights = lg.gauss_hermite(torch.zeros(2, **F64), torch.zeros(2, **F64), 3)
    for name in ("reparameterised", "score"):
        for estimates, exact in zip(ESTIMATORS[name](f, MU, LOGVAR, eps), exact_gradient(), strict=True):
            torch.testing.assert_close(weights @ estimates, exact, rtol=1e-12, atol=1e-12)


def test_a_baseline_lowers_the_variance_and_reparameterising_lowers_it_more():
    eps = draw(20_000, 2, seed=1)
    spread = {name: estimator(f, MU, LOGVAR, eps)[0].var(dim=0).sum() for name, estimator in ESTIMATORS.items()}
    assert spread["reparameterised"] < spread["baseline"] < spread["score"]


def test_a_constant_has_no_gradient_and_the_baseline_sees_it():
    def constant(z):
        return torch.full_like(z[:, 0], 7.0)

    zero = gradient_estimators.score_function(constant, MU, LOGVAR, draw(5, 2), baseline=True)
    assert all(part.abs().max() < 1e-12 for part in zero)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: lg.log_evidence(POINT[:2], W, S), "length 3"),
        (lambda: lg.log_evidence(POINT * math.nan, W, S), "NaN"),
        (lambda: lg.log_evidence(POINT, W[0], S), r"shape \(d, k\)"),
        (lambda: lg.log_evidence(POINT, W, 0.0), "positive number"),
        (lambda: lg.log_evidence(POINT, W, math.nan), "positive number"),
        (lambda: lg.log_likelihood(POINT, POINT, W, S), "length 2"),
        (lambda: lg.gauss_hermite(MU, LOGVAR[:1]), "length k"),
        (lambda: lg.gauss_hermite(torch.zeros(9), torch.zeros(9)), "10.6"),
        (lambda: gradient_estimators.reparameterised(f, MU, LOGVAR, MU), r"\(S, k\)"),
        (lambda: gradient_estimators.score_function(lambda z: z, MU, LOGVAR, draw(4, 2)), "one number for each"),
        (lambda: gradient_estimators.score_function(f, MU, LOGVAR, draw(1, 2), baseline=True), "two samples"),
    ],
)
def test_bad_input_to_the_model_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gaussian.kl_standard_normal(MU_Q, LOGVAR_Q[:, :2]), "shapes do not fit"),
        (lambda: gaussian.kl_standard_normal(MU_Q, LOGVAR_Q[:, :1]), "last axes must be equal"),
        (lambda: gaussian.kl_standard_normal(torch.zeros(4, 0), torch.zeros(4, 0)), "zero dimensions"),
        (lambda: gaussian.kl_standard_normal(MU_Q * math.nan, LOGVAR_Q), "NaN"),
        (lambda: gaussian.log_normal(X, MU_Q * math.inf, 0.0 * X * math.inf), "NaN"),
        (lambda: gaussian.log_normal(torch.tensor([1, 2]), torch.zeros(2), 0.0), "floating"),
        (lambda: gaussian.reparameterise(MU_Q, LOGVAR_Q[:3]), "shapes do not fit"),
    ],
)
def test_bad_input_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()


# The figures

LINE, TWO = draw(60, seed=5), draw(60, 2, seed=6)
NODES = torch.linspace(-3, 3, 61, **F64)
BUMPS = gaussian.log_normal(NODES[:, None], torch.tensor([1.0], **F64), -2.0).exp()
TRIO = {"score function": LINE, "score with baseline": LINE / 2, "reparameterised": LINE / 4}
PICTURES = {
    "two_steps": lambda: plots.two_steps(LINE, TWO),
    "naive_estimates": lambda: plots.naive_estimates([1, 8], [0.1, 1.0], [0.1, 9.0], [[0.0, 0.1], [-3.0, -1.0]]),
    "two_explanations": lambda: plots.two_explanations(LINE, TWO, (0.5, 0.5), NODES, BUMPS, BUMPS + BUMPS.flip(0)),
    "encoder_decoder": plots.encoder_decoder,
    "line_by_line": lambda: plots.line_by_line(dict(zip("abc", draw(3, 9), strict=True)), torch.ones(9), [-3.0, 1, 2]),
    "running_means": lambda: plots.running_means({"a": LINE, "b": LINE}, {"a": 0.0, "b": 0.1}),
    "moving_q": lambda: plots.moving_q(0.3, 0.5, 1.0, 0.4, -2.3, 0.6, 1.0),
    "moving_q far off": lambda: plots.moving_q(2.5, 0.15, 1.0, 0.4, -7.0, 4.0, 9.0),
    "gradient_estimates": lambda: plots.gradient_estimates(TRIO, 0.1, [1, 2], {name: [1.0, 2.0] for name in TRIO}),
    "climb": lambda: plots.climb(TWO, 0.1 * TWO, *lg.posterior(POINT, W, S), LINE, 0.0, -0.5),
    "kl_weights": lambda: plots.kl_weights(NODES.exp(), {"one": NODES, "two": -NODES}, 0.0),
    "width_of_q": lambda: plots.width_of_q([0.1, 1.0, 3.0], -draw(3, 20).abs()),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_has_an_image_and_words(name):
    assert_readable(PICTURES[name]())


def test_the_words_tell_the_two_bumps_and_the_bound():
    assert "has 2, at z = -1.00, 1.00" in PICTURES["two_explanations"]().alt
    assert "ELBO is -2.900; gap 1.000; log p(x) stays -1.900" in PICTURES["moving_q"]().alt

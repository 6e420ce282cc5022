"""The VAE's formulas against torch.distributions, closed forms, sums over grids and Monte Carlo."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal

from course.likelihood import image_quality, reader, vae
from course.likelihood.flow_posterior import FlowPosterior

torch.set_num_threads(1)


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=random(seed), dtype=torch.float64)


# The two likelihoods


def test_the_bernoulli_term_is_that_of_torch():
    logits, x = 3 * normal(5, 1, 4, 4), (normal(5, 1, 4, 4, seed=1) > 0).double()
    expected = Independent(Bernoulli(logits=logits), 3).log_prob(x)
    torch.testing.assert_close(vae.bernoulli_log_likelihood(x, logits), expected)


def test_the_bernoulli_term_stays_finite_where_the_sigmoid_is_rounded_to_one():
    x, logits = torch.zeros(1, 1), torch.full((1, 1), 200.0)
    assert vae.bernoulli_log_likelihood(x, logits).item() == pytest.approx(-200)


def test_the_gaussian_term_is_that_of_torch():
    mean, x = normal(5, 3, 4, 4), normal(5, 3, 4, 4, seed=1)
    expected = Independent(Normal(mean, 0.3), 3).log_prob(x)
    torch.testing.assert_close(vae.gaussian_log_likelihood(x, mean, 0.3), expected)
    torch.testing.assert_close(vae.gaussian_log_likelihood(x, mean, torch.tensor(0.3).double()), expected)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_a_sigma_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma is"):
        vae.gaussian_log_likelihood(normal(2, 3), normal(2, 3), sigma)


def test_no_other_sigma_is_better_than_the_optimal_one():
    x, mean = normal(50, 7), normal(50, 7, seed=1)
    best = vae.optimal_sigma(x, mean)
    at = [vae.gaussian_log_likelihood(x, mean, best * factor).mean().item() for factor in (0.99, 1, 1.01)]
    assert at[1] > max(at[0], at[2])
    slope = torch.tensor(best.item(), dtype=torch.float64, requires_grad=True)
    vae.gaussian_log_likelihood(x, mean, slope).mean().backward()
    assert abs(slope.grad.item()) < 1e-6


# The VAE and its bounds


def linear_gaussian(k=2, p=3):
    """A VAE whose decoder is linear, p(x|z) = N(W z + b, s^2 I), with its exact log p(x) = N(b, W W^T + s^2 I)."""
    made = vae.VAE((p,), k, "gaussian", sigma=0.7, encoder=nn.Linear(p, 2 * k), decoder=nn.Linear(k, p)).double()
    with torch.no_grad():
        for seed, weight in enumerate(made.decoder.parameters()):
            weight.copy_(normal(*weight.shape, seed=seed + 3))
        W, b = made.decoder.weight, made.decoder.bias
        precision = torch.eye(k) + W.T @ W / 0.49
        V = torch.linalg.inv(precision)
        # The posterior's mean, and variances larger than the best ones, 1 / precision_jj: a gap that can be measured.
        made.encoder.weight[:k] = V @ W.T / 0.49
        made.encoder.bias[:k] = -(V @ W.T / 0.49) @ b
        made.encoder.weight[k:] = 0
        made.encoder.bias[k:] = 1 - torch.log(precision.diagonal())
    return made, MultivariateNormal(b.detach(), (W @ W.T + 0.49 * torch.eye(p)).detach())


def test_the_elbo_is_the_one_computed_by_hand():
    """One latent variable and one pixel, with numbers that can be followed on paper."""
    made = vae.VAE((1,), 1, "gaussian", sigma=0.5, encoder=nn.Linear(1, 2), decoder=nn.Linear(1, 1)).double()
    with torch.no_grad():
        made.encoder.weight.copy_(torch.tensor([[2.0], [0.0]]))
        made.encoder.bias.copy_(torch.tensor([0.0, math.log(0.25)]))
        made.decoder.weight.fill_(0.5)
        made.decoder.bias.fill_(0.0)
    x = torch.tensor([[1.0]], dtype=torch.float64)
    reconstruction, kl = made.elbo(x, random())
    eps = torch.randn(1, 1, generator=random(), dtype=torch.float64).item()
    z = 2.0 + 0.5 * eps
    assert reconstruction.item() == pytest.approx(-((1 - z / 2) ** 2) / 0.5 - 0.5 * math.log(2 * math.pi * 0.25))
    assert kl.item() == pytest.approx(0.5 * (4 + 0.25 - 1 - math.log(0.25)))
    assert made(x, random()).item() == pytest.approx(kl.item() - reconstruction.item())


def test_the_loss_of_a_batch_is_the_loss_of_the_module():
    made = vae.VAE((1, 3, 3), 2).double()
    x = (normal(6, 1, 3, 3) > 0).double()
    mu, logvar = made.encode(x)
    eps = torch.randn(6, 2, generator=random(), dtype=torch.float64)
    logits = made.decoder(mu + (logvar / 2).exp() * eps)
    torch.testing.assert_close(vae.negative_elbo(x, logits, mu, logvar), made(x, random()))


def test_the_bound_rises_with_k_and_reaches_log_p():
    """With the exact log p(x) of a linear model. 4,000 draws of the bound on 40 samples: standard errors below 0.004,
    while the gaps that are compared are above 0.03; the seed is fixed."""
    made, exact = linear_gaussian()
    x = 1.5 * normal(40, 3, seed=9)
    log_p = exact.log_prob(x).mean().item()
    with torch.no_grad():
        log_w = made.log_weights(x, 4096, random())
    bounds = [vae.importance_weighted_bound(log_w.view(K, -1, 40)).mean().item() for K in (1, 2, 8, 64)]
    assert bounds[0] < bounds[1] - 0.03 < bounds[2] - 0.06
    assert bounds[2] < bounds[3] < log_p + 0.01
    assert vae.importance_weighted_bound(log_w).mean().item() == pytest.approx(log_p, abs=0.01)


def test_the_mean_log_weight_is_the_elbo():
    made, exact = linear_gaussian()
    x = normal(5, 3)
    with torch.no_grad():
        log_w = made.log_weights(x, 4096, random()).mean(0)
        terms = [made.elbo(x, random(seed)) for seed in range(1000)]
    elbo = torch.stack([reconstruction - kl for reconstruction, kl in terms]).mean(0)
    # Two means of a few thousand draws with a spread of about 2: five standard errors.
    torch.testing.assert_close(log_w, elbo, atol=0.35, rtol=0)
    # And the gap to log p(x) is KL(q || p(z|x)), in closed form.
    W = made.decoder.weight.detach()
    precision = torch.eye(2) + W.T @ W / 0.49
    mu, logvar = made.encode(x)
    q = MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
    posterior = MultivariateNormal(
        (x - made.decoder.bias) @ W @ torch.linalg.inv(precision) / 0.49, torch.linalg.inv(precision)
    )
    gap = exact.log_prob(x) - torch.distributions.kl_divergence(q, posterior)
    torch.testing.assert_close(log_w, gap.detach(), atol=0.2, rtol=0)


def test_equal_weights_leave_the_bound_at_their_value():
    torch.testing.assert_close(vae.importance_weighted_bound(torch.full((7, 3), -900.0)), torch.full((3,), -900.0))


def test_a_sum_over_a_grid_gives_log_p():
    """The probabilities of all 16 binary images of 2 x 2 pixels add up to one, and agree with plain Monte Carlo."""
    torch.manual_seed(0)
    made = vae.VAE((1, 2, 2), 2, hidden=(8,))
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4).view(16, 1, 2, 2)
    log_p = vae.log_p_by_quadrature(made, every)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-4)
    with torch.no_grad():
        logits = made.decoder(torch.randn(20_000, 2, generator=random()))
    naive = [vae.bernoulli_log_likelihood(x.expand_as(logits), logits).exp().mean().item() for x in every]
    # Standard errors of the 16 means are below 1e-3 of a probability.
    np.testing.assert_allclose(log_p.exp(), naive, atol=2e-3)
    with pytest.raises(ValueError, match="for two"):
        vae.log_p_by_quadrature(vae.VAE((1, 2, 2), 3), every)


def test_a_sum_over_a_grid_gives_the_density_of_a_linear_model():
    made, exact = linear_gaussian()
    x = normal(10, 3)
    torch.testing.assert_close(vae.log_p_by_quadrature(made, x, 401, 7.0), exact.log_prob(x), atol=1e-6, rtol=0)


def test_decoded_means_are_probabilities_and_samples_have_the_shape():
    made = vae.VAE((1, 4, 4), 3)
    x = made.sample(5, random())
    assert x.shape == (5, 1, 4, 4)
    assert ((x > 0) & (x < 1)).all()
    torch.testing.assert_close(x, made.sample(5, random()))


def test_the_convolutional_networks_fit_together():
    made = vae.VAE(
        (3, 32, 32), 4, "gaussian", sigma=0.1, encoder=vae.conv_encoder(3, 4, 4), decoder=vae.conv_decoder(3, 4, 4)
    )
    assert made(torch.rand(2, 3, 32, 32)).ndim == 0
    assert made.sigma == pytest.approx(0.1)
    assert not made.log_sigma.requires_grad
    assert vae.VAE((2,), 1, "gaussian").log_sigma.requires_grad


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2,), 0), "latent is 0"),
        (((2,), -1), "latent is -1"),
        (((2,), 1.5), "latent is 1.5"),
        (((2,), 2, "poisson"), "likelihood is 'poisson'"),
    ],
)
def test_a_vae_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        vae.VAE(*arguments)


@pytest.mark.parametrize("sigma", [0, -0.1, math.nan, math.inf, "best"])
def test_a_vae_with_such_a_sigma_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma is"):
        vae.VAE((2,), 2, "gaussian", sigma=sigma)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.full((2, 1, 4, 4), math.nan), "NaN"),
        (torch.full((2, 1, 4, 4), math.inf), "infinity"),
        (torch.full((2, 1, 4, 4), 1.2), "from 0 to 1"),
        (torch.full((2, 1, 4, 4), -0.1), "from 0 to 1"),
        (torch.zeros(2, 16), "x has shape"),
        (torch.zeros(1, 4, 4), "x has shape"),
        (torch.zeros(0, 1, 4, 4), "no rows"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.long), "floating"),
        (np.zeros((2, 1, 4, 4)), "tensor"),
    ],
)
def test_images_that_do_not_fit_are_refused_at_the_call(x, message):
    made = vae.VAE((1, 4, 4), 2)
    for call in (made, made.encode, made.elbo, made.log_weights):
        with pytest.raises(ValueError, match=message):
            call(x)


def test_a_gaussian_likelihood_takes_any_range():
    assert torch.isfinite(vae.VAE((2,), 2, "gaussian")(torch.full((2, 2), -7.0)))


@pytest.mark.parametrize("z", [torch.zeros(2, 3), torch.zeros(2)])
def test_latents_of_another_size_are_refused(z):
    with pytest.raises(ValueError, match="takes"):
        vae.VAE((2,), 2).decode(z)


def test_no_samples_no_bound():
    with pytest.raises(ValueError, match="at least one"):
        vae.VAE((2,), 2, "gaussian").log_weights(torch.zeros(1, 2), 0)


# Collapse, the grid, directions


def test_the_divergences_of_the_latents_add_up():
    mu, logvar = normal(5, 3), normal(5, 3, seed=1)
    parts = vae.kl_per_dimension(mu, logvar)
    whole = torch.distributions.kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(parts, whole)


def test_free_bits_count_at_least_the_floor_and_push_nothing_below_it():
    kl = torch.tensor([[0.0, 2.0, 0.2], [0.2, 4.0, 1.0]], requires_grad=True)
    loss = vae.free_bits(kl, 0.5)
    assert loss.item() == pytest.approx(0.5 + 3.0 + 0.6)
    loss.backward()
    torch.testing.assert_close(kl.grad, torch.tensor([[0.0, 0.5, 0.5]] * 2))
    torch.testing.assert_close(vae.free_bits(kl, 0.0), kl.sum(1).mean())
    with pytest.raises(ValueError, match="floor"):
        vae.free_bits(kl, -1.0)


def test_active_units_are_those_that_move_with_x():
    mu = normal(500, 3) * torch.tensor([1.0, 0.0, 0.05]) + 4
    assert vae.active_units(mu).tolist() == [True, False, False]


def test_the_grid_holds_the_quantiles_in_reading_order():
    grid = vae.quantile_grid(3)
    q = norm.ppf([1 / 6, 1 / 2, 5 / 6])
    expected = [(q[j], q[2 - i]) for i in range(3) for j in range(3)]
    np.testing.assert_allclose(grid, expected, atol=1e-6)
    torch.testing.assert_close(vae.quantile_grid(1), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="at least one row"):
        vae.quantile_grid(0)


def test_the_direction_is_the_slope_of_each_latent_on_the_factor():
    f = normal(200)
    z = f[:, None] * torch.tensor([2.0, 0.0, -1.0]) + normal(200, 3, seed=1)
    expected = [np.polyfit(f, column, 1)[0] for column in z.T]
    np.testing.assert_allclose(vae.latent_direction(z, f), expected)
    with pytest.raises(ValueError, match="no direction"):
        vae.latent_direction(z, torch.ones(200))


# The richer posterior


def warmed(shape, latent, by=0.3):
    """A flow away from the identity that it begins as."""
    torch.manual_seed(0)
    flow = FlowPosterior(shape, latent, steps=3, hidden=16).double()
    with torch.no_grad():
        for weight in flow.parameters():
            weight.add_(by * torch.randn_like(weight))
    return flow


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_the_log_determinant_is_that_of_autograd(latent):
    flow, x = warmed((4,), latent), normal(1, 4)
    z = normal(1, latent, seed=1)
    jacobian = torch.autograd.functional.jacobian(lambda z: flow(z, x)[0], z)[0, :, 0]
    torch.testing.assert_close(flow(z, x)[1][0], torch.linalg.slogdet(jacobian)[1])


def test_a_step_is_autoregressive():
    step = warmed((4,), 4).steps[0]
    z, context = normal(1, 4), normal(1, 16, seed=1)
    jacobian = torch.autograd.functional.jacobian(lambda z: step(z, context)[0], z)[0, :, 0]
    assert (jacobian.triu(1) == 0).all()
    assert (jacobian.diagonal() > 0).all()
    assert (jacobian.tril(-1) != 0).sum() == 6


def test_a_new_flow_leaves_the_gaussian_as_it_is():
    flow = FlowPosterior((3,), 2, steps=2).double()
    z = normal(4, 2)
    after, log_det = flow(z, normal(4, 3))
    torch.testing.assert_close(after, z)
    torch.testing.assert_close(log_det, torch.zeros(4, dtype=torch.float64))
    with pytest.raises(ValueError, match="at least 1"):
        FlowPosterior((3,), 0)


def test_the_bound_with_a_flow_is_still_a_bound_and_converges():
    """The weights use the flow's density: with many samples the bound reaches the same log p(x)."""
    made, exact = linear_gaussian()
    x = normal(20, 3, seed=9)
    with torch.no_grad():
        log_w = made.log_weights(x, 20_000, random(), flow=warmed((3,), 2, by=0.1))
    log_p = exact.log_prob(x)
    assert (log_w.mean(0) < log_p).all()
    assert vae.importance_weighted_bound(log_w).mean().item() == pytest.approx(log_p.mean().item(), abs=0.05)


# Pictures


def test_blurring_takes_high_frequencies():
    x = torch.rand(20, 3, 16, 16, generator=random())
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1)
    before, after = image_quality.power_spectrum(x), image_quality.power_spectrum(blurred)
    assert after[-1] < 0.2 * before[-1]
    assert after.shape == (9,)


def test_a_wave_has_its_power_at_its_frequency():
    """cos of amplitude 1 and frequency 3: Parseval puts H^2 / 2 into two of the frequencies of length 3."""
    t = torch.arange(16) / 16
    x = torch.cos(2 * math.pi * 3 * t).expand(1, 1, 16, 16)
    power = image_quality.power_spectrum(x)
    assert power.argmax() == 3
    frequency = torch.fft.fftfreq(16, 1 / 16)
    count = (torch.hypot(frequency[:, None], frequency).round() == 3).sum().item()
    assert power[3].item() == pytest.approx(16**2 / 2 / count, rel=1e-4)


def test_the_frechet_distance_is_that_of_the_gaussians():
    from scipy.linalg import sqrtm

    a, b = normal(60, 3), normal(50, 3, seed=1) * 1.5 + 1
    S_a, S_b = np.cov(a.T), np.cov(b.T)
    trace = np.trace(S_a + S_b - 2 * sqrtm(S_a @ S_b).real)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum().item() + trace
    assert image_quality.frechet_distance(a, b) == pytest.approx(expected)
    assert image_quality.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert image_quality.frechet_distance(a, a + 2) == pytest.approx(12)


@pytest.mark.parametrize(
    ("call", "x"),
    [
        (image_quality.power_spectrum, torch.zeros(3, 4, 4)),
        (image_quality.power_spectrum, torch.zeros(1, 1, 4, 5)),
        (lambda x: image_quality.frechet_distance(x, x), torch.zeros(1, 4)),
    ],
)
def test_pictures_of_another_shape_are_refused(call, x):
    with pytest.raises(ValueError, match="shape"):
        call(x)


def test_the_reader_reads_in_the_units_of_the_factors():
    factors = {name: torch.tensor([middle - half, middle + half]) for name, (middle, half) in reader.READ.items()}
    scaled = reader.targets(factors)
    torch.testing.assert_close(scaled, torch.stack([-torch.ones(10), torch.ones(10)]))
    judge = reader.Reader(width=2).eval()
    x = torch.rand(3, 3, 32, 32, generator=random())
    read = judge.read(x)
    assert list(read) == list(reader.READ)
    torch.testing.assert_close(read["yaw"], 0.7 * judge(x)[:, 1].detach())
    assert reader.softened(x).shape == x.shape


def test_r_squared_is_that_of_a_library():
    from sklearn.metrics import r2_score

    true, read = normal(30), normal(30, seed=1)
    assert reader.r_squared(read, true) == pytest.approx(r2_score(true, read))

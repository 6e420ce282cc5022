import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import expit, logsumexp

exercise = pytest.mark.exercise

# Tensors go in as float64. The tolerances are ones that an honest computation in float32 keeps: inputs are of size one,
# and sums have at most a few dozen terms. Every mistake changes a result by a hundredth at least.
SMALL = 1e-4


def tensor(a):
    return torch.as_tensor(np.asarray(a, dtype=float))


def array(t):
    assert isinstance(t, torch.Tensor)
    return t.detach().numpy()


def coins(rng, *shape):
    return rng.integers(0, 2, size=shape).astype(float)


@exercise("chain_rule_log_p")
def test_probabilities_of_all_outcomes_add_up_to_one(submission, rng):
    """With the same conditional probabilities in each row, the probabilities of all 2^d rows add up to 1."""
    x = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    p = np.tile(rng.uniform(0.1, 0.9, size=4), (16, 1))
    log_p = array(submission.chain_rule_log_p(tensor(p), tensor(x)))
    assert log_p.shape == (16,)
    np.testing.assert_allclose(np.exp(log_p).sum(), 1, rtol=SMALL)


@exercise("chain_rule_log_p")
def test_each_row_is_a_product_of_its_own_factors(submission, rng):
    """exp(log p) is the product, over the entries, of p where the bit is 1 and of 1 - p where it is 0."""
    x, p = coins(rng, 5, 7), rng.uniform(0.05, 0.95, size=(5, 7))
    expected = [math.prod(q if bit else 1 - q for bit, q in zip(*row, strict=True)) for row in zip(x, p, strict=True)]
    log_p = array(submission.chain_rule_log_p(tensor(p), tensor(x)))
    np.testing.assert_allclose(log_p, np.log(expected), rtol=SMALL, atol=SMALL)


@exercise("chain_rule_log_p")
def test_many_entries_do_not_underflow(submission, rng):
    """A row of two thousand bits still has a finite log probability."""
    x = coins(rng, 2, 2000)
    log_p = array(submission.chain_rule_log_p(tensor(np.where(x == 1, 0.25, 0.75)), tensor(x)))
    np.testing.assert_allclose(log_p, 2000 * math.log(0.25), rtol=SMALL)


@exercise("bits_per_dimension")
def test_fair_coins_cost_one_bit(submission, rng):
    """Samples of d fair coins, p(x) = 2^-d, take one bit for each entry."""
    d, n = int(rng.integers(2, 50)), int(rng.integers(2, 9))
    got = array(submission.bits_per_dimension(tensor(np.full(n, -d * math.log(2))), d))
    np.testing.assert_allclose(got, 1, rtol=SMALL)


@exercise("bits_per_dimension")
def test_bits_are_a_mean_over_samples(submission, rng):
    """The result is the mean, over the samples, of -log2 p(x), divided by the number of entries."""
    p = rng.uniform(1e-6, 1e-3, size=7)
    got = array(submission.bits_per_dimension(tensor(np.log(p)), 12))
    assert got.shape == ()
    np.testing.assert_allclose(got, -np.log2(p).sum() / 7 / 12, rtol=SMALL)


@exercise("made_masks")
def test_no_output_sees_its_own_input_or_a_later_one(submission, rng):
    """No way leads from input j to output i, through any unit, when j >= i."""
    d = int(rng.integers(4, 8))
    into, out = map(array, submission.made_masks(torch.as_tensor(rng.integers(1, d, size=20)), d))
    ways = out.astype(float) @ into.astype(float)
    assert into.shape == (20, d)
    assert out.shape == (d, 20)
    np.testing.assert_array_equal(np.triu(ways), 0)


@exercise("made_masks")
def test_each_output_sees_every_earlier_input(submission, rng):
    """With a unit of each degree from 1 to d - 1, a way leads from each input to each later output."""
    d = int(rng.integers(4, 8))
    into, out = map(array, submission.made_masks(torch.as_tensor(rng.permutation(np.arange(1, d))), d))
    ways = out.astype(float) @ into.astype(float)
    i, j = np.tril_indices(d, -1)
    np.testing.assert_array_equal(ways[i, j], i - j)  # the units of degree j + 1, ..., i


@exercise("made_masks")
def test_a_unit_of_degree_m_stands_between_m_and_m_plus_one(submission, rng):
    """A unit of degree m sees the first m inputs and reaches the last d - m outputs, and no others."""
    d = int(rng.integers(4, 8))
    degrees = rng.integers(1, d, size=9)
    into, out = map(array, submission.made_masks(torch.as_tensor(degrees), d))
    for k, m in enumerate(degrees):
        np.testing.assert_array_equal(into[k], [1.0] * m + [0.0] * (d - m))
        np.testing.assert_array_equal(out[:, k], [0.0] * m + [1.0] * (d - m))


def coupling_case(rng, n=4, d=5):
    kept = np.array([True, False, True, False, False])[rng.permutation(d)]
    s, t = rng.uniform(-1, 1, size=(n, d)), rng.normal(size=(n, d))
    return rng.normal(size=(n, d)), kept, s, t


@exercise("couple")
def test_the_log_determinant_is_that_of_the_jacobian(submission, rng):
    """log_det is, for every row, the logarithm of the Jacobian's determinant, measured by finite differences of z."""
    x, kept, s, t = coupling_case(rng)
    n, d = x.shape

    def z(points):
        return array(submission.couple(tensor(points), torch.as_tensor(kept), tensor(s), tensor(t))[0])

    log_det = array(submission.couple(tensor(x), torch.as_tensor(kept), tensor(s), tensor(t))[1])
    steps = 0.5 * np.eye(d)  # the map is affine in x, so a large step is exact
    J = np.stack([z(x + step) - z(x - step) for step in steps], axis=2)
    assert log_det.shape == (n,)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(J)[1], atol=10 * SMALL)


@exercise("couple")
def test_kept_entries_stay_and_others_are_scaled_then_shifted(submission, rng):
    """Kept entries are x itself; the others are x exp(s) + t, so that (z - t) exp(-s) gives x back."""
    x, kept, s, t = coupling_case(rng)
    z = array(submission.couple(tensor(x), torch.as_tensor(kept), tensor(s), tensor(t))[0])
    np.testing.assert_allclose(z[:, kept], x[:, kept], rtol=SMALL, atol=SMALL)
    np.testing.assert_allclose(((z - t) * np.exp(-s))[:, ~kept], x[:, ~kept], rtol=SMALL, atol=SMALL)


@exercise("couple")
def test_kept_entries_do_not_care_for_s_and_t(submission, rng):
    """What s and t are at the kept entries changes neither z nor log_det."""
    x, kept, s, t = coupling_case(rng)
    first = submission.couple(tensor(x), torch.as_tensor(kept), tensor(s), tensor(t))
    other_s, other_t = np.where(kept, s + 1, s), np.where(kept, t - 2, t)
    second = submission.couple(tensor(x), torch.as_tensor(kept), tensor(other_s), tensor(other_t))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=SMALL, atol=SMALL)


def machine(rng, d, m):
    """Weights and biases of an RBM, of size one."""
    return rng.normal(size=(d, m)), rng.normal(size=d), rng.normal(size=m)


@exercise("free_energy")
def test_the_free_energy_sums_over_all_hidden_states(submission, rng):
    """-F(v) is the logarithm of the sum, over all 2^m states of h, of exp(v^T W h + b^T v + c^T h)."""
    W, b, c = machine(rng, 5, 4)
    v, every = coins(rng, 6, 5), np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    expected = -logsumexp(v @ W @ every.T + (v @ b)[:, None] + every @ c, axis=1)
    F = array(submission.free_energy(*map(tensor, (v, W, b, c))))
    assert F.shape == (6,)
    np.testing.assert_allclose(F, expected, rtol=SMALL, atol=SMALL)


@exercise("free_energy")
def test_without_weights_the_sum_is_known(submission, rng):
    """With W = 0, F(v) + b^T v is the same for all v: minus the sum of log(1 + exp(c_j))."""
    _, b, c = machine(rng, 4, 3)
    v = coins(rng, 5, 4)
    F = array(submission.free_energy(*map(tensor, (v, np.zeros((4, 3)), b, c))))
    np.testing.assert_allclose(F + v @ b, -np.log1p(np.exp(c)).sum(), rtol=SMALL, atol=SMALL)


@exercise("free_energy")
def test_large_weights_do_not_overflow(submission, rng):
    """With exponents of a thousand, the free energy is still finite, and the largest term alone counts."""
    W, v = np.full((3, 2), 400.0), np.ones((1, 3))
    F = array(submission.free_energy(*map(tensor, (v, W, np.zeros(3), np.zeros(2)))))
    np.testing.assert_allclose(F, [-2400.0], rtol=SMALL)


def by_hand(v_data, v_model, W, c):
    phases = []
    for v in (v_data, v_model):
        h = expit(v @ W + c)
        phases.append((np.mean([np.outer(a, b) for a, b in zip(v, h, strict=True)], axis=0), v.mean(0), h.mean(0)))
    return [plus - minus for plus, minus in zip(*phases, strict=True)]


@exercise("cd_gradient")
def test_the_gradient_is_that_of_the_free_energies(submission, rng):
    """The result is the gradient, by W, b and c, of the mean free energy of the samples less that of the data."""
    W, b, c = (tensor(a).requires_grad_() for a in machine(rng, 5, 3))
    data, model = tensor(coins(rng, 6, 5)), tensor(coins(rng, 4, 5))

    def F(v):
        return (-v @ b - torch.nn.functional.softplus(v @ W + c).sum(dim=1)).mean()

    expected = torch.autograd.grad(F(model) - F(data), (W, b, c))
    got = submission.cd_gradient(data, model, W.detach(), c.detach())
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=SMALL, atol=SMALL)


@exercise("cd_gradient")
def test_the_two_numbers_of_rows_may_differ(submission, rng):
    """Each phase is a mean over its own rows, however many there are."""
    W, _, c = machine(rng, 4, 3)
    data, model = coins(rng, 7, 4), coins(rng, 3, 4)
    got = submission.cd_gradient(*map(tensor, (data, model, W, c)))
    for one, other in zip(got, by_hand(data, model, W, c), strict=True):
        np.testing.assert_allclose(array(one), other, rtol=SMALL, atol=SMALL)


@exercise("cd_gradient")
def test_samples_that_equal_the_data_change_nothing(submission, rng):
    """When the model's samples are the data, in another order, all three gradients are zero."""
    W, _, c = machine(rng, 4, 3)
    data = coins(rng, 6, 4)
    for part in submission.cd_gradient(*map(tensor, (data, data[rng.permutation(6)], W, c))):
        np.testing.assert_allclose(array(part), 0, atol=SMALL)

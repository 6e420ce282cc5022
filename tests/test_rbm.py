"""The RBM: free energy, partition function, chain and gradient, each against enumeration."""

import pytest
import torch
from sklearn.neural_network import BernoulliRBM

from course.likelihood import rbm


def machine(d: int, m: int) -> rbm.RBM:
    torch.manual_seed(0)
    model = rbm.RBM(d, m).double()
    for p in model.parameters():
        p.data = torch.randn_like(p)
    return model


def joint(model):
    """log of the unnormalised p(v, h), for all v and h: (2^d, 2^m)."""
    v, h = rbm.states(len(model.b)).double(), rbm.states(len(model.c)).double()
    return v @ model.W @ h.T + (v @ model.b)[:, None] + h @ model.c


def test_states_count_in_binary():
    assert rbm.states(3)[:3].tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert len(rbm.states(5).unique(dim=0)) == 32


def test_the_free_energy_is_the_sum_over_all_hidden_states():
    model = machine(5, 4)
    expected = -torch.logsumexp(joint(model), dim=1)
    torch.testing.assert_close(model.free_energy(rbm.states(5).double()), expected)


def test_the_free_energy_is_scikit_learns():
    model, library = machine(6, 3), BernoulliRBM(3)
    library.components_ = model.W.T.numpy()
    library.intercept_visible_, library.intercept_hidden_ = model.b.numpy(), model.c.numpy()
    v = rbm.states(6).double()
    torch.testing.assert_close(model.free_energy(v), torch.as_tensor(library._free_energy(v.numpy())))


@pytest.mark.parametrize(("d", "m"), [(6, 3), (3, 6), (4, 4)])
def test_the_partition_function_whichever_side_is_enumerated(d, m):
    model = machine(d, m)
    torch.testing.assert_close(model.log_partition(), torch.logsumexp(joint(model).flatten(), dim=0))
    torch.testing.assert_close(model.log_prob(rbm.states(d).double()).exp().sum().item(), 1.0)


def test_the_conditionals_are_those_of_the_joint_distribution():
    model = machine(4, 3)
    p = torch.softmax(joint(model).flatten(), dim=0).view(16, 8)
    v, h = rbm.states(4).double(), rbm.states(3).double()
    torch.testing.assert_close(model.p_hidden(v), (p / p.sum(1, keepdim=True)) @ h)
    torch.testing.assert_close(model.p_visible(h), (p / p.sum(0)).T @ v)


def test_the_chain_arrives_at_the_models_distribution():
    """20,000 chains of 200 steps, seed 0, weights of size 1/2: each of 16 frequencies within five standard errors."""
    model, n = machine(4, 3), 20_000
    for p in model.parameters():
        p.data *= 0.5
    torch.manual_seed(0)
    v = model.gibbs(torch.zeros(n, 4, dtype=torch.float64), 200)
    frequency = torch.bincount((v @ torch.tensor([8.0, 4, 2, 1], dtype=v.dtype)).long(), minlength=16) / n
    p = model.log_prob(rbm.states(4).double()).exp()
    assert ((frequency - p).abs() <= 5 * (p * (1 - p) / n).sqrt()).all()


def test_the_contrastive_gradient_is_autograds_of_the_free_energies():
    model = machine(5, 3)
    data, samples = rbm.states(5)[[3, 9, 17, 30]].double(), rbm.states(5)[[1, 22]].double()
    W, b, c = (p.detach().clone().requires_grad_() for p in (model.W, model.b, model.c))
    value = rbm.free_energy(samples, W, b, c).mean() - rbm.free_energy(data, W, b, c).mean()
    expected = torch.autograd.grad(value, (W, b, c))
    for one, other in zip(rbm.contrastive_gradient(data, samples, W.detach(), c.detach()), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_with_samples_of_the_model_itself_it_is_the_gradient_of_the_likelihood():
    """v_model in the proportions of p(v): with 20,000 chains of 100 steps, seed 0, weights of size 1/2, each entry is
    within five standard errors, at most 0.5 / sqrt(20,000) each, of d/dtheta mean log p(data), by autograd."""
    model = machine(3, 2)
    for p in model.parameters():
        p.data *= 0.5
    v, data = rbm.states(3).double(), rbm.states(3)[[1, 6]].double()
    W, b, c = (p.detach().clone().requires_grad_() for p in (model.W, model.b, model.c))
    log_Z = torch.logsumexp(-rbm.free_energy(v, W, b, c), dim=0)
    expected = torch.autograd.grad((-rbm.free_energy(data, W, b, c) - log_Z).mean(), (W, b, c))
    torch.manual_seed(0)
    samples = model.gibbs(torch.zeros(20_000, 3, dtype=torch.float64), 100)
    for one, other in zip(rbm.contrastive_gradient(data, samples, model.W, model.c), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5 * 0.5 / 20_000**0.5)


def test_contrastive_divergence_learns():
    """Two patterns of four bits, 600 steps of CD-1, seed 0: each has a probability above 0.35; 0.5 is ideal."""
    torch.manual_seed(0)
    model = rbm.RBM(4, 4)
    x = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).repeat(20, 1)
    for _ in range(600):
        for p, g in zip(model.parameters(), rbm.contrastive_gradient(x, model(x), model.W, model.c), strict=True):
            p += 0.3 * g
    assert (model.log_prob(x[:2]).exp() > 0.35).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: rbm.RBM(0, 3), "at least one bit"),
        (lambda: rbm.RBM(30, 30).log_partition(), "can be enumerated"),
    ],
)
def test_bad_input_is_told(call, says):
    with pytest.raises(ValueError, match=says):
        call()

"""Every formula of the autoencoder chapter, against a closed form, finite differences, PyTorch or another library."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

from course.data import load_images
from course.likelihood import autoencoder, two_sample
from course.likelihood import linear_autoencoder as la
from course.likelihood.gaussian import log_normal
from course.likelihood.transfer import labelled_rows, paired_interval

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(50, 6)) @ np.diag([4.0, 3.0, 2.0, 1.0, 0.5, 0.3]) @ np.linalg.qr(RNG.normal(size=(6, 6)))[0]
CLOUD = CLOUD - CLOUD.mean(axis=0)
SHAPE = (1, 8, 8)
torch.set_num_threads(1)  # tiny networks
MODELS = [autoencoder.linear, autoencoder.sigmoid, autoencoder.deep, autoencoder.convolutional]


def slopes(f, x, h=1e-6):
    """The gradient of f at x by central differences."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = h
        gradient[index] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


# the L2 loss


def test_the_gradient_of_the_l2_loss_is_its_slope():
    x, x_hat = RNG.normal(size=(2, 5, 3))
    loss, gradient = la.l2_loss(x, x_hat)
    np.testing.assert_allclose(loss, 3 * np.mean((x - x_hat) ** 2))
    np.testing.assert_allclose(gradient, slopes(lambda y: la.l2_loss(x, y)[0], x_hat), atol=1e-7)


def test_the_l2_loss_is_a_gaussian_log_likelihood():
    """-log N(x; x_hat, s^2 I) = |x - x_hat|^2 / (2 s^2) + p/2 log(2 pi s^2), best at s^2 = the mean squared error."""
    x, x_hat = torch.randn(2, 40, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    loss, p = la.l2_loss(x, x_hat)[0], 7

    def nats(s2):
        return -float(log_normal(x, x_hat, np.log(s2)).mean())

    for s2 in (0.1, 1.0, 3.0):
        np.testing.assert_allclose(nats(s2), loss / (2 * s2) + p / 2 * np.log(2 * np.pi * s2))
    best = loss / p
    assert nats(best) < min(nats(0.99 * best), nats(1.01 * best))


# the linear autoencoder and PCA


def test_the_optimal_decoder_is_the_regression_of_the_samples_on_their_codes():
    Z, X = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 5)) + 2
    library = LinearRegression().fit(Z, X)
    W, b = la.optimal_decoder(Z, X)
    np.testing.assert_allclose(W, library.coef_.T, atol=1e-12)
    np.testing.assert_allclose(b, library.intercept_, atol=1e-12)


@pytest.mark.parametrize(
    "squash", [np.tanh, lambda a: 1 / (1 + np.exp(-a)), np.square], ids=["tanh", "sigmoid", "square"]
)
def test_no_code_with_a_linear_decoder_beats_pca(squash):
    """Bourlard and Kamp: Z W + b has rank k about the mean, whatever Z is, and of those PCA is the closest."""
    for k in (1, 2, 4):
        pca = PCA(k).fit(CLOUD)
        best = ((pca.inverse_transform(pca.transform(CLOUD)) - CLOUD) ** 2).sum()
        Z = squash(0.3 * CLOUD @ RNG.normal(size=(6, k)))
        W, b = la.optimal_decoder(Z, CLOUD)
        assert ((Z @ W + b - CLOUD) ** 2).sum() >= best
        Z = pca.transform(CLOUD)
        W, b = la.optimal_decoder(Z, CLOUD)
        np.testing.assert_allclose(((Z @ W + b - CLOUD) ** 2).sum(), best)


def test_a_tied_step_goes_down_the_slope():
    W = RNG.normal(size=(6, 2))
    gradient = slopes(lambda V: la.tied_loss(V, CLOUD), W)
    np.testing.assert_allclose(la.tied_step(W, CLOUD, 0.1), W - 0.1 * gradient, rtol=1e-6, atol=1e-6)


def test_the_gradient_of_the_tied_loss_is_autograds():
    W = torch.tensor(RNG.normal(size=(6, 3)), requires_grad=True)
    X = torch.tensor(CLOUD)
    (((X - X @ W @ W.T) ** 2).sum() / len(X)).backward()
    np.testing.assert_allclose((W.detach() - W.grad).numpy(), la.tied_step(W.detach().numpy(), CLOUD, 1.0))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_tied_linear_autoencoder_finds_pcas_subspace_and_not_its_components(k):
    W = np.random.default_rng(k).normal(size=(6, k)) * 0.1
    for _ in range(4000):
        W = la.tied_step(W, CLOUD, 0.01)
    E = PCA(k).fit(CLOUD).components_.T
    assert la.principal_angles(W, E).max() < 1e-6
    np.testing.assert_allclose(W.T @ W, np.eye(k), atol=1e-8)  # its columns are orthonormal all the same
    if k > 1:  # a rotated start ends rotated: the rotation never matters to the loss
        assert np.abs(E.T @ W).max(axis=0).min() < 0.99


def test_the_linear_network_finds_pcas_subspace():
    """Untied, with biases, trained by PyTorch until nothing changes: seed 0 ends at an angle of 3e-8."""
    torch.manual_seed(0)
    X = torch.tensor(CLOUD) + 3
    images = X.reshape(-1, 1, 2, 3)
    network = autoencoder.linear((1, 2, 3), 2).double()
    optimiser = torch.optim.LBFGS(
        network.parameters(),
        max_iter=600,
        history_size=40,
        tolerance_grad=1e-12,
        tolerance_change=1e-18,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimiser.zero_grad()
        loss = ((network(images) - images) ** 2).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    pca = PCA(2).fit(X)
    assert la.principal_angles(network.decoder[0].weight.detach(), pca.components_.T).max() < 1e-6
    best = ((pca.inverse_transform(pca.transform(X)) - X.numpy()) ** 2).mean()
    np.testing.assert_allclose(autoencoder.reconstruction_error(network, images), best, rtol=1e-10)


def test_principal_angles_in_closed_form():
    """The planes of e1, e2 and of e1, cos t e2 + sin t e3 have the angles 0 and t."""
    for t in (1e-9, 1e-3, 0.4, 1.2, np.pi / 2):
        A = np.eye(4)[:, :2]
        B = np.column_stack([np.eye(4)[0], np.cos(t) * np.eye(4)[1] + np.sin(t) * np.eye(4)[2]])
        mixed = B @ np.array([[2.0, 1.0], [0.3, -1.0]])
        np.testing.assert_allclose(la.principal_angles(3 * A, mixed), [0, t], atol=1e-12)
        np.testing.assert_allclose(la.principal_angles(A[:, :1], mixed), [0], atol=1e-12)


# upconvolution


@pytest.mark.parametrize(("stride", "m"), [(1, 3), (2, 3), (2, 4), (3, 2), (5, 1)])
def test_the_upconvolution_is_pytorchs(stride, m):
    x, w = RNG.normal(size=7), RNG.normal(size=m)
    theirs = torch.nn.functional.conv_transpose1d(
        torch.tensor(x).reshape(1, 1, -1), torch.tensor(w).reshape(1, 1, -1), stride=stride
    )
    np.testing.assert_allclose(la.upconvolution(x, w, stride), theirs.numpy().ravel(), atol=1e-12)


def test_the_upconvolution_is_the_adjoint_of_the_convolution():
    x, w, y = RNG.normal(size=5), RNG.normal(size=3), RNG.normal(size=11)
    down = (
        torch.nn.functional.conv1d(torch.tensor(y)[None, None], torch.tensor(w)[None, None], stride=2).numpy().ravel()
    )
    np.testing.assert_allclose(la.upconvolution(x, w, 2) @ y, x @ down)


# the four models


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize(("shape", "k"), [((1, 8, 8), 1), ((1, 8, 8), 8), ((3, 16, 12), 5)])
def test_every_model_has_the_code_length_asked_for_and_returns_images(make, shape, k):
    network = make(shape, k)
    x = torch.rand(4, *shape)
    assert network.encoder(x).shape == (4, k)
    assert network(x).shape == x.shape
    np.testing.assert_allclose(network(x).detach(), network.decoder(network.encoder(x)).detach())


def test_the_models_are_those_of_their_docstrings():
    x = torch.rand(5, *SHAPE)
    linear, sigmoid = autoencoder.linear(SHAPE, 3), autoencoder.sigmoid(SHAPE, 3)
    A, B = linear.encoder[1], linear.decoder[0]
    by_hand = (x.flatten(1) @ A.weight.T + A.bias) @ B.weight.T + B.bias
    np.testing.assert_allclose(linear(x).flatten(1).detach(), by_hand.detach(), atol=1e-5)
    A = sigmoid.encoder[1]
    by_hand = 1 / (1 + torch.exp(-(x.flatten(1) @ A.weight.T + A.bias)))
    np.testing.assert_allclose(sigmoid.encoder(x).detach(), by_hand.detach(), atol=1e-6)


def test_counts_and_errors():
    assert autoencoder.parameters(autoencoder.linear(SHAPE, 8)) == 2 * 64 * 8 + 64 + 8
    x = torch.rand(5, *SHAPE)
    network = autoencoder.deep(SHAPE, 2)
    by_hand = ((network(x) - x).detach().numpy() ** 2).sum() / (5 * 64)
    np.testing.assert_allclose(autoencoder.reconstruction_error(network, x), by_hand, rtol=1e-5)


@pytest.mark.parametrize("make", [autoencoder.deep, autoencoder.convolutional])
def test_a_nonlinear_autoencoder_beats_pca_on_the_digits(make):
    """Seed 0, k = 4, 200 full batches: .0240 (deep) and .0203 (convolutional), where PCA has .0373."""
    x = load_images("digits", n=300).x
    pca = PCA(4).fit(x.flatten(1))
    best = ((pca.inverse_transform(pca.transform(x.flatten(1))) - x.flatten(1).numpy()) ** 2).mean()
    torch.manual_seed(0)
    network = make(SHAPE, 4)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(200):
        optimiser.zero_grad()
        loss = ((network(x) - x) ** 2).mean()
        loss.backward()
        optimiser.step()
    assert autoencoder.reconstruction_error(network, x) < 0.8 * best


# few labels


def test_labelled_rows_have_so_many_of_each_class():
    y = torch.tensor([2, 0, 1, 2, 0, 1, 2, 2])
    rows = labelled_rows(y, 2, np.random.default_rng(0))
    assert y[rows].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(set(rows.tolist())) == 6
    draws = {tuple(labelled_rows(y, 2, np.random.default_rng(seed))) for seed in range(20)}
    assert len(draws) > 3


def test_the_paired_interval_is_students():
    a, b = RNG.normal(size=(2, 9))
    d = a - b
    reach = stats.t.ppf(0.95, 8) * d.std(ddof=1) / 3
    np.testing.assert_allclose(paired_interval(a, b, 0.9), (d.mean() - reach, d.mean() + reach))
    assert paired_interval([1.0, 2.0], [0.0, 1.0]) == (1.0, 1.0)


def test_the_paired_interval_covers_as_often_as_it_says():
    """Normal differences with mean 0.3: 80 % of 500 intervals cover it; a binomial count is within 4 deviations."""
    rng = np.random.default_rng(1)
    pairs = (rng.normal(size=(2, 6)) for _ in range(500))
    intervals = np.array([paired_interval(a + 0.3, b, 0.8) for a, b in pairs])
    covered = ((intervals[:, 0] < 0.3) & (intervals[:, 1] > 0.3)).sum()
    assert abs(covered - 400) < 4 * np.sqrt(500 * 0.8 * 0.2)


# two samples


def test_the_energy_distance_of_two_sets_by_hand():
    x, y = np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]])
    np.testing.assert_allclose(two_sample.energy_distance(x, y), 2 * (1 + 5 + 1 + 3) / 4 - 2 - 4)


def test_the_energy_distance_in_one_dimension_is_scipys_squared():
    """Without leaving anything out, as SciPy has it, sums of both samples differ by the factors n / (n - 1)."""
    x, y = RNG.normal(size=(30, 1)), RNG.normal(size=(40, 1)) + 1
    within = np.abs(x - x.T).mean() * (30 / 29 - 1) + np.abs(y - y.T).mean() * (40 / 39 - 1)
    ours = two_sample.energy_distance(x, y) + within
    np.testing.assert_allclose(ours, stats.energy_distance(x.ravel(), y.ravel()) ** 2)


def test_two_samples_of_one_distribution_score_zero_and_one_half():
    """400 pairs of 60 samples in 5 dimensions: the means over the draws lie within 4 of their standard errors."""
    rng = np.random.default_rng(2)
    energies, shares = zip(
        *(
            (two_sample.energy_distance(x, y), two_sample.neighbour_score(x, y))
            for x, y in rng.normal(size=(400, 2, 60, 5))
        ),
        strict=True,
    )
    for values, truth in ((energies, 0), (shares, 59 / 119)):  # of 119 others, 59 are of a sample's own set
        assert abs(np.mean(values) - truth) < 4 * np.std(values) / 20


def test_sets_far_apart_are_told_apart_and_copies_are_not():
    x = torch.rand(30, 1, 4, 4)
    assert two_sample.neighbour_score(x, x + 10) == 1
    assert two_sample.neighbour_score(x, x + 1e-6) == 0
    assert two_sample.energy_distance(x, x + 10) > 10


# bad input

NAN = np.array([[0.0, np.nan]])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: la.l2_loss(np.zeros((2, 3)), np.zeros((2, 2))), "shape of its image"),
        (lambda: la.l2_loss(NAN, NAN), "x contains NaN"),
        (lambda: la.optimal_decoder(np.zeros((2, 3)), np.zeros((3, 3))), "a code for each sample"),
        (lambda: la.optimal_decoder(np.zeros(3), np.zeros((3, 3))), "expected a matrix"),
        (lambda: la.tied_step(np.zeros((2, 1)), np.zeros((5, 3)), 0.1), "belongs to a column"),
        (lambda: la.tied_step(np.zeros((3, 1)), np.zeros((5, 3)), 0.0), "positive number"),
        (lambda: la.principal_angles(np.eye(3), np.eye(2)), "must lie in the same one"),
        (lambda: la.principal_angles(np.eye(3), np.ones((3, 2))), "columns of B depend"),
        (lambda: la.upconvolution([1.0], [1.0], 0), "at least one place"),
        (lambda: la.upconvolution([], [1.0], 1), "x has shape"),
        (lambda: autoencoder.linear(SHAPE, 0), "at least one number"),
        (lambda: autoencoder.deep((8, 8), 2), "channels, height, width"),
        (lambda: autoencoder.convolutional((1, 10, 8), 2), "multiples of 4"),
        (lambda: autoencoder.deep(SHAPE, 2)(torch.zeros(3, 64)), "this autoencoder takes"),
        (lambda: autoencoder.reconstruction_error(autoencoder.deep(SHAPE, 2), torch.full((1, *SHAPE), np.nan)), "NaN"),
        (lambda: labelled_rows([0, 0, 1], 2, RNG), "from 1 to 1"),
        (lambda: paired_interval([1.0], [2.0]), "at least two"),
        (lambda: paired_interval([1.0, 2.0], [2.0]), "same length"),
        (lambda: paired_interval([1.0, np.nan], [2.0, 1.0]), "NaN"),
        (lambda: paired_interval([1.0, 2.0], [2.0, 1.0], 95), "such as 0.95"),
        (lambda: two_sample.energy_distance(np.zeros((3, 2)), np.zeros((3, 4))), "2 entries in one set and 4"),
        (lambda: two_sample.energy_distance(np.zeros((3, 2)), np.full((3, 2), np.inf)), "y contains NaN or infinity"),
        (lambda: two_sample.neighbour_score(np.zeros((3, 2)), np.zeros((4, 2))), "equal numbers"),
        (lambda: two_sample.neighbour_score(np.zeros(3), np.zeros(3)), "at least two samples"),
    ],
)
def test_bad_input_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()

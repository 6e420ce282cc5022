import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import subspace_angles
from sklearn.linear_model import LinearRegression

exercise = pytest.mark.exercise

# No contract promises float64. The tolerances are ones that an honest computation in float32 keeps, on numbers of size
# 1 to 5; the registered mistakes change results by far more. The arc cosine of a number near 1 keeps half its digits.
SMALL, ANGLE = 1e-3, 5e-3


def images(rng, n=12, p=5):
    return rng.uniform(0.1, 1, size=(2, n, p))


def cloud(rng, n=40, p=4):
    """Centred samples whose variances along the axes of a turned frame fall from 4 to 0.25."""
    X = rng.normal(size=(n, p)) * np.geomspace(2, 0.5, p) @ np.linalg.qr(rng.normal(size=(p, p)))[0]
    return X - X.mean(axis=0)


def basis(rng, p, k):
    """Independent columns: an orthonormal basis, mixed and stretched."""
    Q = np.linalg.qr(rng.normal(size=(p, k)))[0]
    return Q @ (np.diag(rng.uniform(0.5, 2, size=k)) + np.triu(rng.uniform(-1, 1, size=(k, k)), 1))


# the L2 loss


@exercise("l2_loss")
def test_the_loss_averages_squared_lengths(submission, rng):
    """The loss is p times the mean of all squared differences of pixels."""
    x, x_hat = images(rng)
    loss, _ = submission.l2_loss(x, x_hat)
    np.testing.assert_allclose(loss, 5 * np.mean((x - x_hat) ** 2), rtol=SMALL)


@exercise("l2_loss")
def test_the_gradient_is_that_of_automatic_differentiation(submission, rng):
    """The gradient is the one that PyTorch finds for the loss by automatic differentiation."""
    x, x_hat = images(rng)
    moved = torch.tensor(x_hat, requires_grad=True)
    (torch.linalg.vector_norm(moved - torch.tensor(x), dim=1) ** 2).mean().backward()
    _, gradient = submission.l2_loss(x, x_hat)
    np.testing.assert_allclose(gradient, moved.grad.numpy(), atol=SMALL * 0.1)


@exercise("l2_loss")
def test_a_perfect_reconstruction_costs_nothing(submission, rng):
    """Where the reconstruction is the image itself, loss and gradient are zero."""
    x, _ = images(rng)
    loss, gradient = submission.l2_loss(x, x)
    assert abs(loss) < SMALL
    assert np.abs(gradient).max() < SMALL


# the optimal decoder


@exercise("optimal_decoder")
def test_the_decoder_is_linear_regression(submission, rng):
    """W and b are the coefficients and the intercepts of the regression of X on Z."""
    Z, X = rng.normal(size=(30, 3)) + 1, rng.normal(size=(30, 5)) + 2
    library = LinearRegression().fit(Z, X)
    W, b = submission.optimal_decoder(Z, X)
    np.testing.assert_allclose(W, library.coef_.T, atol=SMALL)
    np.testing.assert_allclose(b, library.intercept_, atol=SMALL)


@exercise("optimal_decoder")
def test_what_is_left_has_nothing_to_do_with_the_code(submission, rng):
    """The differences X - (Z W + b) have mean zero, and are uncorrelated with the codes."""
    Z, X = rng.normal(size=(25, 2)) - 1, rng.normal(size=(25, 4)) * 2 + 1
    W, b = submission.optimal_decoder(Z, X)
    rest = X - (Z @ W + b)
    np.testing.assert_allclose(rest.mean(axis=0), 0, atol=SMALL)
    np.testing.assert_allclose((Z - Z.mean(axis=0)).T @ rest / len(Z), 0, atol=SMALL)


@exercise("optimal_decoder")
def test_samples_that_are_linear_in_their_codes_come_back(submission, rng):
    """If X = Z V + c exactly, the decoder is V and c."""
    Z, V, c = rng.normal(size=(20, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    W, b = submission.optimal_decoder(Z, Z @ V + c)
    np.testing.assert_allclose(W, V, atol=SMALL)
    np.testing.assert_allclose(b, c, atol=SMALL)


# a step of the tied linear autoencoder


@exercise("tied_step")
def test_the_step_is_that_of_automatic_differentiation(submission, rng):
    """The step is eta times the gradient that PyTorch finds by automatic differentiation, downhill."""
    X, eta = cloud(rng), rng.uniform(0.05, 0.2)
    W = rng.normal(size=(4, 2)) * 0.5
    moved = torch.tensor(W, requires_grad=True)
    Y = torch.tensor(X)
    ((Y - Y @ moved @ moved.T) ** 2).sum(dim=1).mean().backward()
    np.testing.assert_allclose(submission.tied_step(W, X, eta), W - eta * moved.grad.numpy(), atol=SMALL)


@exercise("tied_step")
def test_pcas_subspace_is_where_it_rests(submission, rng):
    """Orthonormal columns that span PCA's subspace, turned in any way, stay where they are."""
    X = cloud(rng)
    E = np.linalg.eigh(X.T @ X)[1][:, -2:]
    W = E @ np.linalg.qr(rng.normal(size=(2, 2)))[0]
    np.testing.assert_allclose(submission.tied_step(W, X, 0.1), W, atol=SMALL)


@exercise("tied_step")
def test_small_steps_lower_the_loss(submission, rng):
    """A small step lowers the loss."""
    X, W = cloud(rng), rng.normal(size=(4, 2)) * 0.3
    before = ((X - X @ W @ W.T) ** 2).sum(axis=1).mean()
    W = submission.tied_step(W, X, 0.01)
    assert ((X - X @ W @ W.T) ** 2).sum(axis=1).mean() < before


# principal angles


@exercise("principal_angles")
def test_the_angles_are_scipys(submission, rng):
    """The angles are those that SciPy finds, smallest first."""
    for p, k in ((4, 2), (7, 3), (5, 1)):
        A, B = basis(rng, p, k), basis(rng, p, k)
        np.testing.assert_allclose(submission.principal_angles(A, B), subspace_angles(A, B)[::-1], atol=ANGLE)


@exercise("principal_angles")
def test_the_basis_does_not_matter(submission, rng):
    """Other bases of the same two spaces give the same angles."""
    A, B = basis(rng, 6, 3), basis(rng, 6, 3)
    mixed = submission.principal_angles(A @ basis(rng, 3, 3), B @ basis(rng, 3, 3))
    np.testing.assert_allclose(mixed, submission.principal_angles(A, B), atol=ANGLE)


@exercise("principal_angles")
def test_a_space_has_no_angle_with_itself(submission, rng):
    """A space and itself, in two bases, have k angles of zero; orthogonal spaces have k right angles."""
    for _ in range(20):  # rounding pushes a cosine above 1 in some of them
        Q = np.linalg.qr(rng.normal(size=(6, 6)))[0]
        A = Q[:, :2] @ basis(rng, 2, 2)
        np.testing.assert_allclose(submission.principal_angles(A, Q[:, :2]), 0, atol=ANGLE)
    np.testing.assert_allclose(submission.principal_angles(A, Q[:, 2:4]), np.pi / 2, atol=ANGLE)


# upconvolution


@exercise("upconvolution")
def test_the_upconvolution_is_a_librarys(submission, rng):
    """The result is what PyTorch's transposed convolution gives, for strides from 1 to 4."""
    for n, m, stride in ((5, 3, 1), (4, 3, 2), (6, 4, 2), (3, 2, 4)):
        x, w = rng.normal(size=n), rng.normal(size=m)
        theirs = torch.nn.functional.conv_transpose1d(
            torch.tensor(x)[None, None], torch.tensor(w)[None, None], stride=stride
        )
        np.testing.assert_allclose(submission.upconvolution(x, w, stride), theirs.numpy().ravel(), atol=SMALL)


@exercise("upconvolution")
def test_a_single_number_is_a_single_stamp(submission, rng):
    """One number gives the kernel, times that number."""
    w = rng.uniform(1, 2, size=4)
    np.testing.assert_allclose(submission.upconvolution(np.array([3.0]), w, 2), 3 * w, atol=SMALL)


@exercise("upconvolution")
def test_it_is_the_transpose_of_a_strided_convolution(submission, rng):
    """For every y, the product of the result with y is that of x with the convolution of y."""
    x, w, y = rng.normal(size=4), rng.normal(size=3), rng.normal(size=9)
    down = np.correlate(y, w, "valid")[::2]
    np.testing.assert_allclose(submission.upconvolution(x, w, 2) @ y, x @ down, atol=SMALL)


# the interval of a paired difference


@exercise("paired_interval")
def test_the_interval_is_students(submission, rng):
    """The interval is Student's, for the differences of the pairs, at the level that was asked for."""
    a, b = rng.normal(size=(2, 7))
    for level in (0.8, 0.95):
        expected = stats.ttest_rel(a, b).confidence_interval(level)
        np.testing.assert_allclose(submission.paired_interval(a, b, level), tuple(expected), rtol=SMALL, atol=SMALL)


@exercise("paired_interval")
def test_what_both_have_in_common_cancels(submission, rng):
    """Adding the same numbers to both, pair by pair, changes nothing."""
    a, b = rng.normal(size=(2, 6))
    common = 3 * rng.normal(size=6)
    shifted = submission.paired_interval(a + common, b + common, 0.9)
    np.testing.assert_allclose(shifted, submission.paired_interval(a, b, 0.9), atol=SMALL)


@exercise("paired_interval")
def test_the_middle_is_the_mean_difference(submission, rng):
    """The interval lies around the mean of a - b, and is wider for a higher level."""
    a, b = rng.normal(size=(2, 5)) + np.array([[1.0], [0.0]])
    narrow, wide = submission.paired_interval(a, b, 0.5), submission.paired_interval(a, b, 0.99)
    np.testing.assert_allclose([np.mean(narrow), np.mean(wide)], np.mean(a - b), atol=SMALL)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]

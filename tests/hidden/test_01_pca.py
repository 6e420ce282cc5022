import numpy as np
import pytest
from scipy.stats import zscore
from sklearn.decomposition import PCA

exercise = pytest.mark.exercise

# No contract promises float64. The tolerances are ones that an honest computation in float32 keeps, on samples whose
# spreads differ by no more than a factor of 8, while the mildest mistake, n for n - 1, changes a result by 1.7 %.
SMALL = 1e-4


def cloud(rng, n=30, p=4):
    """Correlated samples with different means and spreads."""
    turn = np.linalg.qr(rng.normal(size=(p, p)))[0]
    return rng.normal(size=(n, p)) * np.geomspace(4, 0.5, p) @ turn + rng.uniform(2, 5, size=p)


@exercise("standardise")
def test_columns_have_mean_zero_and_variance_one(submission, rng):
    """Every column of the result has mean 0 and variance 1, the variance with divisor n - 1."""
    Z = submission.standardise(cloud(rng))
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=SMALL)
    np.testing.assert_allclose(Z.var(axis=0, ddof=1), 1, rtol=SMALL)


@exercise("standardise")
def test_the_result_does_not_depend_on_units(submission, rng):
    """Other units, X times a positive number plus a shift in each column, give the same result."""
    X = cloud(rng)
    np.testing.assert_allclose(submission.standardise(X * [1, 10, 0.1, 3] + 7), submission.standardise(X), atol=SMALL)


@exercise("standardise")
def test_an_entry_says_how_many_deviations_above_the_mean(submission, rng):
    """Each entry says how many standard deviations it lies above the mean of its column."""
    X = cloud(rng)
    np.testing.assert_allclose(submission.standardise(X), zscore(X, ddof=1), atol=SMALL)


@exercise("covariance")
def test_covariance_is_the_sample_covariance(submission, rng):
    """The result is the sample covariance matrix with divisor n - 1."""
    X = cloud(rng)
    np.testing.assert_allclose(submission.covariance(X), np.cov(X, rowvar=False), rtol=SMALL, atol=SMALL)


@exercise("covariance")
def test_shifting_the_data_leaves_the_covariance(submission, rng):
    """Adding a constant to a column leaves the covariance matrix as it is."""
    X = cloud(rng)
    np.testing.assert_allclose(submission.covariance(X + 7), submission.covariance(X), rtol=SMALL, atol=SMALL)


@exercise("covariance")
def test_two_samples_are_enough(submission, rng):
    """Two samples x and y have the covariance matrix (x - y)(x - y)^T / 2."""
    X = cloud(rng, n=2, p=3)
    d = X[0] - X[1]
    np.testing.assert_allclose(submission.covariance(X), np.outer(d, d) / 2, rtol=SMALL, atol=SMALL)


@exercise("spectrum")
def test_columns_are_eigenvectors(submission, rng):
    """S e_k = lambda_k e_k for each column e_k of E."""
    S = np.cov(cloud(rng), rowvar=False)
    lam, E = submission.spectrum(S)
    np.testing.assert_allclose(S @ E, E * lam, atol=SMALL * np.abs(S).max())


@exercise("spectrum")
def test_eigenvalues_descend(submission, rng):
    """The eigenvalues come largest first, and add up to the trace of S."""
    S = np.cov(cloud(rng, p=6), rowvar=False)
    lam, _ = submission.spectrum(S)
    assert (np.diff(lam) <= 0).all()
    np.testing.assert_allclose(lam.sum(), np.trace(S), rtol=SMALL)


@exercise("spectrum")
def test_eigenvectors_are_orthonormal(submission, rng):
    """The columns of E have length 1 and are orthogonal to each other."""
    _, E = submission.spectrum(np.cov(cloud(rng), rowvar=False))
    np.testing.assert_allclose(E.T @ E, np.eye(4), atol=SMALL)


@exercise("scores")
def test_scores_are_those_of_a_library(submission, rng):
    """The scores are those that scikit-learn's PCA gives with the same loadings."""
    X = cloud(rng)
    library = PCA(n_components=3).fit(X)
    Z = submission.scores(X, library.components_.T)
    np.testing.assert_allclose(Z, library.transform(X), atol=SMALL)


@exercise("scores")
def test_scores_have_mean_zero(submission, rng):
    """The scores are measured from the mean of the samples, so every column of Z has mean 0."""
    Z = submission.scores(cloud(rng), np.linalg.qr(rng.normal(size=(4, 2)))[0])
    assert Z.shape == (30, 2)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=SMALL)


@exercise("explained_variance")
def test_shares_are_in_proportion_and_add_up(submission, rng):
    """The shares add up to 1 and are in the proportion of the variances."""
    lam = np.sort(rng.uniform(1, 9, size=5))[::-1]
    shares = submission.explained_variance(lam)
    np.testing.assert_allclose(shares.sum(), 1, rtol=SMALL)
    np.testing.assert_allclose(shares[1:] / shares[0], lam[1:] / lam[0], rtol=SMALL)


@exercise("explained_variance")
def test_shares_do_not_depend_on_units(submission, rng):
    """Variances in other units have the same shares."""
    lam = np.sort(rng.uniform(1, 9, size=4))[::-1]
    shares = submission.explained_variance(lam)
    np.testing.assert_allclose(submission.explained_variance(100 * lam), shares, rtol=SMALL)


@exercise("affine_approximation")
def test_error_is_what_eckart_and_young_say(submission, rng):
    """The squared error is (n - 1) times the sum of the variances of the components left out."""
    X = cloud(rng)
    lam = np.sort(np.linalg.eigvalsh(np.cov(X, rowvar=False)))[::-1]
    for k in (1, 2, 3):
        error = ((X - submission.affine_approximation(X, k)) ** 2).sum()
        np.testing.assert_allclose(error, 29 * lam[k:].sum(), rtol=1e-3)


@exercise("affine_approximation")
def test_the_approximation_lies_in_a_subspace_of_dimension_k(submission, rng):
    """The approximated samples lie in a k-dimensional affine subspace through the mean."""
    X = cloud(rng)
    for k in (1, 2):
        hat = submission.affine_approximation(X, k)
        np.testing.assert_allclose(hat.mean(axis=0), X.mean(axis=0), atol=SMALL)
        assert np.linalg.matrix_rank(hat - hat.mean(axis=0), tol=1e-2) == k


@exercise("affine_approximation")
def test_nothing_and_everything(submission, rng):
    """k = 0 moves every sample to the mean; k = p leaves every sample where it is."""
    X = cloud(rng)
    np.testing.assert_allclose(submission.affine_approximation(X, 0), np.tile(X.mean(axis=0), (30, 1)), atol=SMALL)
    np.testing.assert_allclose(submission.affine_approximation(X, 4), X, atol=SMALL)

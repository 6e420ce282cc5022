"""Every formula of course.unsupervised.pca, against a closed form, scikit-learn, or the published tables."""

import shutil
import subprocess

import numpy as np
import pytest
from sklearn.decomposition import PCA

from course import data
from course.paths import data_folder
from course.unsupervised import pca

ARRESTS = data.load("usarrests")
RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(40, 5)) @ RNG.normal(size=(5, 5)) + 3


def test_table_10_1_to_seven_digits():
    _, E = pca.principal_components(pca.standardise(ARRESTS.X))
    first = [0.5358995, 0.5831836, 0.2781909, 0.5434321]
    second = [0.4181809, 0.1879856, 0.8728062, 0.1673186]
    np.testing.assert_allclose(np.abs(E[:, :2]).T, [first, second], atol=5e-8)
    assert (np.sign(E[:, 0]) == 1).all()
    assert np.sign(E[:, 1]).tolist() == [-1, -1, 1, 1]  # UrbanPop and Rape against Murder and Assault, as printed


def test_shares_of_usarrests_are_those_that_r_prints():
    lam, _ = pca.principal_components(pca.standardise(ARRESTS.X))
    np.testing.assert_allclose(pca.explained_variance(lam), [0.62006, 0.24744, 0.08914, 0.04336], atol=5e-6)


@pytest.mark.skipif(
    shutil.which("Rscript") is None, reason="R is not installed; the table's sums are tested all the same"
)
def test_usarrests_is_the_table_of_r():
    table = data_folder() / "usarrests.csv"
    read = f'u <- read.csv("{table}", row.names = 1)'
    compare = "cat(all(u == USArrests), identical(dimnames(u), dimnames(USArrests)))"
    answer = subprocess.run(["Rscript", "-e", read, "-e", compare], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["TRUE", "TRUE"]


def test_usarrests_has_the_sums_that_r_prints():
    # colSums(USArrests), and two rows that are easy to look up
    assert ARRESTS.X.shape == (50, 4)
    np.testing.assert_allclose(ARRESTS.X.sum(axis=0), [389.4, 8538, 3277, 1061.6])
    assert ARRESTS.frame.loc["California"].tolist() == [9.0, 276.0, 91.0, 40.6]
    assert ARRESTS.samples[0] == "Alabama"
    assert ARRESTS.samples[-1] == "Wyoming"


@pytest.mark.parametrize("X", [CLOUD, CLOUD[:3], ARRESTS.X], ids=["cloud", "n < p", "USArrests"])
def test_components_are_scikit_learns(X):
    library = PCA().fit(X)
    lam, E = pca.principal_components(X)
    k = len(library.explained_variance_)
    np.testing.assert_allclose(lam[:k], library.explained_variance_, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(lam[k:], 0)
    r = min(len(X) - 1, X.shape[1])  # beyond the rank of the centred data any basis will do
    np.testing.assert_allclose(E[:, :r], pca.fix_signs(library.components_[:r].T), atol=1e-7)
    np.testing.assert_allclose(np.abs(pca.scores(X, E)[:, :r]), np.abs(library.transform(X)[:, :r]), atol=1e-7)


def test_both_roads_lead_to_the_same_components():
    lam, E = pca.principal_components(CLOUD)
    other_lam, other_E = pca.spectrum(pca.covariance(CLOUD))
    np.testing.assert_allclose(lam, other_lam, rtol=1e-9)
    np.testing.assert_allclose(E, other_E, atol=1e-8)
    np.testing.assert_allclose(pca.covariance(CLOUD) @ E, E * lam, atol=1e-8)


def test_scores_are_uncorrelated_with_the_eigenvalues_as_variances():
    lam, E = pca.principal_components(CLOUD)
    np.testing.assert_allclose(pca.covariance(pca.scores(CLOUD, E)), np.diag(lam), atol=1e-8 * lam[0])


@pytest.mark.parametrize("k", range(6))
def test_error_of_the_approximation_is_eckart_and_youngs(k):
    lam, _ = pca.principal_components(CLOUD)
    error = ((CLOUD - pca.affine_approximation(CLOUD, k)) ** 2).sum()
    np.testing.assert_allclose(error, (len(CLOUD) - 1) * lam[k:].sum(), rtol=1e-9, atol=1e-18)


def test_no_random_plane_is_closer():
    centred = CLOUD - CLOUD.mean(axis=0)
    best = ((CLOUD - pca.affine_approximation(CLOUD, 2)) ** 2).sum()
    planes = (np.linalg.qr(RNG.normal(size=(5, 2)))[0] for _ in range(300))
    assert all(((centred - centred @ Q @ Q.T) ** 2).sum() > best for Q in planes)


def test_variance_along_a_direction():
    w = RNG.normal(size=5)
    along = pca.variance_along(CLOUD, w)
    np.testing.assert_allclose(along, np.var(CLOUD @ w / np.linalg.norm(w), ddof=1))
    lam, E = pca.principal_components(CLOUD)
    np.testing.assert_allclose(pca.variance_along(CLOUD, E[:, 0]), lam[0])


def test_the_best_direction_of_two_standardised_features_is_at_45_degrees():
    # w^T S w = 1 + r sin(2t): the chapter's widget says so too
    two = pca.standardise(ARRESTS.X[:, :2])
    r = np.corrcoef(two, rowvar=False)[0, 1]
    for t in np.linspace(0, np.pi, 7):
        np.testing.assert_allclose(pca.variance_along(two, [np.cos(t), np.sin(t)]), 1 + r * np.sin(2 * t))


def test_signs_are_fixed_even_where_two_entries_tie():
    E = np.array([[-1.0, 1.0], [-1.0, -1.0]]) / np.sqrt(2)
    fixed = pca.fix_signs(E)
    np.testing.assert_allclose(fixed, pca.fix_signs(-E))
    np.testing.assert_allclose(fixed, pca.fix_signs(E * (1 + 1e-12 * np.array([[1], [-1]]))))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: pca.covariance([[1.0, 2.0]]), "at least two"),
        (lambda: pca.covariance([1.0, 2.0]), "n_samples, n_features"),
        (lambda: pca.standardise([[1.0, 2.0], [np.nan, 3.0]]), "NaN"),
        (lambda: pca.standardise([[0.1, 2.0], [0.1, 3.0], [0.1, 4.0]]), "column 0 is constant"),
        (lambda: pca.affine_approximation(CLOUD, 6), "between 0 and 5"),
        (lambda: pca.affine_approximation(CLOUD, -1), "between 0 and 5"),
        (lambda: pca.explained_variance([0.0, 0.0]), "same point"),
        (lambda: pca.spectrum(CLOUD), "square and symmetric"),
        (lambda: pca.variance_along(CLOUD, np.zeros(5)), "zero vector"),
    ],
)
def test_bad_input_is_refused_in_words(call, says):
    with pytest.raises(ValueError, match=says):
        call()

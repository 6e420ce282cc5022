"""Every formula of course.unsupervised.linkage, against its definition and scipy.cluster.hierarchy."""

import numpy as np
import pytest
from scipy.cluster import hierarchy
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform

from course import data
from course.unsupervised import linkage, pca

ARRESTS = data.load("usarrests").X
RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(30, 4))
TRIANGLE = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.9]])

kinds = pytest.mark.parametrize("kind", linkage.LINKAGES)


def together(labels):
    return labels[:, None] == labels


def members_of(Z):
    """The members of every cluster of a tree, by its number."""
    n = len(Z) + 1
    members = {i: [i] for i in range(n)}
    for t, (a, b) in enumerate(Z[:, :2].astype(int)):
        members[n + t] = members[a] + members[b]
    return members


# ------------------------------------------------------------------------------------------------ dissimilarities


def test_euclidean_dissimilarities_are_those_of_scipy():
    D = linkage.dissimilarities(CLOUD)
    np.testing.assert_allclose(D, squareform(pdist(CLOUD)), rtol=1e-12)
    assert np.array_equal(D, D.T)
    assert not np.diagonal(D).any()


def test_correlation_is_taken_over_the_features_of_two_rows():
    D = linkage.dissimilarities(CLOUD, "correlation")
    np.testing.assert_allclose(D, 1 - np.corrcoef(CLOUD), atol=1e-12)
    np.testing.assert_allclose(squareform(D), pdist(CLOUD, "correlation"), atol=1e-12)
    assert np.array_equal(D, D.T)
    assert not np.diagonal(D).any()
    assert D.min() >= 0


def test_correlation_sees_neither_level_nor_scale():
    scaled = CLOUD * RNG.uniform(1, 9, size=(30, 1)) + RNG.normal(size=(30, 1))
    expected = linkage.dissimilarities(CLOUD, "correlation")
    np.testing.assert_allclose(linkage.dissimilarities(scaled, "correlation"), expected, atol=1e-12)
    opposite = linkage.dissimilarities(np.array([[1.0, 2, 3], [3.0, 2, 1], [10.0, 20, 30]]), "correlation")
    np.testing.assert_allclose(opposite, [[0, 2, 0], [2, 0, 2], [0, 2, 0]], atol=1e-12)


def test_euclidean_and_correlation_disagree():
    """A low and a high row of the same shape, and a low one of another: the idea of Figure 10.13."""
    t = np.arange(20)
    X = np.array([4 + np.sin(t), 12 + 2 * np.sin(t), 4 + np.cos(t)])
    assert linkage.tree(X, "single")[0, :2].tolist() == [0, 2]
    assert linkage.tree(X, "single", "correlation")[0, :2].tolist() == [0, 1]


# ------------------------------------------------------------------------------------------------ Table 10.2


def test_the_four_linkages_by_loops():
    A, B = CLOUD[:5], CLOUD[5:12]
    distances = [np.sqrt(((a - b) ** 2).sum()) for a in A for b in B]
    expected = {
        "complete": max(distances),
        "single": min(distances),
        "average": sum(distances) / 35,
        "centroid": np.sqrt(((A.sum(axis=0) / 5 - B.sum(axis=0) / 7) ** 2).sum()),
    }
    assert set(expected) == set(linkage.LINKAGES)
    for kind, value in expected.items():
        assert linkage.linkage_dissimilarity(A, B, kind) == pytest.approx(value, rel=1e-12)
        assert linkage.linkage_dissimilarity(B, A, kind) == pytest.approx(value, rel=1e-12)


# ------------------------------------------------------------------------------------------------ Algorithm 10.2


@kinds
def test_every_height_is_the_dissimilarity_of_table_10_2(kind):
    """The update formula never looks at the samples again; here it is held against them at every fusion."""
    Z = linkage.agglomerate(linkage.dissimilarities(CLOUD), kind)
    members = members_of(Z)
    for t, (a, b, height, size) in enumerate(Z):
        A, B = CLOUD[members[int(a)]], CLOUD[members[int(b)]]
        assert height == pytest.approx(linkage.linkage_dissimilarity(A, B, kind), rel=1e-9)
        assert size == len(A) + len(B) == len(members[30 + t])
    assert sorted(members[58]) == list(range(30))


@kinds
@pytest.mark.parametrize("grid", [False, True], ids=["cloud", "ties"])
def test_every_fusion_joins_the_least_dissimilar_pair(kind, grid):
    """By looking at all pairs of clusters each time; also on points of a small grid, where many distances tie."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.integers(4, size=(14, 2)).astype(float) if grid else rng.normal(size=(14, 3))
        clusters = {i: [i] for i in range(14)}
        for t, (a, b, height, _) in enumerate(linkage.agglomerate(linkage.dissimilarities(X), kind)):
            pairs = [(i, j) for i in clusters for j in clusters if i < j]
            values = {(i, j): linkage.linkage_dissimilarity(X[clusters[i]], X[clusters[j]], kind) for i, j in pairs}
            assert height == pytest.approx(min(values.values()), rel=1e-9, abs=1e-7)
            assert height == pytest.approx(values[int(a), int(b)], rel=1e-9, abs=1e-7)
            clusters[14 + t] = clusters.pop(int(a)) + clusters.pop(int(b))


@kinds
def test_fusions_and_heights_are_those_of_scipy(kind):
    """Forty random data sets, seeds 0 to 39, without ties: the trees are the same row for row, inversions included."""
    inverted = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(rng.integers(2, 70), rng.integers(1, 6)))
        ours, theirs = linkage.agglomerate(linkage.dissimilarities(X), kind), hierarchy.linkage(X, kind)
        assert np.array_equal(ours[:, [0, 1, 3]], theirs[:, [0, 1, 3]])
        np.testing.assert_allclose(ours[:, 2], theirs[:, 2], rtol=1e-9, atol=1e-12)
        assert linkage.tree(X, kind).tolist() == theirs.tolist()
        inverted += len(linkage.inversions(ours)) > 0
    assert inverted > 20 if kind == "centroid" else inverted == 0


@kinds
def test_a_larger_tree_is_that_of_scipy(kind):
    X = np.random.default_rng(1).normal(size=(1000, 5))
    np.testing.assert_allclose(linkage.agglomerate(linkage.dissimilarities(X), kind), hierarchy.linkage(X, kind))


@kinds
def test_the_compiled_road_gives_the_same_tree_at_any_size(kind):
    for n in (999, 1500):
        X = np.random.default_rng(n).normal(size=(n, 3))
        np.testing.assert_allclose(linkage.tree(X, kind), hierarchy.linkage(X, kind), rtol=1e-12)


@pytest.mark.parametrize("kind", ["complete", "single", "average"])
def test_any_dissimilarities_will_do(kind):
    D = linkage.dissimilarities(CLOUD, "correlation")
    expected = hierarchy.linkage(squareform(D), kind)
    np.testing.assert_allclose(linkage.agglomerate(D, kind), expected, rtol=1e-9)
    np.testing.assert_allclose(linkage.tree(CLOUD, kind, "correlation"), expected, rtol=1e-9)


@kinds
def test_duplicates_fuse_at_height_zero(kind):
    X = np.repeat(CLOUD[:6], 3, axis=0)
    Z = linkage.agglomerate(linkage.dissimilarities(X), kind)
    np.testing.assert_allclose(Z[:12, 2], 0, atol=1e-12)
    assert (Z[12:, 2] > 0.1).all()
    assert together(linkage.cut_into(Z, 6)).tolist() == together(np.repeat(np.arange(6), 3)).tolist()


def test_single_linkage_is_the_minimum_spanning_tree():
    D = linkage.dissimilarities(CLOUD)
    edges = minimum_spanning_tree(D).data
    np.testing.assert_allclose(linkage.agglomerate(D, "single")[:, 2], np.sort(edges), rtol=1e-12)


def test_single_and_complete_linkage_depend_on_the_order_of_distances_only():
    D = linkage.dissimilarities(CLOUD)
    for kind in ("single", "complete"):
        plain, squared = linkage.agglomerate(D, kind), linkage.agglomerate(D**2, kind)
        assert np.array_equal(plain[:, :2], squared[:, :2])
        np.testing.assert_allclose(plain[:, 2] ** 2, squared[:, 2])


def test_one_sample_has_no_fusion_and_two_have_one():
    assert linkage.agglomerate(np.zeros((1, 1))).shape == (0, 4)
    assert linkage.agglomerate(np.array([[0.0, 2.0], [2.0, 0.0]])).tolist() == [[0, 1, 2, 2]]


def test_the_dissimilarities_that_are_given_stay_as_they_are():
    D = linkage.dissimilarities(CLOUD)
    before = D.copy()
    for kind in linkage.LINKAGES:
        linkage.agglomerate(D, kind)
    assert np.array_equal(D, before)


# ------------------------------------------------------------------------------------------------ chains and inversions


def test_single_linkage_walks_over_a_bridge_and_complete_linkage_does_not():
    rng = np.random.default_rng(2)
    clouds = np.repeat([[-2, 0], [2, 0]], 40, axis=0) + 0.45 * rng.normal(size=(80, 2))
    X = np.vstack([clouds, np.column_stack([np.linspace(-1.6, 1.6, 14), np.zeros(14)])])
    single, complete = (linkage.cut_into(linkage.tree(X, kind), 2) for kind in ("single", "complete"))
    assert np.bincount(single).min() <= 2
    assert np.array_equal(together(complete[:80]), together(np.repeat([0, 1], 40)))


def test_an_inversion_by_hand():
    """0 and 1 fuse at 1; their mean is 0.9 from the third point, which is sqrt(0.25 + 0.81) from either of them."""
    Z = linkage.agglomerate(linkage.dissimilarities(TRIANGLE), "centroid")
    np.testing.assert_allclose(Z, [[0, 1, 1, 2], [2, 3, 0.9, 3]])
    assert linkage.inversions(Z).tolist() == [1]
    for kind in ("complete", "single", "average"):
        assert linkage.inversions(linkage.tree(TRIANGLE, kind)).size == 0


def test_inversions_agree_with_scipys_is_monotonic_where_the_rows_are_in_order():
    for seed in range(20):
        Z = linkage.tree(np.random.default_rng(seed).normal(size=(12, 3)), "centroid")
        assert (linkage.inversions(Z).size == 0) == hierarchy.is_monotonic(Z)


# ------------------------------------------------------------------------------------------------ cuts


@pytest.mark.parametrize("kind", ["complete", "single", "average"])
def test_a_cut_is_that_of_scipy(kind):
    Z = linkage.tree(CLOUD, kind)
    for K in range(1, 31):
        expected = hierarchy.fcluster(Z, K, "maxclust")
        assert np.array_equal(together(linkage.cut_into(Z, K)), together(expected)), K
    for height in (0.0, *Z[:, 2], Z[3, 2] + 1e-9, 99.0):
        expected = hierarchy.fcluster(Z, height, "distance")
        assert np.array_equal(together(linkage.cut_at(Z, height)), together(expected)), height


def test_clusters_are_numbered_as_they_come():
    Z = linkage.tree(CLOUD, "average")
    for K in range(1, 31):
        labels = linkage.cut_into(Z, K)
        _, first = np.unique(labels, return_index=True)
        assert len(first) == K
        assert (np.diff(first) > 0).all()


def test_a_tree_with_inversions_is_cut_by_the_order_of_its_fusions():
    Z = np.array([[0, 1, 2.0, 2], [2, 3, 2.5, 2], [4, 5, 3.0, 2], [6, 7, 1.8, 4], [8, 9, 2.9, 6]])
    assert linkage.cut_into(Z, 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert linkage.cut_into(Z, 2).tolist() == [0, 0, 0, 0, 1, 1]
    with pytest.raises(ValueError, match="fusion 3 is lower than one it builds on"):
        linkage.cut_at(Z, 1.9)


def test_usarrests_in_three_clusters_as_r_cuts_them():
    """The sizes that R prints for cutree(hclust(dist(USArrests)), 3), and the same with scale(USArrests)."""
    raw = linkage.cut_into(linkage.agglomerate(linkage.dissimilarities(ARRESTS)), 3)
    scaled = linkage.cut_into(linkage.agglomerate(linkage.dissimilarities(pca.standardise(ARRESTS))), 3)
    assert np.bincount(raw).tolist() == [16, 14, 20]
    assert np.bincount(scaled).tolist() == [8, 11, 31]


# ------------------------------------------------------------------------------------------------ what is refused

D = linkage.dissimilarities(CLOUD[:4])
Z = linkage.tree(CLOUD, "complete")


def changed(i, j, value):
    wrong = D.copy()
    wrong[i, j] = value
    return wrong


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linkage.agglomerate(D, "Complete"), "did you mean 'complete'"),
        (lambda: linkage.agglomerate(D, "avarage"), "did you mean 'average'"),
        (lambda: linkage.agglomerate(D, "ward"), "there are complete, single, average, centroid"),
        (lambda: linkage.agglomerate(D[:3]), r"shape \(3, 4\)"),
        (lambda: linkage.agglomerate(squareform(D)), "makes them"),
        (lambda: linkage.agglomerate(changed(0, 2, 9.0)), "must be symmetric"),
        (lambda: linkage.agglomerate(changed(1, 2, -0.5)), r"D\[1, 2\] = -0.5 is negative"),
        (lambda: linkage.agglomerate(changed(1, 1, 0.5)), r"D\[1, 1\] = 0.5; a sample has dissimilarity 0"),
        (lambda: linkage.agglomerate(changed(1, 2, np.nan)), "NaN or infinity"),
        (lambda: linkage.agglomerate(changed(1, 2, np.inf)), "NaN or infinity"),
        (lambda: linkage.dissimilarities(CLOUD, "manhattan"), "there are euclidean, correlation"),
        (lambda: linkage.dissimilarities(CLOUD, "euclidian"), "did you mean 'euclidean'"),
        (lambda: linkage.dissimilarities(np.where(CLOUD[3, 1] == CLOUD, np.nan, CLOUD)), "drop or impute"),
        (lambda: linkage.dissimilarities(np.vstack([CLOUD, np.full(4, 0.1)]), "correlation"), "row 30 is constant"),
        (lambda: linkage.dissimilarities(CLOUD[0]), r"shape \(4,\)"),
        (lambda: linkage.linkage_dissimilarity(CLOUD, CLOUD[:, :2], "single"), "both need the same ones"),
        (lambda: linkage.linkage_dissimilarity(CLOUD[:0], CLOUD, "single"), "takes 1 at least"),
        (lambda: linkage.linkage_dissimilarity(CLOUD, CLOUD, "mean"), "no linkage is called 'mean'"),
        (lambda: linkage.tree(CLOUD[:1]), "takes 2 at least"),
        (lambda: linkage.tree(CLOUD, "centroid", "correlation"), "'euclidean' only"),
        (lambda: linkage.tree(CLOUD, "sinlge"), "did you mean 'single'"),
        (lambda: linkage.cut_into(Z, 0), "from 1 to 30"),
        (lambda: linkage.cut_into(Z, 31), "from 1 to 30"),
        (lambda: linkage.cut_into(Z, 2.5), "integer number of clusters"),
        (lambda: linkage.cut_into(CLOUD[:, :3], 2), r"shape \(30, 3\)"),
        (lambda: linkage.cut_at(Z, np.nan), "finite height"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.cluster import KMeans

exercise = pytest.mark.exercise

# No contract promises float64. The tolerances are ones that an honest computation in float32 keeps.
SMALL = 1e-4


def groups(rng, sizes=(12, 9, 6), p=2, apart=3.0):
    """Samples in groups that overlap, in random order, and the group of each."""
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return apart * rng.normal(size=(len(sizes), p))[y] + rng.normal(size=(len(y), p)) + rng.uniform(1, 4, size=p), y


def lloyd(X, labels, K):
    """Algorithm 10.1 by a plain loop: labels, centroids, rounds, and by how much the nearest centroid was ahead of the
    second nearest, in squared distance, where that was closest. None where a cluster runs empty.
    """
    lead = np.inf
    for rounds in range(1, 200):
        M = np.stack([X[labels == k].mean(axis=0) for k in range(K)])
        squared = np.stack([((X - m) ** 2).sum(axis=1) for m in M])
        before, labels = labels, squared.argmin(axis=0)
        if len(np.unique(labels)) < K:
            return None
        if K > 1:
            lead = min(lead, np.diff(np.sort(squared, axis=0)[:2], axis=0).min())
        if (labels == before).all():
            return labels, M, rounds, lead
    return None


def drawn(draw, K, least_rounds=1):
    """Samples and labels from draw() until the run has so many rounds and no choice in it is closer than single
    precision can tell; with them, its result.
    """
    while True:
        X, labels = draw()
        result = lloyd(X, labels, K)
        if result is not None and result[2] >= least_rounds and result[3] > 1e-4 * np.abs(X).max() ** 2:
            return X, labels, result[0], result[1]


def assert_closest(X, M, labels):
    """No row of M is closer to a sample than the one with its number, beyond what single precision can tell."""
    distances = np.array([[np.sqrt(sum((x - m) ** 2)) for m in M] for x in X])
    assert np.shape(labels) == (len(X),)
    assert (distances[np.arange(len(X)), np.asarray(labels).astype(int)] <= distances.min(axis=1) + 1e-3).all()


def together(labels):
    """(n, n): whether two samples are in one cluster. Blind to the numbers of the clusters."""
    labels = np.asarray(labels)
    return labels[:, None] == labels


@exercise("within_cluster_variation")
def test_variation_is_the_sum_over_all_ordered_pairs(submission, rng):
    """W adds up, for each cluster, the squared distances of all ordered pairs, divided by the size of the cluster."""
    X, labels = groups(rng, sizes=(5, 3, 4), p=3)
    W = 0.0
    for i in range(len(X)):
        for j in range(len(X)):
            if labels[i] == labels[j]:
                W += sum((X[i] - X[j]) ** 2) / (labels == labels[i]).sum()
    np.testing.assert_allclose(submission.within_cluster_variation(X, labels), W, rtol=SMALL)


@exercise("within_cluster_variation")
def test_variation_of_one_cluster_is_a_variance(submission, rng):
    """With all samples in one cluster, W is 2 n times the variances of the features, taken with divisor n, added up."""
    X, _ = groups(rng, p=4)
    labels = np.zeros(len(X), dtype=int)
    expected = 2 * len(X) * X.var(axis=0).sum()
    np.testing.assert_allclose(submission.within_cluster_variation(X, labels), expected, rtol=SMALL)


@exercise("within_cluster_variation")
def test_variation_does_not_depend_on_names_order_or_place(submission, rng):
    """Other numbers for the clusters, another order of the samples, or a shift of all of them leave W as it is."""
    X, labels = groups(rng)
    W = submission.within_cluster_variation(X, labels)
    order = rng.permutation(len(X))
    names = np.array([7, 2, 4])
    np.testing.assert_allclose(submission.within_cluster_variation(X[order] - 4, names[labels[order]]), W, rtol=SMALL)


@exercise("within_cluster_variation")
def test_single_members_add_nothing(submission, rng):
    """A cluster with one member adds nothing, so W is 0 when every sample has a cluster of its own."""
    X, _ = groups(rng)
    np.testing.assert_allclose(submission.within_cluster_variation(X, rng.permutation(len(X))), 0, atol=1e-2)


@exercise("centroids")
def test_a_centroid_is_the_mean_of_its_members(submission, rng):
    """Row k is the mean of the samples with the label k, feature by feature."""
    X, labels = groups(rng, sizes=(8, 1, 5, 3), p=3)
    M = submission.centroids(X, labels, 4)
    assert M.shape == (4, 3)
    for k in range(4):
        np.testing.assert_allclose(M[k], [np.mean(X[labels == k, j]) for j in range(3)], rtol=SMALL, atol=SMALL)


@exercise("centroids")
def test_centroids_balance_the_whole(submission, rng):
    """Weighted by the sizes of the clusters, the centroids add up to the sum of all samples."""
    X, labels = groups(rng)
    total = np.bincount(labels) @ submission.centroids(X, labels, 3)
    np.testing.assert_allclose(total, X.sum(axis=0), rtol=SMALL, atol=1e-2)


@exercise("centroids")
def test_no_other_points_are_as_good(submission, rng):
    """Any other points have a larger sum of squared distances to the members: the mean has the smallest."""
    X, labels = groups(rng, sizes=(15, 15))
    M = submission.centroids(X, labels, 2)
    best = ((X - M[labels]) ** 2).sum()
    for _ in range(20):
        assert ((X - (M + 0.05 * rng.normal(size=M.shape))[labels]) ** 2).sum() > best


@exercise("assign")
def test_every_sample_goes_to_the_closest(submission, rng):
    """No centroid is closer to a sample than the one whose number it gets."""
    X, M = 2 * rng.normal(size=(40, 3)), 2 * rng.normal(size=(6, 3))
    assert_closest(X, M, submission.assign(X, M))


@exercise("assign")
def test_far_centroids_attract_nobody(submission, rng):
    """A centroid far away from all samples gets none, wherever the origin is."""
    X = rng.normal(size=(25, 2))
    M = np.vstack([[[30.0, 20.0]], rng.normal(size=(3, 2))])
    for shift in (0, -30):
        labels = submission.assign(X + shift, M + shift)
        assert not (labels == 0).any()
        assert_closest(X, M, labels)


@exercise("assign")
def test_the_lowest_number_wins_a_tie(submission, rng):
    """Where several centroids are equally close, a sample goes to the one with the lowest number."""
    x = rng.integers(-5, 5, size=(10, 2)).astype(float)
    around = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    for sample in x:
        assert int(submission.assign(sample[None], sample + rng.permutation(around))[0]) == 0
        assert int(submission.assign(sample[None], sample + np.vstack([[[2.0, 2.0]], around]))[0]) == 1


@exercise("assign")
def test_one_centroid_gets_everybody(submission, rng):
    """With one centroid, all samples get the number 0."""
    assert (submission.assign(rng.normal(size=(12, 4)), rng.normal(size=(1, 4))) == 0).all()


@exercise("k_means")
def test_the_result_is_that_of_a_library(submission, rng):
    """From the same start, labels and centroids are those of scikit-learn's Lloyd algorithm."""
    for K in (2, 3):

        def draw(K=K):
            X, y = groups(rng, sizes=(15,) * K, p=3)
            return X, np.where(rng.uniform(size=len(y)) < 0.3, rng.integers(K, size=len(y)), y)

        X, labels, _, _ = drawn(draw, K)
        start = np.stack([X[labels == k].mean(axis=0) for k in range(K)])
        library = KMeans(K, init=start, n_init=1, algorithm="lloyd", tol=0).fit(X)
        got, M = submission.k_means(X, labels, K)
        np.testing.assert_array_equal(got, library.labels_)
        np.testing.assert_allclose(M, library.cluster_centers_, rtol=SMALL, atol=SMALL)


@exercise("k_means")
def test_it_goes_on_until_nothing_changes(submission, rng):
    """However many rounds it takes: at the end each centroid is the mean of its members, and none is closer to them."""
    X, start, labels, M = drawn(lambda: (rng.uniform(size=(150, 2)), rng.integers(4, size=150)), 4, least_rounds=12)
    got, centres = submission.k_means(X, start, 4)
    np.testing.assert_array_equal(got, labels)
    np.testing.assert_allclose(centres, M, atol=SMALL)


@exercise("k_means")
def test_the_given_labels_decide(submission, rng):
    """A local minimum that is given stays as it is, even where a better one exists."""
    corners = np.array([[0.0, 0.0], [0.0, 2.0], [9.0, 0.0], [9.0, 2.0]]) + rng.uniform(-0.2, 0.2, size=(4, 2))
    for poor in ([0, 1, 0, 1], [1, 0, 1, 0]):
        labels, M = submission.k_means(corners, np.array(poor), 2)
        assert np.asarray(labels).astype(int).tolist() == poor
        np.testing.assert_allclose(M[poor[0]], corners[[0, 2]].mean(axis=0), atol=SMALL)
    labels, _ = submission.k_means(corners, np.array([1, 1, 0, 0]), 2)
    assert np.asarray(labels).astype(int).tolist() == [1, 1, 0, 0]


@exercise("k_means")
def test_one_cluster_is_done_at_once(submission, rng):
    """With K = 1 all samples stay together, and the centroid is their mean."""
    X, _ = groups(rng)
    labels, M = submission.k_means(X, np.zeros(len(X), dtype=int), 1)
    assert (labels == 0).all()
    np.testing.assert_allclose(M, X.mean(axis=0, keepdims=True), rtol=SMALL, atol=SMALL)


def by_loops(A, B):
    """All Euclidean distances of a member of A from a member of B, one at a time."""
    return [np.sqrt(sum((a - b) ** 2)) for a in A for b in B]


@exercise("linkage_dissimilarity")
def test_complete_linkage_is_the_largest_distance(submission, rng):
    """Complete linkage: the largest distance between a member of A and one of B."""
    A, B = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1
    np.testing.assert_allclose(submission.linkage_dissimilarity(A, B, "complete"), max(by_loops(A, B)), rtol=SMALL)


@exercise("linkage_dissimilarity")
def test_single_linkage_is_the_smallest_distance(submission, rng):
    """Single linkage: the smallest distance between a member of A and one of B, 0 where they share a point."""
    A, B = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1
    np.testing.assert_allclose(submission.linkage_dissimilarity(A, B, "single"), min(by_loops(A, B)), rtol=1e-3)
    B[3] = A[2]
    np.testing.assert_allclose(submission.linkage_dissimilarity(A, B, "single"), 0, atol=1e-2)


@exercise("linkage_dissimilarity")
def test_average_linkage_is_the_mean_distance(submission, rng):
    """Average linkage: the mean of all a b distances."""
    A, B = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1
    np.testing.assert_allclose(submission.linkage_dissimilarity(A, B, "average"), sum(by_loops(A, B)) / 35, rtol=SMALL)


@exercise("linkage_dissimilarity")
def test_centroid_linkage_is_the_distance_of_the_means(submission, rng):
    """Centroid linkage: the distance between the two means, 0 where they coincide, however far the members are."""
    A, B = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1
    expected = by_loops([A.sum(axis=0) / 5], [B.sum(axis=0) / 7])[0]
    np.testing.assert_allclose(submission.linkage_dissimilarity(A, B, "centroid"), expected, rtol=1e-3)
    ring = np.vstack([A, -A])
    np.testing.assert_allclose(submission.linkage_dissimilarity(ring, 3 * ring, "centroid"), 0, atol=1e-2)


@exercise("linkage_dissimilarity")
def test_two_samples_have_one_distance(submission, rng):
    """Between two clusters of one sample each, all four linkages are the Euclidean distance, either way round."""
    a, b = rng.normal(size=(1, 4)), rng.normal(size=(1, 4))
    for kind in ("complete", "single", "average", "centroid"):
        np.testing.assert_allclose(submission.linkage_dissimilarity(a, b, kind), np.linalg.norm(a - b), rtol=1e-3)
        np.testing.assert_allclose(submission.linkage_dissimilarity(b, a, kind), np.linalg.norm(a - b), rtol=1e-3)


@exercise("cut_into")
def test_the_cut_is_that_of_a_library(submission, rng):
    """For every K, two samples are in one cluster just when SciPy's cut of the same tree has them in one."""
    X, _ = groups(rng)
    for kind in ("complete", "single", "average"):
        Z = hierarchy.linkage(X, kind)
        for K in (2, 3, 5, 11):
            labels = submission.cut_into(Z, K)
            assert len(np.unique(labels)) == K
            np.testing.assert_array_equal(together(labels), together(hierarchy.fcluster(Z, K, "maxclust")))


@exercise("cut_into")
def test_the_two_ends_of_a_tree(submission, rng):
    """K = 1 puts all samples together; K = n gives each a cluster of its own."""
    X, _ = groups(rng, sizes=(6, 5))
    Z = hierarchy.linkage(X, "average")
    assert together(submission.cut_into(Z, 1)).all()
    np.testing.assert_array_equal(together(submission.cut_into(Z, 11)), np.eye(11, dtype=bool))


@exercise("cut_into")
def test_more_clusters_come_from_splitting_one(submission, rng):
    """From K to K + 1 clusters, one cluster is split in two and the others stay: cuts of a tree are nested."""
    X, _ = groups(rng)
    Z = hierarchy.linkage(X, "complete")
    for K in (1, 2, 4, 7):
        coarse, fine = submission.cut_into(Z, K), submission.cut_into(Z, K + 1)
        assert not (together(fine) & ~together(coarse)).any()
        assert len({(a, b) for a, b in zip(coarse.tolist(), fine.tolist(), strict=True)}) == K + 1


@exercise("cut_into")
def test_the_order_of_the_fusions_counts_not_their_heights(submission, rng):
    """A later fusion may be lower than an earlier one: the first n - K rows are taken, whatever their heights."""
    Z = np.array([[0, 1, 2.0, 2], [2, 3, 2.5, 2], [4, 5, 3.0, 2], [6, 7, 1.8, 4], [8, 9, 2.9, 6]])
    Z[:, 2] *= rng.uniform(1, 9)
    expected = {5: [0, 0, 1, 2, 3, 4], 4: [0, 0, 1, 1, 2, 3], 3: [0, 0, 1, 1, 2, 2], 2: [0, 0, 0, 0, 1, 1]}
    for K, labels in expected.items():
        np.testing.assert_array_equal(together(submission.cut_into(Z, K)), together(labels))

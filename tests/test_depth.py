"""Halfspace depth and Tukey's median: against counting in exact arithmetic, closed forms, and R's ddalpha."""

import shutil
import subprocess
import time
import warnings
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from course.robust import TukeyMedian, halfspace_depth
from course.robust.contamination import huber_sample
from course.robust.depth import depth_along, depth_region, smallest_halfplane

GRID = np.array([[i, j] for i in range(5) for j in range(5)], dtype=float)


def exact_count(z, X):
    """The depth as a count, in rational arithmetic: edges through z and a data point, and beside them."""
    D = [[Fraction(a) - Fraction(b) for a, b in zip(x, z, strict=True)] for x in X]
    moved = [d for d in D if any(d)]
    best = len(moved)
    for a in moved:
        side = [a[0] * b[1] - a[1] * b[0] for b in moved]
        on_edge = [a[0] * b[0] + a[1] * b[1] for b, s in zip(moved, side, strict=True) if s == 0]
        fewest = min(sum(t > 0 for t in on_edge), sum(t < 0 for t in on_edge))
        best = min(best, sum(s > 0 for s in side) + fewest, sum(s < 0 for s in side) + fewest)
    return len(D) - len(moved) + best


def samples(seed, n, p=2):
    """A sample with many ties and copies, of small whole numbers, and one without."""
    rng = np.random.default_rng(seed)
    return rng.integers(-3, 4, size=(n, p)).astype(float), rng.normal(size=(n, p))


# ------------------------------------------------------------------------------------------------------------- depth


@pytest.mark.parametrize("seed", range(25))
def test_depth_in_the_plane_is_exact_with_ties_and_copies(seed):
    n = 1 + 2 * seed
    for X in samples(seed, n):
        points = np.vstack([X[:6], X[:6].mean(axis=0), np.round(X[:6].mean(axis=0)), [[0, 0], [9, 9]]])
        found = halfspace_depth(points, X) * n
        np.testing.assert_array_equal(np.rint(found), [exact_count(z, X) for z in points])
        np.testing.assert_allclose(found, np.rint(found), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_depth_does_not_depend_on_units(scale):
    for X in samples(3, 20):
        np.testing.assert_array_equal(halfspace_depth(scale * X, scale * X), halfspace_depth(X, X))


def test_depth_on_a_line_is_the_smaller_side():
    x = np.array([1.0, 2, 2, 5, 9])
    np.testing.assert_allclose(
        halfspace_depth([[0], [1], [2], [3], [5], [9], [10]], x[:, None]) * 5, [0, 1, 3, 2, 2, 1, 0]
    )


def test_data_on_one_line_of_the_plane_have_the_depth_of_the_line():
    x = np.arange(7.0)
    X = np.column_stack([x, 3 * x + 1])
    np.testing.assert_allclose(halfspace_depth(X, X) * 7, [1, 2, 3, 4, 3, 2, 1])
    assert halfspace_depth([[3, 10.5]], X)[0] == 0


def test_the_centre_of_a_square():
    corners = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    np.testing.assert_allclose(halfspace_depth([[0, 0], [0.1, 0.3], [1, 1], [2, 0]], corners), [0.5, 0.25, 0.25, 0])


@pytest.mark.parametrize("p", [3, 4, 5])
def test_depth_in_space_is_the_best_of_all_directions(p):
    """300,000 directions see every cell of the arrangement of a dozen random hyperplanes; with ties they see most."""
    rng = np.random.default_rng(p)
    U = rng.normal(size=(300_000, p))
    for seed in range(4):
        tied, free = samples(seed, 12, p)
        for X in (tied, free):
            z = X[0] if seed % 2 else np.zeros(p)
            searched = ((X - z) @ U.T >= -1e-12).mean(axis=0).min()
            found = halfspace_depth([z], X, method="exact")[0]
            assert found <= searched + 1e-12
            if X is free:
                assert found == pytest.approx(searched)


@pytest.mark.parametrize("p", [3, 4])
def test_a_flat_sample_in_space_has_the_depth_of_its_plane(p):
    for X in samples(8, 11):
        X = np.round(64 * X) / 64  # so that the plane is flat in floating point too
        lift = np.column_stack([X, X.sum(axis=1), 2 * X[:, 0] - X[:, 1]])[:, :p]
        np.testing.assert_allclose(halfspace_depth(lift, lift, method="exact"), halfspace_depth(X, X))


@pytest.mark.parametrize("p", [3, 4])
def test_depth_does_not_change_under_affine_maps(p):
    rng = np.random.default_rng(p)
    X, A = rng.normal(size=(25, p)), rng.normal(size=(p, p))
    points = np.vstack([X[:3], 0.3 * X[3:6]])
    before = halfspace_depth(points, X, method="exact")
    np.testing.assert_allclose(halfspace_depth(points @ A + 5, X @ A + 5, method="exact"), before)


def test_depth_under_a_gaussian_is_phi_of_minus_the_radius():
    """The largest difference of a class of halfplanes is about 1/sqrt(n) = .005; seed 0."""
    X = np.random.default_rng(0).normal(size=(40_000, 2))
    points = np.array([[0, 0], [0.5, 0], [1, 1], [0, -2], [-2, 2]])
    expected = norm.cdf(-np.linalg.norm(points, axis=1))
    np.testing.assert_allclose(halfspace_depth(points, X), expected, atol=0.01)


@pytest.mark.parametrize("p", [2, 3])
def test_the_search_is_never_below_the_exact_depth_and_mostly_on_it(p):
    X = np.random.default_rng(1).normal(size=(80, p))
    points = np.vstack([X[:15], 0.2 * X[15:30]])
    exact = halfspace_depth(points, X, method="exact")
    found = halfspace_depth(points, X, method="random", random_state=0)
    assert (found >= exact - 1e-12).all()
    assert np.mean(found - exact) < 0.01  # less than one point of the 80, on average


def test_the_search_is_an_upper_bound_with_ties_too():
    for seed in range(5):
        X = samples(seed, 30, 3)[0]
        exact = halfspace_depth(X[:10], X, method="exact")
        assert (halfspace_depth(X[:10], X, method="random", random_state=0) >= exact - 1e-12).all()


def test_auto_searches_where_the_exact_depth_is_out_of_reach():
    X = np.random.default_rng(0).normal(size=(60, 40))
    assert halfspace_depth(np.full((1, 40), 9.0), X, random_state=0)[0] == 0
    with pytest.raises(ValueError, match="takes about 10\\^69 steps; use fewer rows, or method"):
        halfspace_depth(X[:1], X, method="exact")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
@pytest.mark.parametrize(("p", "n"), [(2, 200), (3, 40), (4, 18)])
def test_depth_is_that_of_ddalpha(p, n, tmp_path):
    X = np.random.default_rng(p).normal(size=(n, p)).round(6)
    points = np.vstack([X[:8], (0.4 * X[8:18]).round(6)])
    np.savetxt(tmp_path / "X.csv", X, delimiter=",", fmt="%.6f")
    np.savetxt(tmp_path / "points.csv", points, delimiter=",", fmt="%.6f")
    code = (
        "if (!requireNamespace('ddalpha', quietly = TRUE)) { cat('missing'); quit() };"
        f"r <- function(f) as.matrix(read.csv(paste0('{tmp_path}/', f), header = FALSE));"
        "cat(suppressMessages(ddalpha::depth.halfspace(r('points.csv'), r('X.csv'), exact = TRUE)))"
    )
    answer = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=True).stdout
    if "missing" in answer:
        pytest.skip("R has no package ddalpha; depth is counted in exact arithmetic above")
    np.testing.assert_allclose(halfspace_depth(points, X, method="exact"), np.array(answer.split(), float), atol=1e-6)


def test_ten_thousand_points_in_n_log_n():
    """Ten times the points take about 12 times as long; 40 leaves room for a busy machine, and n^2 would be 100."""
    rng = np.random.default_rng(0)
    taken = []
    for n in (1000, 10_000):
        X = rng.normal(size=(n, 2))
        runs = []
        for _ in range(5):
            start = time.process_time()
            halfspace_depth(X[:20], X)
            runs.append(time.process_time() - start)
        taken.append(min(runs))
    assert taken[1] < 40 * taken[0]


def test_depth_along_directions_is_an_upper_bound():
    X = np.random.default_rng(0).normal(size=(50, 3))
    U = np.random.default_rng(1).normal(size=(200, 3))
    few, many = depth_along(X[0], X, U[:5]), depth_along(X[0], X, U)
    assert halfspace_depth(X[:1], X, method="exact")[0] <= many <= few
    with pytest.raises(ValueError, match="shapes"):
        depth_along(X[0], X, U[:, :2])


def test_the_smallest_halfplane_is_a_witness():
    for X in samples(5, 30):
        for z in (X[0], X.mean(axis=0), [0.5, 0.25]):
            u = smallest_halfplane(z, X)
            assert np.linalg.norm(u) == pytest.approx(1)
            assert np.mean((X - z) @ u >= -1e-9) == pytest.approx(halfspace_depth([z], X)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": [[np.nan, 0]]}, "NaN"),
        ({"points": [[np.inf, 0]]}, "infinity"),
        ({"points": [[0.0]]}, "points have 1 columns and X has 2"),
        ({"points": [0.0, 0.0]}, "Expected 2D array"),
        ({"method": "quick"}, 'choose "auto", "exact" or "random"'),
        ({"n_starts": 0}, "needs a start"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        halfspace_depth(**{"points": [[0.0, 0.0]], "X": GRID, **arguments})


# ----------------------------------------------------------------------------------------------------------- regions


def test_a_region_is_where_the_depth_says():
    rng = np.random.default_rng(0)
    for X in samples(2, 60):
        for level in (0.05, 0.2, 0.35):
            corners = depth_region(X, level)
            centre = corners.mean(axis=0)
            assert (halfspace_depth(centre + (corners - centre) * (1 - 1e-6), X) >= level - 1e-9).all()
            outside = centre + (corners - centre) * (1 + 1e-6)
            assert (halfspace_depth(outside, X) < level).all()
            sides = (corners + np.roll(corners, 1, axis=0)) / 2
            assert (halfspace_depth(centre + (sides - centre) * (1 + 1e-6), X) < level).all()
            probes = rng.normal(size=(200, 2)) * 1.5
            inside = [
                all(
                    np.linalg.det([b - a, z - a]) >= 0
                    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
                )
                for z in probes
            ]
            np.testing.assert_array_equal(inside, halfspace_depth(probes, X) >= level - 1e-9)


def test_the_region_of_the_smallest_depth_is_the_convex_hull():
    from scipy.spatial import ConvexHull

    X = np.random.default_rng(4).normal(size=(50, 2))
    corners = depth_region(X, 1 / 50)
    assert len(corners) == len(ConvexHull(X).vertices)
    assert np.abs(corners[:, None] - X[ConvexHull(X).vertices]).max(axis=2).min(axis=1).max() < 1e-9


def test_no_region_is_empty_and_bad_levels_are_refused():
    assert depth_region(GRID, 0.9).shape == (0, 2)
    with pytest.raises(ValueError, match="regions are drawn in the plane"):
        depth_region(GRID, 0)
    with pytest.raises(ValueError, match="regions are drawn in the plane"):
        depth_region(np.ones((4, 3)), 0.2)


# ---------------------------------------------------------------------------------------------------- Tukey's median


def deepest_count(X):
    """The largest depth of any point: it is reached where two lines through data points cross, or at a data point."""
    X = [tuple(Fraction(float(a)) for a in x) for x in X]
    candidates = set(X)
    lines = [(a, b) for a, b in combinations(sorted(set(X)), 2)]
    for (a, b), (c, d) in combinations(lines, 2):
        u, v = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1])
        cross = u[0] * v[1] - u[1] * v[0]
        if cross:
            t = ((c[0] - a[0]) * v[1] - (c[1] - a[1]) * v[0]) / cross
            candidates.add((a[0] + t * u[0], a[1] + t * u[1]))
    return max(exact_count(z, X) for z in candidates)


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.filterwarnings("ignore:Only one sample")
def test_tukeys_median_in_the_plane_is_the_deepest_of_all_points(n):
    for X in samples(n, n):
        assert TukeyMedian().fit(X).depth_ * n == pytest.approx(deepest_count(X))


def test_tukeys_median_of_a_sample_in_general_position_has_the_depth_that_it_says():
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(300, 2))
        fit = TukeyMedian().fit(X)
        assert halfspace_depth([fit.location_], X)[0] == pytest.approx(fit.depth_)
        corners = depth_region(X, fit.depth_)
        assert len(corners) > 2
        assert len(depth_region(X, fit.depth_ + 1 / 300)) == 0


def test_the_crossing_of_the_diagonals():
    fit = TukeyMedian().fit([[0.0, 0], [3, 0.1], [3.3, 3], [-0.2, 2]])
    assert fit.depth_ == 0.5
    t = np.linalg.solve(np.column_stack([[3.3, 3], [3.2, -1.9]]), [3, 0.1])[0]
    np.testing.assert_allclose(fit.location_, t * np.array([3.3, 3]), atol=1e-9)


def test_tukeys_median_moves_with_affine_maps():
    rng = np.random.default_rng(0)
    X, A = rng.normal(size=(101, 2)), np.array([[2.0, 1.0], [-0.5, 3.0]])
    np.testing.assert_allclose(
        TukeyMedian().fit(X @ A + [100, -7]).location_, TukeyMedian().fit(X).location_ @ A + [100, -7], atol=1e-7
    )


def test_tukeys_median_on_a_line_is_the_median():
    x = np.random.default_rng(0).normal(size=(8, 1))
    fit = TukeyMedian().fit(x)
    assert fit.location_ == pytest.approx(np.median(x))
    assert fit.depth_ == 0.5


@pytest.mark.parametrize("wild", [1e3, 1e9])
def test_wild_rows_do_not_cost_precision(wild):
    """Rows far away change the depths, but not where: nearer or farther in the same directions is all one."""
    X = np.random.default_rng(0).normal(size=(100, 2))
    near, far = X.copy(), X.copy()
    near[:10] *= 1e2 / np.linalg.norm(X[:10], axis=1, keepdims=True)
    far[:10] *= wild / np.linalg.norm(X[:10], axis=1, keepdims=True)
    np.testing.assert_allclose(TukeyMedian().fit(far).location_, TukeyMedian().fit(near).location_, atol=1e-3)


@pytest.mark.parametrize("p", [1, 2])
def test_breakdown_lies_at_a_third_in_the_plane_and_at_a_half_on_the_line(p):
    rng = np.random.default_rng(0)
    for share, holds in ((0.30, True), (0.36, p == 1), (0.49, p == 1), (0.51, False)):
        X = rng.normal(size=(200, p))
        X[: round(200 * share)] = 1e6
        assert (np.abs(TukeyMedian().fit(X).location_).max() < 10) == holds, share


def test_a_triangle_breaks_at_one_in_three():
    """The least breakdown point, 1 / (p + 1): corners of a simplex have no point deeper than that."""
    X = np.array([[0.0, 0], [1, 0], [0, 1]])
    assert TukeyMedian().fit(X).depth_ == pytest.approx(1 / 3)


def test_the_game_comes_near_the_exact_deepest_point():
    """p = 3, n = 60: the depth that the game reaches, against the best of 300 random points near the centre; exact."""
    X = np.random.default_rng(0).normal(size=(60, 3))
    fit = TukeyMedian(random_state=0).fit(X)
    reached = halfspace_depth([fit.location_], X, method="exact")[0]
    others = halfspace_depth(0.3 * np.random.default_rng(1).normal(size=(300, 3)), X, method="exact").max()
    assert reached >= others - 1 / 60
    assert reached <= fit.depth_ + 1e-12


@pytest.mark.parametrize("where", ["near", "far"])
def test_in_many_dimensions_the_error_has_no_square_root_of_p(where):
    """p = 50, n = 2500, eps .2: the bound for large n is .674, and sqrt(p / n) = .14 is noise. The coordinatewise
    median is off by .32 sqrt(50) = 2.25 far away, and by .7 near. Seed 1."""
    X, _ = huber_sample(2500, 0.2, p=50, contamination=where, rng=1)
    fit = TukeyMedian(max_iter=80, random_state=0).fit(X)
    assert np.linalg.norm(fit.location_) < 0.674 + 0.14
    median = np.median(X, axis=0)
    assert np.linalg.norm(fit.location_) < 0.8 * np.linalg.norm(median)
    assert fit.depth_ > halfspace_depth([median], X, method="random", random_state=0)[0]


def test_scikit_learn_accepts_tukeys_median():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(TukeyMedian(max_iter=20))


@pytest.mark.parametrize("p", [1, 2, 7, 200])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_types_and_dimensions(p, dtype):
    X = np.random.default_rng(0).normal(size=(150, p)).astype(dtype)
    X[:, -1] = 3  # a constant column
    fit = TukeyMedian(max_iter=20, tol=np.inf, random_state=0).fit(X)
    assert fit.location_.dtype == dtype
    assert fit.location_.shape == (p,)
    assert fit.n_features_in_ == p
    assert fit.location_[-1] == pytest.approx(3)
    assert 0 <= fit.depth_ <= 1


def test_a_game_that_was_stopped_early_says_so():
    X, _ = huber_sample(300, 0.3, p=20, contamination="far", rng=0)
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        TukeyMedian(max_iter=4, tol=1e-3, random_state=0).fit(X)


def test_the_same_seed_gives_the_same_median():
    X = np.random.default_rng(0).normal(size=(100, 5))
    first, second = (TukeyMedian(max_iter=20, tol=np.inf, random_state=3).fit(X).location_ for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_tukeys_median_refuses_what_is_not_a_number(bad):
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        TukeyMedian().fit([[0.0, 1], [bad, 2]])


def test_a_single_sample_is_its_own_median_and_is_warned_about():
    with pytest.warns(UserWarning, match="Only one sample"):
        assert TukeyMedian().fit([[2.0, 3.0]]).location_.tolist() == [2, 3]

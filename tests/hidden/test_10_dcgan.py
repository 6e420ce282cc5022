import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch.nn import functional as F

from course.lab import formula

exercise = pytest.mark.exercise

# No contract promises float64: what an honest computation in float32 keeps, on numbers of about 1 to 10.
CLOSE = 1e-4
SYMBOLS = {"t": (0, 1), "k": (1, 10)}


# fractionally_strided


@exercise("fractionally_strided")
def test_it_is_torchs_transposed_convolution(submission, rng):
    """For several strides, kernels and paddings it equals the transposed convolution of PyTorch."""
    for stride, k, padding in [(2, 4, 1), (2, 3, 0), (3, 5, 2), (1, 3, 1)]:
        y, w = rng.normal(size=(4, 4)), rng.normal(size=(k, k))
        expected = F.conv_transpose2d(torch.tensor(y)[None, None], torch.tensor(w)[None, None], None, stride, padding)
        got = submission.fractionally_strided(y, w, stride, padding)
        np.testing.assert_allclose(got, expected[0, 0].numpy(), atol=CLOSE)


@exercise("fractionally_strided")
def test_zeros_between_and_an_ordinary_convolution_do_the_same(submission, rng):
    """Without padding it equals a full convolution of the image with zeros put between its pixels."""
    y, w = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    wide = np.zeros((5, 5))
    wide[::2, ::2] = y
    np.testing.assert_allclose(submission.fractionally_strided(y, w, 2, 0), convolve2d(wide, w), atol=CLOSE)


@exercise("fractionally_strided")
def test_one_bright_pixel_shows_the_stamp(submission, rng):
    """An image with a single 1 gives the kernel itself, at that place times the stride."""
    w = rng.normal(size=(2, 2))
    y = np.zeros((4, 4))
    y[1, 3] = 1
    expected = np.zeros((11, 11))
    expected[3:5, 9:11] = w
    np.testing.assert_allclose(submission.fractionally_strided(y, w, 3, 0), expected, atol=CLOSE)


# layer_sides


@exercise("layer_sides")
def test_sides_are_those_of_real_layers(submission, rng):
    """The sides are those that convolutions and transposed convolutions of PyTorch give."""
    drawn = [tuple(int(v) for v in rng.integers((3, 1, 0), (6, 4, 2))) for _ in range(4)]
    for side in (int(rng.integers(20, 30)), 31):
        # Padding that counts: with stride 1 every pixel of it makes the result larger.
        layers, x, expected = [], torch.zeros(1, 1, side, side), [side]
        for i, (kernel, stride, padding) in enumerate([(3, 1, 2), (3, 1, 2), *drawn]):
            down = i % 2 == 0 and x.shape[-1] >= kernel
            convolve = F.conv2d if down else F.conv_transpose2d
            x = convolve(x, torch.zeros(1, 1, kernel, kernel), None, stride, padding)
            layers.append(("down" if down else "up", kernel, stride, padding))
            expected.append(x.shape[-1])
        assert list(map(int, submission.layer_sides(side, layers))) == expected


@exercise("layer_sides")
def test_whole_numbers_also_where_the_stride_does_not_fit(submission, rng):
    """Where the last step of the stride does not fit it is not made, and no side has a fraction."""
    side = 2 * int(rng.integers(5, 20)) + 1
    got = submission.layer_sides(side, [("down", 4, 2, 1), ("down", 4, 3, 0)])
    half = side // 2  # (side + 2 - 4) // 2 + 1 for an odd side
    assert [float(v) for v in got] == [side, half, (half - 4) // 3 + 1]


@exercise("layer_sides")
def test_no_layers_leave_the_side(submission, rng):
    """Without layers the list holds the first side alone."""
    side = int(rng.integers(1, 50))
    assert [float(v) for v in submission.layer_sides(side, [])] == [side]


# stamps_over


@exercise("stamps_over")
def test_it_counts_the_stamps_over_each_place(submission, rng):
    """The counts equal a transposed convolution of ones with ones."""
    for n, kernel, stride in [(5, 3, 2), (4, 5, 2), (3, 4, 4), (2, 2, 5), (6, 5, 1), tuple(rng.integers(2, 7, size=3))]:
        n, kernel, stride = int(n), int(kernel), int(stride)
        expected = F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, kernel), stride=stride)[0, 0]
        np.testing.assert_allclose(submission.stamps_over(n, kernel, stride), expected.numpy(), atol=CLOSE)


@exercise("stamps_over")
def test_a_kernel_that_the_stride_divides_gives_no_pattern(submission, rng):
    """Where the stride divides the kernel all places away from the ends are covered equally often."""
    stride = int(rng.integers(2, 5))
    got = np.asarray(submission.stamps_over(9, 2 * stride, stride))
    np.testing.assert_allclose(got[2 * stride : -2 * stride], 2, atol=CLOSE)
    assert got.sum() == pytest.approx(9 * 2 * stride, abs=0.01)


# batch_normalise


@exercise("batch_normalise")
def test_it_is_torchs_batch_normalisation(submission, rng):
    """It equals the batch normalisation of PyTorch in training, with weights and biases."""
    x = rng.normal(size=(5, 3, 4, 4)) * rng.uniform(0.5, 3, size=(1, 3, 1, 1)) + rng.normal(size=(1, 3, 1, 1))
    gamma, beta = rng.uniform(0.5, 2, size=3), rng.normal(size=3)
    expected = F.batch_norm(*map(torch.tensor, (x,)), None, None, torch.tensor(gamma), torch.tensor(beta), True)
    np.testing.assert_allclose(submission.batch_normalise(x, gamma, beta), expected.numpy(), atol=1e-3)


@exercise("batch_normalise")
def test_every_channel_gets_its_mean_and_spread(submission, rng):
    """Afterwards the channel's mean is beta and its standard deviation gamma, over images and places together."""
    x = 4 * rng.normal(size=(6, 2, 5, 5)) - 3
    gamma, beta = rng.uniform(0.5, 2, size=2), rng.normal(size=2)
    out = np.asarray(submission.batch_normalise(x, gamma, beta))
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), beta, atol=1e-3)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), gamma, rtol=1e-3)


@exercise("batch_normalise")
def test_shift_and_scale_of_a_channel_are_forgotten(submission, rng):
    """Adding a number to a channel and multiplying it by a positive one changes nothing."""
    x, gamma, beta = rng.normal(size=(4, 2, 3, 3)), np.array([1.0, 2.0]), np.array([0.5, -1.0])
    moved = x * rng.uniform(2, 3, size=(1, 2, 1, 1)) + rng.normal(size=(1, 2, 1, 1))
    np.testing.assert_allclose(
        submission.batch_normalise(moved, gamma, beta), submission.batch_normalise(x, gamma, beta), atol=1e-3
    )


@exercise("batch_normalise")
def test_a_channel_that_hardly_varies_is_not_blown_up(submission, rng):
    """0.00001 is added to the variance before the root: a channel with a spread of 0.001 stays small."""
    x = 0.001 * rng.normal(size=(8, 1, 4, 4))
    expected = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    got = submission.batch_normalise(x, np.array([1.0]), np.array([0.0]))
    np.testing.assert_allclose(got, expected, atol=1e-3)


# mixed_variances


@exercise("mixed_variances")
def test_the_formulas_are_right(submission, rng):
    """Both formulas are equal to the true ones for every t and k."""
    chord, means = submission.mixed_variances()
    assert formula.equivalent(chord, "1 - 2*t + 2*t**2", SYMBOLS)
    assert formula.equivalent(means, "1/k + 1/k + 1/k", SYMBOLS)


@exercise("mixed_variances")
def test_draws_have_these_variances(submission, rng):
    """The variances of many draws agree with the formulas."""
    chord, means = submission.mixed_variances()
    t, k = float(rng.uniform(0.1, 0.9)), int(rng.integers(1, 6))
    z0, z1 = rng.normal(size=(2, 200_000))
    a, b, c = rng.normal(size=(3, k, 200_000)).mean(axis=1)
    # The variance of 200,000 normal draws has a standard error of 0.32 %: 2 % is six of them.
    assert formula.value(chord, {"t": t, "k": k}) == pytest.approx(np.var((1 - t) * z0 + t * z1), rel=0.02)
    assert formula.value(means, {"t": t, "k": k}) == pytest.approx(np.var(a - b + c), rel=0.02)


# latent_arithmetic


@exercise("latent_arithmetic")
def test_what_a_has_and_b_has_not_is_given_to_c(submission, rng):
    """When a is b moved by a vector, the result is the mean of c moved by that vector."""
    b, c, move = (torch.tensor(rng.normal(size=shape)) for shape in ((4, 6), (4, 6), (6,)))
    got = submission.latent_arithmetic(b + move, b, c)
    np.testing.assert_allclose(np.asarray(got), (c.mean(dim=0) + move).numpy(), atol=CLOSE)


@exercise("latent_arithmetic")
def test_the_order_of_exemplars_does_not_matter(submission, rng):
    """Exemplars in another order give the same vector, and it is the mean of a minus that of b plus that of c."""
    a, b, c = (rng.normal(size=(5, 3)) for _ in range(3))
    got = submission.latent_arithmetic(*(torch.tensor(z[::-1].copy()) for z in (a, b, c)))
    np.testing.assert_allclose(np.asarray(got), a.mean(0) - b.mean(0) + c.mean(0), atol=CLOSE)

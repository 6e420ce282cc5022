import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from torch.nn.functional import logsigmoid

exercise = pytest.mark.exercise

# No contract promises float64: what an honest computation in float32 keeps, on numbers of about 1.
CLOSE = 1e-4


def tensor(array):
    return torch.as_tensor(np.asarray(array), dtype=torch.float64)


def close(got, expected, rtol=CLOSE, atol=CLOSE):
    np.testing.assert_allclose(np.asarray(got, dtype=float), np.asarray(expected, dtype=float), rtol=rtol, atol=atol)


# labelled_noise


def noise_and_labels(rng, n=7, d=3, k=5):
    labels = np.concatenate([np.arange(k), rng.integers(k, size=n - k)])
    return tensor(rng.normal(size=(n, d))), torch.as_tensor(rng.permutation(labels)), k


@exercise("labelled_noise")
def test_the_noise_comes_first_and_unchanged(submission, rng):
    """The first columns are the noise, and there are k more."""
    z, y, k = noise_and_labels(rng)
    got = submission.labelled_noise(z, y, k)
    assert tuple(got.shape) == (7, 3 + k)
    close(got[:, :3], z)


@exercise("labelled_noise")
def test_a_one_at_the_place_of_the_label(submission, rng):
    """Of the last k columns, the one with the label's number holds a 1, and all others hold 0."""
    z, y, k = noise_and_labels(rng)
    last = np.asarray(submission.labelled_noise(z, y, k))[:, 3:]
    for row, label in zip(last, y.tolist(), strict=True):
        close(row, [float(place == label) for place in range(k)])


@exercise("labelled_noise")
def test_labels_that_do_not_come_up_have_columns_too(submission, rng):
    """With all labels equal there are k columns still."""
    z = tensor(rng.normal(size=(4, 2)))
    got = submission.labelled_noise(z, torch.zeros(4, dtype=torch.int64), 6)
    close(got, np.hstack([z.numpy(), np.eye(6)[np.zeros(4, dtype=int)]]))


# text_loss


def three(rng, n=6):
    return tensor(rng.normal(size=(3, n)) * 2)


@exercise("text_loss")
def test_each_kind_of_pair_has_its_own_label_and_weight(submission, rng):
    """It is the cross-entropy of the answers yes, no, no with the weights 1, 1/2, 1/2."""
    right, wrong, fake = three(rng)
    expected = -logsigmoid(right).mean() - (logsigmoid(-wrong).mean() + logsigmoid(-fake).mean()) / 2
    close(submission.text_loss(right, wrong, fake), expected)


@exercise("text_loss")
def test_a_coin_pays_log_4(submission, rng):
    """Logits of 0 give 2 log 2, for any number of images."""
    zeros = torch.zeros(int(rng.integers(1, 9)), dtype=torch.float64)
    close(submission.text_loss(zeros, zeros, zeros), np.log(4))


@exercise("text_loss")
def test_wrong_pairs_and_fakes_may_be_exchanged(submission, rng):
    """Exchanging the wrong pairs and the generated ones leaves it as it is; exchanging right and wrong does not."""
    right, wrong, fake = three(rng)
    close(submission.text_loss(right, wrong, fake), submission.text_loss(right, fake, wrong))
    far = right.abs() + 9  # to call these wrong costs 4.5 nats at least
    assert abs(float(submission.text_loss(far, wrong, fake)) - float(submission.text_loss(wrong, far, fake))) > 0.5


@exercise("text_loss")
def test_sure_and_wrong_pays_the_logit(submission, rng):
    """Where the discriminator is very sure and wrong, it pays the size of the logit; sure and right, nothing."""
    a = tensor(rng.uniform(300, 900, size=3))
    close(submission.text_loss(-a, -a, -a), a.mean())
    close(submission.text_loss(a, a, -a), a.mean() / 2)
    close(submission.text_loss(a, -a, -a), 0)


# obeyed_words


@exercise("obeyed_words")
def test_word_by_word(submission, rng):
    """For each word it is the mean of what is seen, over the faces whose caption says the word."""
    asked = (rng.random((40, 5)) < 0.5).astype(float)
    seen = (rng.random((40, 5)) < 0.6).astype(float)
    close(submission.obeyed_words(asked, seen), [seen[asked[:, j] == 1, j].mean() for j in range(5)])


@exercise("obeyed_words")
def test_faces_that_were_not_asked_do_not_count(submission, rng):
    """Adding faces whose caption says nothing changes nothing, whatever is seen in them."""
    asked = np.vstack([np.ones((1, 3)), (rng.random((20, 3)) < 0.4).astype(float)])
    seen = (rng.random((21, 3)) < 0.5).astype(float)
    more = submission.obeyed_words(np.vstack([asked, np.zeros((9, 3))]), np.vstack([seen, np.ones((9, 3))]))
    close(more, submission.obeyed_words(asked, seen))


@exercise("obeyed_words")
def test_a_word_that_nobody_said_is_unknown(submission, rng):
    """NaN for a word that no caption says, and for no other; 1 where every wish is fulfilled."""
    asked = np.vstack([np.ones((1, 4)), (rng.random((9, 4)) < 0.5).astype(float)])
    asked[:, 2] = 0
    close(submission.obeyed_words(asked, np.ones((10, 4))), [1, 1, np.nan, 1])


# find_code


def linear(rng, p, d):
    return tensor(rng.normal(size=(p, d))), tensor(rng.normal(size=p)), tensor(rng.normal(size=p))


@exercise("find_code")
def test_one_step_is_the_rate_times_the_gradient(submission, rng):
    """The first step leads from 0 to rate W^T (x - b)."""
    W, b, x = linear(rng, 5, 3)
    close(submission.find_code(W, b, x, 0.05, 1), 0.05 * W.T @ (x - b))


@exercise("find_code")
def test_a_second_step_follows_autograd(submission, rng):
    """After three steps it is where autograd's gradient of |W z + b - x|^2 / 2 leads."""
    W, b, x = linear(rng, 4, 4)
    z = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        (gradient,) = torch.autograd.grad(((W @ z + b - x) ** 2).sum() / 2, z)
        z = (z - 0.03 * gradient).detach().requires_grad_()
    close(submission.find_code(W, b, x, 0.03, 3), z.detach())


@exercise("find_code")
def test_it_ends_at_the_least_squares_solution(submission, rng):
    """After many steps it is the shortest z of the least error, for more pixels than numbers and for fewer."""
    for p, d in ((6, 2), (2, 5)):
        stretch = tensor(rng.uniform(0.8, 1.5, size=min(p, d)))
        U, V = ortho_group.rvs(p, random_state=rng), ortho_group.rvs(d, random_state=rng)
        W = tensor(U[:, : min(p, d)]) * stretch @ tensor(V[: min(p, d)])
        b, x = tensor(rng.normal(size=p)), tensor(rng.normal(size=p))
        close(submission.find_code(W, b, x, 0.3, 150), torch.linalg.pinv(W) @ (x - b), atol=1e-3)


@exercise("find_code")
def test_an_image_of_the_generator_at_rest(submission, rng):
    """The image b is made by z = 0, and the search stays there."""
    W, b, _ = linear(rng, 5, 2)
    close(submission.find_code(W, b, b.clone(), 0.1, 4), np.zeros(2))


# patch_side


def some_layers(rng, n):
    return [(int(rng.integers(1, 6)), int(rng.integers(1, 4))) for _ in range(n)]


@exercise("patch_side")
def test_it_is_where_the_gradient_of_one_output_reaches(submission, rng):
    """It is the distance from the first to the last pixel that one output of the layers depends on, both counted."""
    for n in (2, 3, 4):
        layers = [(4, 2), *some_layers(rng, n), (3, 1)]  # so that a stride and the order always matter
        line = torch.zeros(1, 1, 2000, requires_grad=True)
        out = line
        for kernel, stride in layers:
            out = torch.nn.functional.conv1d(out, torch.ones(1, 1, kernel), stride=stride)
        out[0, 0, 0].backward()
        assert submission.patch_side(layers) == int(torch.nonzero(line.grad).max()) + 1


@exercise("patch_side")
def test_with_stride_one_each_layer_adds_its_kernel_less_one(submission, rng):
    """Where every stride is 1, the side is 1 plus the sum of all kernels less one."""
    kernels = rng.integers(1, 8, size=6)
    assert submission.patch_side([(int(kernel), 1) for kernel in kernels]) == 1 + int((kernels - 1).sum())


@exercise("patch_side")
def test_the_last_stride_changes_nothing(submission, rng):
    """One output sees the same patch however far away the next one is."""
    layers = some_layers(rng, 3)
    kernel = layers[-1][0]
    assert submission.patch_side([*layers[:-1], (kernel, 1)]) == submission.patch_side([*layers[:-1], (kernel, 3)])


@exercise("patch_side")
def test_a_pixel_alone_sees_itself(submission, rng):
    """A layer of kernel 1 and stride 1 at the front changes nothing; alone it sees one pixel."""
    layers = some_layers(rng, 3)
    assert submission.patch_side([(1, 1)]) == 1
    assert submission.patch_side([(1, 1), *layers]) == submission.patch_side(layers)


# cycle_error


@exercise("cycle_error")
def test_maps_that_undo_each_other_have_no_error(submission, rng):
    """Every rotation with its inverse has the error 0, whatever the points are."""
    A = ortho_group.rvs(3, random_state=rng)
    got = submission.cycle_error(rng.normal(size=(7, 3)), rng.normal(size=(4, 3)), A, A.T)
    assert got == pytest.approx(0, abs=CLOSE)


@exercise("cycle_error")
def test_scaling_by_a_and_back_by_b(submission, rng):
    """For G(x) = a x and F(y) = b y it is |ab - 1| times the mean sizes of x and of y, added."""
    a, b = rng.uniform(-2, 2, size=2)
    X, Y = rng.normal(size=(6, 2)), rng.normal(size=(3, 2)) + 2
    expected = abs(a * b - 1) * (np.abs(X).mean() + np.abs(Y).mean())
    assert submission.cycle_error(X, Y, a * np.eye(2), b * np.eye(2)) == pytest.approx(expected, rel=1e-3, abs=CLOSE)


@exercise("cycle_error")
def test_a_plane_onto_a_line_and_back(submission, rng):
    """Dropping a coordinate and filling in 0: the x lose that coordinate, the y come home."""
    X, Y = rng.normal(size=(6, 2)), rng.normal(size=(5, 1))
    A, B = np.array([[1.0, 0.0]]), np.array([[1.0], [0.0]])
    assert submission.cycle_error(X, Y, A, B) == pytest.approx(np.abs(X[:, 1]).sum() / 12, abs=CLOSE)


@exercise("cycle_error")
def test_point_by_point(submission, rng):
    """For any two maps it is the mean over the round trips of the single points."""
    X, Y = rng.normal(size=(4, 2)), rng.normal(size=(6, 3))
    A, B = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    there = np.mean([np.abs(B.dot(A.dot(x)) - x).mean() for x in X])
    back = np.mean([np.abs(A.dot(B.dot(y)) - y).mean() for y in Y])
    assert submission.cycle_error(X, Y, A, B) == pytest.approx(there + back, rel=1e-3)

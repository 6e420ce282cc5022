"""Every set of images behind one call; the downloaded ones from small files in the real formats, with no network."""

import gzip
import hashlib
import pickle
import socket
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from course.cli import main
from course.data import DataError, Images, available_images, load_images
from course.data.faces import render, sample_factors
from course.data.images import download
from course.plots import Picture
from course.plots.images import gallery
from course.torchvision_shim import import_torchvision


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    """Whoever looks for another machine fails the test; what is downloaded would go to a folder of its own."""

    def cut(*_, **__):
        raise ConnectionError("the test cut the network")

    monkeypatch.setattr(socket.socket, "connect", cut)
    monkeypatch.setattr(socket, "getaddrinfo", cut)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))


def holds(images, n, channels, size, labelled=True):
    assert isinstance(images, Images)
    assert images.x.shape == (n, channels, size, size)
    assert images.x.dtype == torch.float32
    assert images.x.min() >= 0
    assert images.x.max() <= 1
    if labelled:
        assert images.y.shape == (n,)
        assert images.y.dtype == torch.int64
        assert images.y.min() >= 0
        assert images.y.max() < len(images.label_names)
    else:
        assert images.y is None
    assert repr(images).startswith(
        f"{images.name}: {n} {'colour' if channels == 3 else 'grey'} images of {size} x {size}"
    )


# What comes with the course


def test_the_digits_are_split_by_label():
    train, test = load_images("digits"), load_images("digits", "test")
    holds(train, 1437, 1, 8)
    holds(test, 360, 1, 8)
    for images in (train, test):
        share = torch.bincount(images.y) / len(images.y)
        assert (share - 0.1).abs().max() < 0.006
    from course.data import load

    rows = {tuple(row) for row in (load("digits").X / 16).tolist()}
    both = [tuple(row) for images in (train, test) for row in images.x.flatten(1).tolist()]
    assert set(both) == rows
    assert sorted(train.y.tolist() + test.y.tolist()) == sorted(load("digits").y.tolist())
    assert torch.equal(load_images("digits").x, train.x)


def test_the_faces_have_factors_one_background_and_another_seed_for_the_test():
    train, test = load_images("faces", n=200), load_images("faces", "test", n=100)
    holds(train, 200, 3, 32, labelled=False)
    holds(test, 100, 3, 32, labelled=False)
    assert len(train.factors["back"].unique()) == len(train.factors["shirt"].unique()) == 1
    assert torch.equal(train.x, render(train.factors))
    assert not torch.equal(train.factors["smile"][:100], test.factors["smile"])
    assert torch.equal(train.factors["yaw"], sample_factors(200, seed=0)["yaw"])


def test_there_are_4000_faces_to_train_and_1000_to_test():
    assert len(load_images("faces", size=16).x) == 4000
    assert len(load_images("faces", "test", size=16).x) == 1000


@pytest.mark.parametrize("name", ["digits", "faces"])
def test_n_takes_the_first_images(name):
    ten, thirty = load_images(name, n=10), load_images(name, n=30)
    torch.testing.assert_close(ten.x, thirty.x[:10], rtol=0, atol=1e-6)
    if name == "digits":
        assert torch.equal(ten.y, thirty.y[:10])


@pytest.mark.parametrize("size", [4, 16, 32])
def test_resizing_keeps_the_mean_and_the_range(size):
    small, digits = load_images("digits", size=size, n=50), load_images("digits", n=50)
    holds(small, 50, 1, size)
    torch.testing.assert_close(small.x.mean(), digits.x.mean(), rtol=0.05, atol=0)
    assert torch.equal(small.y, digits.y)


def test_making_smaller_averages_and_does_not_skip_pixels():
    """A chessboard of single pixels becomes an even grey."""
    from course.data.images import _resized

    board = (torch.arange(32)[:, None] + torch.arange(32)).remainder(2).float()[None, None]
    torch.testing.assert_close(_resized(board, 8)[..., 1:-1, 1:-1], torch.full((1, 1, 6, 6), 0.5), atol=0.02, rtol=0)


def test_faces_of_another_size_are_drawn_at_that_size():
    assert torch.equal(load_images("faces", n=3, size=48).x, render(load_images("faces", n=3).factors, 48))


def test_importing_the_data_costs_no_torch():
    code = "import sys, course.data; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# Downloads, as files of the real formats that are small


def idx(path, array, packed):
    """MNIST's format: two zero bytes, the type (8: unsigned byte), how many dimensions, the dimensions, the data."""
    array = np.asarray(array, dtype=np.uint8)
    data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.with_name(path.name + ".gz") if packed else path).write_bytes(gzip.compress(data) if packed else data)


@pytest.fixture(params=["unpacked", "packed"])
def mnist(request, tmp_path):
    rng = np.random.default_rng(0)
    raw, packed = tmp_path / "downloads" / "MNIST" / "raw", request.param == "packed"
    made = {}
    for split, stem, n in (("train", "train", 30), ("test", "t10k", 20)):
        x, y = rng.integers(0, 256, (n, 28, 28)), np.arange(n) % 10
        idx(raw / f"{stem}-images-idx3-ubyte", x, packed)
        idx(raw / f"{stem}-labels-idx1-ubyte", y, packed)
        made[split] = x, y
    return raw, made, ".gz" if packed else ""


@pytest.mark.parametrize(("split", "n"), [("train", 30), ("test", 20)])
def test_mnist_is_read_as_it_was_written(mnist, split, n):
    images = load_images("mnist", split)
    holds(images, n, 1, 28)
    x, y = mnist[1][split]
    np.testing.assert_allclose(images.x[:, 0].numpy() * 255, x, atol=1e-4)
    np.testing.assert_array_equal(images.y, y)
    holds(load_images("mnist", split, size=32, n=7), 7, 1, 32)


@pytest.mark.parametrize("harm", ["cut short", "emptied", "other bytes", "missing", "labels lack", "not 28 wide"])
def test_harmed_mnist_is_refused_and_the_mend_is_named(mnist, harm):
    raw, _, ending = mnist
    images, labels = raw / f"train-images-idx3-ubyte{ending}", "train-labels-idx1-ubyte"
    if harm == "missing":
        images.unlink()
    elif harm == "labels lack":
        idx(raw / labels, np.arange(7), packed=bool(ending))
    elif harm == "not 28 wide":
        idx(raw / "train-images-idx3-ubyte", np.zeros((30, 20, 20)), packed=bool(ending))
    else:
        data = images.read_bytes()
        images.write_bytes({"cut short": data[: len(data) // 2], "emptied": b"", "other bytes": b"hello" * 99}[harm])
    for _ in range(2):  # a failed reading leaves nothing behind that hides the fault
        with pytest.raises(DataError, match=r"mnist .*damaged or incomplete") as refusal:
            load_images("mnist")
    assert "Delete that folder" in str(refusal.value)
    assert "course download mnist" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    loader = import_torchvision().datasets.CIFAR10
    folder = tmp_path / "downloads" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    made, sums = {}, {}

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()

    for name, _ in loader.train_list + loader.test_list:
        made[name] = rng.integers(0, 256, (4, 3072), dtype=np.uint8), [int(k) for k in rng.integers(0, 10, 4)]
        write(name, {"data": made[name][0], "labels": made[name][1]})
    write("batches.meta", {"label_names": names})
    for table in ("train_list", "test_list"):  # torchvision knows the sums of the real files
        monkeypatch.setattr(loader, table, [[name, sums[name]] for name, _ in getattr(loader, table)])
    monkeypatch.setattr(loader, "meta", {**loader.meta, "md5": sums["batches.meta"]})
    return folder, made, names


def test_cifar10_is_read_as_it_was_written(cifar10):
    _, made, names = cifar10
    train, test = load_images("cifar10"), load_images("cifar10", "test")
    holds(train, 20, 3, 32)
    holds(test, 4, 3, 32)
    pixels, labels = made["test_batch"]  # a row: 1024 reds, 1024 greens, 1024 blues
    np.testing.assert_allclose(test.x.numpy() * 255, pixels.reshape(4, 3, 32, 32), atol=1e-4)
    assert test.y.tolist() == labels
    assert test.label_names == tuple(names)
    assert train.x.is_contiguous()
    holds(load_images("cifar10", size=16, n=3), 3, 3, 16)


@pytest.mark.parametrize("harm", ["cut short", "one byte changed", "missing", "names missing"])
def test_harmed_cifar10_is_refused_and_the_mend_is_named(cifar10, harm):
    folder = cifar10[0]
    batch = folder / ("batches.meta" if harm == "names missing" else "data_batch_3")
    data = batch.read_bytes()
    if "missing" in harm:
        batch.unlink()
    else:
        batch.write_bytes(data[:100] if harm == "cut short" else data[:-50] + bytes([data[-50] ^ 1]) + data[-49:])
    with pytest.raises(DataError, match=r"cifar10 .*damaged or incomplete.*Delete that folder"):
        load_images("cifar10")


@pytest.fixture
def lfw(tmp_path):
    """Thirty persons, two photographs each, in scikit-learn's folders; person i has one shade of red."""
    home = tmp_path / "downloads" / "lfw_home"
    for i in range(30):
        person = home / "lfw_funneled" / f"Person_{i:02d}"
        person.mkdir(parents=True)
        for k in (1, 2):
            Image.new("RGB", (250, 250), (8 * i, 100, 50 * k)).save(person / f"{person.name}_{k:04d}.jpg", quality=95)
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt"):
        (home / name).write_text("0\n")
    return home


def test_lfw_is_read_in_colour_and_no_person_is_in_both_splits(lfw):
    train, test = load_images("lfw"), load_images("lfw", "test")
    holds(train, 54, 3, 32)
    holds(test, 6, 3, 32)
    assert not set(train.y.tolist()) & set(test.y.tolist())
    for images in (train, test):
        assert images.label_names[7] == "Person 07"
        torch.testing.assert_close(images.x[:, 0].mean((1, 2)) * 255, 8.0 * images.y, rtol=0, atol=3)
        torch.testing.assert_close(images.x[:, 1].mean() * 255, torch.tensor(100.0), rtol=0, atol=3)
    holds(load_images("lfw", n=5, size=50), 5, 3, 50)


@pytest.mark.parametrize("harm", ["cut short", "not an image", "no pairs", "no folder"])
def test_harmed_lfw_is_refused_and_the_mend_is_named(lfw, harm):
    photo = lfw / "lfw_funneled" / "Person_03" / "Person_03_0001.jpg"
    if harm == "no pairs":
        (lfw / "pairs.txt").unlink()
    elif harm == "no folder":
        (lfw / "lfw_funneled").rename(lfw / "elsewhere")
    else:
        photo.write_bytes(photo.read_bytes()[:700] if harm == "cut short" else b"hello")
    with pytest.raises(DataError, match=r"lfw .*damaged or incomplete.*Delete that folder"):
        load_images("lfw")


@pytest.mark.parametrize(("name", "weight"), [("mnist", "12 MB"), ("cifar10", "170 MB"), ("lfw", "230 MB")])
def test_what_is_missing_is_not_fetched_but_told(name, weight, tmp_path):
    with pytest.raises(DataError, match=f"{name} is not on this machine") as refusal:
        load_images(name)
    message = str(refusal.value)
    assert weight in message
    assert f"course download {name}" in message
    assert "download=True" in message
    assert str(tmp_path / "downloads") in message
    assert not (tmp_path / "downloads").exists()


@pytest.mark.parametrize("name", ["mnist", "cifar10", "lfw"])
@pytest.mark.filterwarnings("ignore:Retry downloading")
def test_a_download_without_a_network_says_so_and_leaves_nothing_that_misleads(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # scikit-learn waits before it tries again
    assert main(["download", name]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f"course: {name} could not be fetched")
    assert "network" in error
    with pytest.raises(DataError, match="not on this machine"):
        load_images(name)


def test_the_command_takes_what_is_there(mnist, capsys):
    assert main(["download", "mnist"]) == 0
    assert "mnist: 30 grey images" in capsys.readouterr().out


def test_what_comes_with_the_course_needs_no_download(capsys):
    assert main(["download", "faces"]) == 0
    assert "needs no download" in capsys.readouterr().out
    assert main(["download", "celeba"]) == 2


def test_another_root_is_taken(mnist, tmp_path):
    with pytest.raises(DataError, match="not on this machine"):
        load_images("mnist", root=tmp_path / "elsewhere")
    (tmp_path / "downloads").rename(tmp_path / "elsewhere")
    holds(load_images("mnist", root=tmp_path / "elsewhere"), 30, 1, 28)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: load_images("minst"), DataError, "did you mean 'mnist'"),
        (lambda: load_images("CIFAR-10"), DataError, "no images are called 'CIFAR-10'"),
        (lambda: load_images("mona lisa"), DataError, "there are digits, faces, mnist, cifar10, lfw"),
        (lambda: load_images("digits", "tets"), DataError, "did you mean 'test'"),
        (lambda: load_images("digits", n=0), ValueError, "at least one"),
        (lambda: load_images("digits", n=2000), ValueError, "has 1437 images"),
        (lambda: load_images("digits", size=0), ValueError, "at least one"),
        (lambda: load_images("digits", size=7.5), ValueError, "a whole number of pixels"),
        (lambda: load_images("faces", size=8), ValueError, "at least 16 pixels"),
        (lambda: download("cifar"), DataError, "did you mean 'cifar10'"),
    ],
)
def test_bad_requests_are_refused_with_words(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_the_names_are_listed():
    assert available_images() == ("digits", "faces", "mnist", "cifar10", "lfw")


# The grid of images

RNG = np.random.default_rng(0)


def sheet(picture):
    """What is drawn, (H, W, 3), one entry for each pixel of the figure."""
    return picture.figure.axes[0].images[0].get_array()


@pytest.mark.parametrize(
    "x",
    [torch.rand(7, 3, 16, 16), torch.rand(7, 1, 8, 8), RNG.random((7, 28, 28)), RNG.random((7, 16, 16, 3))],
    ids=["colour tensor", "grey tensor", "grey array", "channels last"],
)
def test_a_grid_takes_tensors_and_arrays(x):
    picture = gallery(x, titles=range(7), columns=4, what="noise", row_labels=["first", "second"])
    assert isinstance(picture, Picture)
    assert "7 noise" in picture.alt
    assert "2 rows of 4" in picture.alt
    assert "titled 0, 1, 2" in picture.alt
    assert "labelled first, second" in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_each_image_stands_in_its_place_with_its_own_colours():
    colours = torch.eye(3)[torch.tensor([0, 1, 2, 0])].view(4, 3, 1, 1).expand(4, 3, 8, 8)
    drawn = sheet(gallery(colours, columns=2))
    h, w = drawn.shape[0] // 2, drawn.shape[1] // 2
    for i, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        middle = drawn[row * h + h // 2, column * w + w // 2]
        np.testing.assert_allclose(middle, colours[i, :, 0, 0])


def test_small_pixels_become_equal_squares():
    x = torch.rand(1, 1, 8, 8)
    drawn = sheet(gallery(x))[..., 0]
    edges = np.flatnonzero(np.abs(np.diff(drawn[drawn.shape[0] // 2])) > 0)
    assert len(set(np.diff(edges))) == 1


def test_grey_is_ink_or_light():
    x = torch.full((1, 1, 8, 8), 0.75)
    assert sheet(gallery(x))[40, 40, 0] == pytest.approx(0.25)
    assert sheet(gallery(x, ink=False))[40, 40, 0] == pytest.approx(0.75)


def test_gradients_and_values_a_little_outside_do_no_harm():
    x = torch.nn.Parameter(torch.tensor([1.2, -0.1]).view(2, 1, 1, 1).expand(2, 1, 8, 8).clone())
    drawn = sheet(gallery(x))
    assert drawn.min() == 0
    assert drawn.max() == 1


@pytest.mark.parametrize("n", [1, 10, 100, 64])
@pytest.mark.parametrize("side", [8, 32, 128])
def test_a_grid_fits_in_a_notebook_and_on_a_screen(n, side):
    picture = gallery(np.zeros((n, side, side)), row_labels=["a long label"] * -(-n // 10), titles=["word"] * n)
    width, height = picture.figure.get_size_inches()
    assert width <= 11
    assert height <= 9


def test_long_titles_and_labels_are_not_cut():
    words = ["a smiling brown-haired woman with glasses and a hat, looking right"] * 4
    picture = gallery(torch.rand(4, 3, 32, 32), titles=words, columns=2, row_labels=["reconstruction", "MMMMMM"])
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    whole = picture.figure.bbox
    boxes = [text.get_window_extent(renderer) for text in picture.figure.axes[0].texts]
    for box in boxes:
        assert box.x0 >= whole.x0 - 1
        assert box.y1 <= whole.y1 + 1
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros((3, 5, 4, 4)), "images have shape"),
        (np.zeros(3), "images have shape"),
        (torch.zeros(0, 1, 4, 4), "images have shape"),
        (torch.full((1, 1, 4, 4), float("nan")), "NaN"),
        (torch.full((1, 1, 4, 4), 255, dtype=torch.uint8), "whole numbers up to 255"),
    ],
)
def test_what_is_no_image_is_refused(x, says):
    with pytest.raises(ValueError, match=says):
        gallery(x)


def test_words_for_other_than_the_images_are_refused():
    with pytest.raises(ValueError, match="3 titles"):
        gallery(np.zeros((2, 8, 8)), titles="abc")
    with pytest.raises(ValueError, match="2 row labels"):
        gallery(np.zeros((2, 8, 8)), row_labels="ab")
    with pytest.raises(ValueError, match="columns = 0"):
        gallery(np.zeros((2, 8, 8)), columns=0)

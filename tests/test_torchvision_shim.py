"""Each case in a Python of its own: what is registered with torch once stays registered."""

import subprocess
import sys

import pytest


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_torchvision_imports_and_its_plain_python_parts_work():
    done = run(
        "from course.torchvision_shim import import_torchvision\n"
        "tv = import_torchvision()\n"
        "import torch\n"
        "from torchvision import datasets, models, transforms, utils\n"
        "assert tv.__name__ == 'torchvision'\n"
        "assert utils.make_grid(torch.zeros(4, 3, 8, 8)).shape == (3, 12, 42)\n"
        "assert transforms.functional.to_tensor(__import__('numpy').zeros((8, 8, 3), 'uint8')).shape == (3, 8, 8)\n"
        "assert models.resnet18(weights=None).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)\n"
        "assert import_torchvision() is tv\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_shim_does_nothing_where_the_operators_are_already_there():
    """As beside a matched build: `nms` exists, a second definition would be an error, and the shim makes none."""
    done = run(
        "import torch\n"
        "matched = torch.library.Library('torchvision', 'FRAGMENT')\n"
        "for name in ('nms', 'qnms'):\n"
        "    matched.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "from course import torchvision_shim as shim\n"
        "assert shim.operators_load()\n"
        "shim.import_torchvision()\n"
        "assert shim._library is None\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_torchvision_is_said():
    done = run(
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "from course.torchvision_shim import operators_load\n"
        "try:\n"
        "    operators_load()\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
    )
    if "is not installed" not in done.stdout:
        pytest.fail(done.stdout + done.stderr)

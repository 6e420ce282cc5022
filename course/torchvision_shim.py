"""torchvision beside a torch that its compiled operators were not built for.

On Linux, pip's torchvision is built against the CUDA torch. Beside a CPU torch its operators cannot be loaded, and
`import torchvision` fails while it registers `nms`. Everything that the course uses (datasets, transforms, utils,
models) is plain Python. So: load the operators if they load; only if they do not, declare the two schemas that the
import asks for. Where the operators load, nothing is done, for a second definition of `nms` would be an error.
"""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path

_library = None  # the declarations live as long as this object does


def operators_load() -> bool:
    """Whether torchvision's compiled operators load beside the installed torch."""
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return _library is None
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed: `pip install torchvision`")
    compiled = sorted(Path(spec.origin).parent.glob("_C*.so")) + sorted(Path(spec.origin).parent.glob("_C*.pyd"))
    try:
        for path in compiled:
            torch.ops.load_library(str(path))
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")


def import_torchvision() -> types.ModuleType:
    """torchvision, imported; its detection operators work only where `operators_load()`."""
    global _library
    if not operators_load() and _library is None:
        import torch

        _library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            _library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return importlib.import_module("torchvision")

"""Checkpoints: networks trained for longer than a page can wait, each with its curve, its recipe and its checksum.

`data/checkpoints/NAME/` holds weights.pt and sources.toml; `course train NAME` makes both again from the recipe
`course/recipes/NAME.py`.
"""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from course.data.dataset import DataError
from course.data.load import verified
from course.files import write, write_bytes
from course.paths import data_folder

Network = TypeVar("Network", bound=torch.nn.Module)
Curve = Mapping[str, list[float]]


def checkpoint(name: str, network: Network, history: Curve, folder: Path | None = None) -> tuple[Network, Curve]:
    """The network with the weights of a longer training, and that training's curve.

    network   of the checkpoint's architecture; it is not changed, a copy is filled
    history   the curve of your own training

    When the checkpoint is missing, damaged or of another architecture, one line says so, and what was given comes
    back: the page goes on with what it trained itself.
    """
    folder = (folder or data_folder() / "checkpoints") / name
    mend = f"`course train {name}` makes it again"
    try:
        saved = torch.load(verified("weights.pt", folder, mend), map_location="cpu", weights_only=True)
        filled = copy.deepcopy(network)
        filled.load_state_dict(saved["weights"])
    except DataError as error:
        print(f"The checkpoint {name} is not used: {error}. The page goes on with the network trained here.")
        return network, history
    except Exception as error:  # torch says it with many types: RuntimeError, KeyError, UnpicklingError ...
        print(
            f"The checkpoint {name} is not used: it does not fit this network ({str(error).splitlines()[0]}). "
            f"{mend}. The page goes on with the network trained here."
        )
        return network, history
    return filled, saved["curve"]


def save_checkpoint(
    name: str, network: torch.nn.Module, curve: Curve, facts: Mapping[str, Any], folder: Path | None = None
) -> Path:
    """Write a network's weights and curve, and beside them where they come from (`facts`) with the checksum.

    The same weights give the same bytes. Returns the folder.
    """
    folder = (folder or data_folder() / "checkpoints") / name
    weights = {key: tensor.detach().cpu().clone() for key, tensor in network.state_dict().items()}
    buffer = io.BytesIO()
    torch.save({"weights": weights, "curve": {key: list(values) for key, values in curve.items()}}, buffer)
    facts = {**facts, "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}
    write_bytes(folder / "weights.pt", buffer.getvalue())
    write(folder / "sources.toml", '["weights.pt"]\n' + "".join(f"{k} = {_toml(v)}\n" for k, v in facts.items()))
    return folder


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)

"""A network that a student builds, judged by what it computes: weights and inputs go in, outputs come out."""

from __future__ import annotations

from typing import Any


def shapes(network: Any) -> dict[str, list[int]]:
    """The shape of each of its weights, by the names of its own state_dict, buffers included."""
    return {name: list(weight.shape) for name, weight in network.state_dict().items()}


def outputs(network: Any, weights: dict[str, Any], inputs: list) -> Any:
    """What it computes of the inputs with these weights, one for each name of `shapes`; in evaluation mode."""
    import torch

    network.load_state_dict(weights)
    network.eval()
    with torch.no_grad():
        return network(*inputs)

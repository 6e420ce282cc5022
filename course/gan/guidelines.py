"""The five guidelines for stable deep convolutional GANs, as a check that reads a network.

Source: the lecture's slide on DCGAN; Radford, Metz and Chintala (2016), section 3.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

GUIDELINES = {
    1: "no pooling: strided convolutions in D, fractionally strided ones in G",
    2: "batch normalisation in both, but not at G's output and D's input",
    3: "no fully connected hidden layers",
    4: "ReLU in G, and tanh at its end",
    5: "LeakyReLU in D",
}

DOWN = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
UP = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
RESIZING = ("Pool", "Upsampl", "Unpool", "PixelShuffle")  # in the names of torch's layers that have no weights
NO_PART = (nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout2d)


class Breach(NamedTuple):
    """A layer, by its name in the network; the number of the guideline that it breaks, 1 to 5; and how."""

    layer: str
    guideline: int
    why: str


def breaches(network: nn.Module, role: str) -> list[Breach]:
    """Which layer of the network breaks which guideline: an empty list when none does.

    network   its layers are read in the order in which they were made. What `forward` does without a layer, such as
              torch.relu(x), is not seen
    role      "generator" or "discriminator"

    The first layer of a generator, which only reshapes z, and the last of a discriminator, which gives the score, may
    be fully connected. Raises ValueError for another role, and for a network without weights.
    """
    if role not in ("generator", "discriminator"):
        raise ValueError(f"role is {role!r}: write 'generator' or 'discriminator'")
    layers = [
        (name or type(layer).__name__, layer)
        for name, layer in network.named_modules()
        if not list(layer.children()) and not isinstance(layer, NO_PART)
    ]
    weighted = [i for i, (_, layer) in enumerate(layers) if isinstance(layer, (*DOWN, *UP, nn.Linear))]
    if not weighted:
        raise ValueError("the network has no convolution and no linear layer: there is nothing to read")
    found = [
        Breach(name, 1, f"{type(layer).__name__} changes the size: let a convolution with a stride learn how")
        for name, layer in layers
        if any(part in type(layer).__name__ for part in RESIZING)
    ]
    for at, start in enumerate(weighted):
        end = weighted[at + 1] if at + 1 < len(weighted) else len(layers)
        found += _of_one(layers[start], layers[start + 1 : end], role, start == weighted[0], start == weighted[-1])
    order = [name for name, _ in layers]
    return sorted(found, key=lambda breach: (order.index(breach.layer), breach.guideline))


def _of_one(
    weighted: tuple[str, nn.Module], after: list[tuple[str, nn.Module]], role: str, first: bool, last: bool
) -> list[Breach]:
    """The breaches of a layer with weights and of what stands between it and the next one."""
    (name, layer), making = weighted, role == "generator"
    found = []
    if isinstance(layer, nn.Linear) and not (first if making else last):
        found.append(Breach(name, 3, "a fully connected hidden layer: a convolution keeps what is where"))
    if isinstance(layer, DOWN if making else UP) and any(step > 1 for step in layer.stride):  # type: ignore[union-attr]
        wanted = "fractionally strided" if making else "strided"
        found.append(Breach(name, 1, f"it changes the size the wrong way: a {role} has {wanted} convolutions"))

    normed = [part for part, module in after if isinstance(module, BATCH_NORM)]
    if (last and making) or (first and not making):
        where = "output: the images' mean and scale" if making else "input: the images' mean and scale"
        found += [Breach(part, 2, f"batch normalisation at the {where} would be taken away") for part in normed]
    elif not last and not normed:
        found.append(Breach(name, 2, "no batch normalisation follows"))

    bent = [(part, module) for part, module in after if _is_activation(module)]
    if last and not making:
        return found  # the score: a logit, or a sigmoid of it
    wanted_type, guideline = (nn.Tanh if last else nn.ReLU, 4) if making else (nn.LeakyReLU, 5)
    found += [
        Breach(part, guideline, f"{type(module).__name__} in place of {wanted_type.__name__}")
        for part, module in bent
        if type(module) is not wanted_type
    ]
    if not bent:
        found.append(Breach(name, guideline, f"no {wanted_type.__name__} follows"))
    return found


def _is_activation(layer: nn.Module) -> bool:
    return type(layer).__module__ == "torch.nn.modules.activation"

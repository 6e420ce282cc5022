"""Cartoon faces whose every factor is known: smile, turn of the head, colours, glasses, beard, hair, light.

    factors = sample_factors(1000, seed=0)      # {"smile": (1000,), "yaw": (1000,), ...}
    x = render(factors, size=32)                # (1000, 3, 32, 32), values in [0, 1]

A face is painted in layers, from the background to the hat. Features are drawn in coordinates (u, v) of a flat face
that is wrapped round an ellipsoid: a head that turns foreshortens, it does not just slide. A shape is a function that
tells each pixel its distance to the outline, negative inside; the share of a pixel that the shape covers is read off
that distance, so that edges are smooth at every size.

The picture spans about [-0.86, 0.86] in both directions, y upwards. Left and right are the beholder's.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional

Factors = dict[str, Tensor]

# What a factor may be, and what `sample_factors` draws uniformly from.
RANGES = {
    "smile": (-1.0, 1.0),  # a frown, a smile
    "yaw": (-0.7, 0.7),  # the head's turn in radians: to the left, to the right
    "pitch": (-0.12, 0.12),  # the face looks down, up
    "skin": (0.0, 1.0),  # from light to dark
    "hair": (0.0, 1.0),  # black, brown, red, blond, grey
    "light": (-0.5, 0.5),  # it comes from the left, from the right
    "back": (0.0, 5.0),  # number of the background's colour
    "shirt": (0.0, 5.0),  # number of the shirt's and the hat's colour
    "width": (-1.0, 1.0),  # of the head
    "eye": (-1.0, 1.0),  # size of the eyes
    "brow": (-1.0, 1.0),  # height of the brows
    "fringe": (-1.0, 1.0),  # where the fringe ends, and the side that it falls to
    "mouth": (0.5, 2.0),  # size of the mouth, as a multiple; 1 unless it is given
    "woman": (0.0, 1.0),  # from here on no or yes: 0 or 1; values in between are drawn as a blend
    "glasses": (0.0, 1.0),
    "beard": (0.0, 1.0),
    "long_hair": (0.0, 1.0),
    "striped": (0.0, 1.0),
    "hat": (0.0, 1.0),
}
CHANCE = {"woman": 0.5, "glasses": 0.5, "beard": 0.4, "striped": 0.0, "hat": 0.0}  # of a 1
COLOUR_NUMBERS = ("back", "shirt")

# Colours in red, green, blue. The first two are ramps from 0 to 1, the next two are numbered.
SKIN = torch.tensor(
    [[0.99, 0.86, 0.75], [0.95, 0.77, 0.61], [0.84, 0.61, 0.43], [0.62, 0.41, 0.27], [0.42, 0.27, 0.18]]
)
HAIR = torch.tensor(
    [[0.10, 0.08, 0.09], [0.30, 0.17, 0.10], [0.56, 0.30, 0.12], [0.90, 0.72, 0.36], [0.80, 0.80, 0.82]]
)
HAIR_NAMES = ("black", "brown", "red", "blond", "grey")
BACK = torch.tensor(
    [
        [0.55, 0.78, 0.92],
        [0.98, 0.80, 0.45],
        [0.66, 0.86, 0.64],
        [0.95, 0.66, 0.66],
        [0.78, 0.70, 0.92],
        [0.88, 0.88, 0.84],
    ]
)
SHIRT = torch.tensor(
    [
        [0.86, 0.24, 0.24],
        [0.16, 0.42, 0.72],
        [0.20, 0.55, 0.35],
        [0.95, 0.95, 0.95],
        [0.30, 0.26, 0.45],
        [0.93, 0.60, 0.16],
    ]
)
BLUSH = torch.tensor([0.93, 0.38, 0.38])
STRIPE = torch.tensor([0.12, 0.10, 0.12])
LIPSTICK = torch.tensor([0.80, 0.15, 0.20])
TEETH = torch.tensor([0.97, 0.96, 0.94])
EYEBALL = torch.tensor([0.98, 0.98, 0.98])
PUPIL = torch.tensor([0.14, 0.11, 0.13])
GLINT = torch.tensor([1.0, 1.0, 1.0])
LASH = torch.tensor([0.12, 0.08, 0.10])
FRAME = torch.tensor([0.10, 0.10, 0.14])
LENS = torch.tensor([0.75, 0.90, 1.00])

HALF = 0.86  # half the picture's width: below 1, it is cut closer to the face
ON_FACE = 0.62  # a length 1 in (u, v) is about that long in the picture, for the head is 0.54 wide and 0.66 high
BATCH = 64  # faces painted at a time: their layers stay in the processor's cache
SMALLEST = 16  # below that an eye is less than a pixel


def _known(name: str) -> None:
    if name not in RANGES:
        near = difflib.get_close_matches(str(name), RANGES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(RANGES)}"
        raise ValueError(f"no factor of a face is called {name!r}: {hint}")


def _checked(name: str, value, n: int) -> Tensor:
    """The factor as a tensor (n,) of float32, within its range."""
    column = torch.as_tensor(value, dtype=torch.float32).detach().cpu()
    if column.shape not in ((), (1,), (n,)):
        raise ValueError(f"{name} has shape {tuple(column.shape)}; expected one number, or {n}, one for each face")
    low, high = RANGES[name]
    if not bool(((low <= column) & (column <= high)).all()):  # NaN fails as well
        raise ValueError(f"{name} must lie between {low:g} and {high:g}; it is {column.tolist()!r:.60}")
    if name in COLOUR_NUMBERS and bool((column != column.round()).any()):
        raise ValueError(f"{name} is the number of a colour, a whole number from {low:g} to {high:g}")
    return column.expand(n).clone()


def sample_factors(n: int, seed: int = 0, **fixed: float | Tensor) -> Factors:
    """Factors of n random faces: a dict from name to tensor (n,), float32, in the ranges of RANGES.

    Factors are independent, but for two: a beard is drawn for men only, and women have long hair. `fixed` pins factors
    to one value or to n values, e.g. sample_factors(100, glasses=1, yaw=0); a pinned factor is just what was given (a
    pinned beard too: add woman=0), and the other factors stay as they were without it. mouth is 1 unless pinned. The
    first rows do not depend on n. Raises ValueError for an unknown factor or a value out of its range.
    """
    if n < 1 or n != int(n):
        raise ValueError(f"n = {n}; ask for a whole number of faces, at least one face")
    for name in fixed:
        _known(name)
    u = torch.rand(n, len(RANGES), generator=torch.Generator().manual_seed(seed))
    factors = {}
    for (name, (low, high)), column in zip(RANGES.items(), u.unbind(1), strict=True):
        if name in fixed:
            factors[name] = _checked(name, fixed[name], n)
        elif name == "mouth":
            factors[name] = torch.ones(n)
        elif name == "long_hair":
            factors[name] = factors["woman"].clone()
        elif name in COLOUR_NUMBERS:
            factors[name] = (column * (high + 1)).floor()
        elif name in CHANCE:
            factors[name] = (column < CHANCE[name]).float()
        else:
            factors[name] = low + (high - low) * column
    if "beard" not in fixed:
        factors["beard"] *= 1 - factors["woman"].ceil()
    return factors


def _ramp(colours: Tensor, t: Tensor) -> Tensor:
    """The colours at positions t in [0, 1] of a ramp, linear between neighbours: (n, 3)."""
    s = t * (len(colours) - 1)
    i = s.floor().long().clamp(max=len(colours) - 2)
    return torch.lerp(colours[i], colours[i + 1], (s - i)[:, None])


def _ellipse(x, y, rx, ry) -> Tensor:
    """About the distance to an ellipse with these half axes, negative inside."""
    shorter = torch.minimum(torch.as_tensor(rx), torch.as_tensor(ry))
    return (torch.sqrt((x / rx) ** 2 + (y / ry) ** 2 + 1e-9) - 1) * shorter


class _Painting:
    """n half-finished pictures, and where each pixel lies on each head. Factors are (n, 1, 1), maps (n, size, size)."""

    def __init__(self, factors: Factors, size: int, flat: bool):
        n = len(factors["smile"])
        self.flat, self.pixel = flat, 2 * HALF / size
        self.pictures = torch.empty(n, 3, size, size)
        self.factor = {name: value.view(-1, 1, 1) for name, value in factors.items()}
        self.skin, self.hair = _ramp(SKIN, factors["skin"]), _ramp(HAIR, factors["hair"])
        self.back, self.shirt = BACK[factors["back"].long()], SHIRT[factors["shirt"].long()]

        across = ((torch.arange(size) + 0.5) / size * 2 - 1) * HALF
        self.X, self.Y = across.view(1, 1, -1), 0.02 - across.view(1, -1, 1)
        yaw = self.factor["yaw"]
        self.centre = 0.10 * torch.sin(yaw)  # the head moves a little to where it turns
        self.rx, self.ry = 0.54 + 0.03 * self.factor["width"], 0.66
        self.x, self.y = self.X - self.centre, self.Y + 0.02

        # On the ellipsoid: the height, the radius of the slice at that height, the angle round the axis.
        self.height = (self.y / self.ry).clamp(-1, 1)
        slice_radius = torch.sqrt((1 - self.height**2).clamp_min(1e-3))
        self.side = self.x / self.rx
        self.angle = torch.asin((self.side / slice_radius).clamp(-1, 1)) - 0.9 * yaw
        self.u, self.v = torch.sin(self.angle) * slice_radius, self.height - self.factor["pitch"]

        # The surface is lightest where it faces us, and on the side that the light comes from.
        towards_us = torch.sqrt((1 - self.side**2 - self.height**2).clamp_min(0))
        self.towards_us, light = towards_us, self.factor["light"]
        self.shade = 0.70 + 0.30 * towards_us + 0.22 * light * self.side.clamp(-1, 1) + 0.14 * self.height
        self.shade.clamp_(0.45, 1.15)
        strands = 0.10 * torch.sin(26 * self.X + 5 * self.Y)
        self.hair_shade = (0.80 + 0.25 * self.Y + 0.22 * light * self.X + strands).clamp(0.45, 1.25)

        narrower_jaw = self.x * (1 + 0.13 * torch.relu(-self.height))
        self.outline = _ellipse(narrower_jaw, self.y, self.rx, self.ry)
        self.skull = _ellipse(
            self.x + 0.05 * yaw, self.y - 0.10, self.rx * (1.13 + 0.05 * self.factor["long_hair"]), self.ry
        )
        self.face = self.covered(self.outline) * (self.angle.abs() < 1.5)  # the side of the head that has a face

    def covered(self, distance: Tensor, soft: float = 1.0) -> Tensor:
        """The share of each pixel that is inside; `soft` is the width of the edge in pixels."""
        return (0.5 - distance / (self.pixel * soft)).clamp(0, 1)

    def paint(self, share: Tensor, colour: Tensor, shade: Tensor | None = None) -> None:
        """Lay a colour, (3,) or (n, 3), over the pictures where share is above 0. A flat picture has no shade."""
        colour = colour.view(-1, 3, 1, 1)
        if shade is not None and not self.flat:
            colour = colour * shade.unsqueeze(1)
        self.pictures += share.unsqueeze(1) * (colour - self.pictures)


def _background(p: _Painting) -> None:
    p.pictures[:] = p.back.view(-1, 3, 1, 1)
    if not p.flat:  # a little lighter behind the head
        p.pictures *= (1.08 - 0.18 * (p.X**2 + p.Y**2)).unsqueeze(1)


def _hair_behind(p: _Painting) -> None:
    yaw, long_hair = p.factor["yaw"], p.factor["long_hair"]
    beside = (p.x + 0.10 * yaw).abs() - 1.08 * p.rx + 0.10 * (p.y + 0.2)
    falling = torch.maximum(torch.maximum(beside, p.y - 0.25), -p.y - 0.84)
    share = torch.maximum(p.covered(p.skull), p.covered(falling, soft=2) * long_hair)
    p.paint(share, p.hair, p.hair_shade)


def _neck_and_shirt(p: _Painting) -> None:
    beside = p.X - 0.5 * p.centre
    p.paint(p.covered(torch.maximum(beside.abs() - 0.21, p.Y + 0.45)), p.skin * 0.78)
    p.paint(p.covered(_ellipse(p.X, p.Y + 1.16, 0.86, 0.46)), p.shirt, 1.15 + 0.2 * p.factor["light"] * p.X + 0.2 * p.Y)
    p.paint(p.covered(_ellipse(beside, p.Y + 0.70, 0.22, 0.12)), p.skin * 0.82)


def _ears(p: _Painting) -> None:
    yaw = p.factor["yaw"]
    for side in (-1, 1):
        out = p.x - side * p.rx * torch.cos(0.5 * yaw) + 0.05 * yaw
        seen = 0.5 + 0.5 * torch.tanh(6 * (0.45 - side * yaw))  # the far ear goes behind the head
        p.paint(p.covered(_ellipse(out, p.y + 0.02, 0.10, 0.15)) * seen * (1 - p.factor["long_hair"]), p.skin * 0.88)


def _head(p: _Painting) -> None:
    p.paint(p.covered(p.outline), p.skin, p.shade)


def _cheeks(p: _Painting) -> None:
    if p.flat:
        return
    for side in (-1, 1):
        spot = torch.exp(-(((p.u - side * 0.52) / 0.22) ** 2) - ((p.v + 0.22) / 0.15) ** 2)
        p.paint(0.15 * spot * p.face * (1 + p.factor["woman"]), BLUSH)


def _stripes(p: _Painting) -> None:
    if not p.factor["striped"].any():
        return
    wave = torch.sin(17 * (p.v + 0.25 * p.u.abs())) - 0.25 - 0.5 * (p.u.abs() < 0.12)
    p.paint(p.covered(-0.06 * wave) * p.face * p.factor["striped"], STRIPE)


def _beard(p: _Painting) -> None:
    if not p.factor["beard"].any():
        return
    sideburn = 0.9 * torch.relu(p.u.abs() - 0.62)  # the edge rises towards the ears
    lower_face = p.v + 0.26 + 0.20 * p.u**2 - sideburn
    p.paint(p.covered(lower_face * ON_FACE) * p.face * p.factor["beard"], p.hair * 0.92, p.shade)


def _mouth(p: _Painting) -> None:
    """A parabola between two lips, its ends up for a smile and down for a frown; a smile opens it and shows teeth."""
    smile, woman, size = p.factor["smile"], p.factor["woman"], p.factor["mouth"]
    half_width = size * (0.34 + 0.06 * torch.relu(smile))
    t = p.u / half_width
    middle = -0.51 + size * 0.22 * smile * (t**2 - 0.45)
    gape = size * 0.125 * torch.relu(smile - 0.10)
    opening = gape * (1 - t**2).clamp_min(0)
    ends = 0.5 * (p.u.abs() - half_width)
    off = (p.v - middle).abs() - opening
    lip = torch.sqrt(size) * (0.032 + 0.013 * woman)
    lips = torch.maximum((off - lip) * ON_FACE, ends)
    teeth = torch.maximum(off * ON_FACE, ends + 0.02)
    lip_colour = torch.lerp(p.skin * 0.58, LIPSTICK.expand_as(p.skin), 0.25 + 0.60 * woman.view(-1, 1))
    p.paint(p.covered(lips) * p.face, lip_colour)
    p.paint(p.covered(teeth) * p.face * (gape > 0.01), TEETH)


def _eyes(p: _Painting) -> None:
    radius = 0.145 + 0.015 * p.factor["eye"]
    for side in (-1, 1):
        u, v = p.u - side * 0.38, p.v - 0.10
        eye = p.covered(_ellipse(u, v, 1.12 * radius, 0.95 * radius) * ON_FACE) * p.face
        p.paint(eye, EYEBALL)
        u_pupil = u - 0.05 * torch.sin(p.factor["yaw"])  # they look where the head turns
        p.paint(p.covered(_ellipse(u_pupil, v, 0.66 * radius, 0.80 * radius) * ON_FACE) * eye, PUPIL)
        if not p.flat:
            p.paint(p.covered(_ellipse(u_pupil + 0.045, v - 0.05, 0.035, 0.035) * ON_FACE) * eye, GLINT)
        lashes = torch.maximum((v - 0.95 * radius).abs() - 0.030, u.abs() - 1.25 * radius)
        p.paint(p.covered(lashes * ON_FACE) * p.face * p.factor["woman"], LASH)


def _brows(p: _Painting) -> None:
    """Thicker on men; a smile tilts them."""
    tilt = 0.10 * (1 + 0.6 * torch.relu(p.factor["smile"]))
    thickness = 0.050 - 0.022 * p.factor["woman"]
    for side in (-1, 1):
        u = p.u - side * 0.38
        off = p.v - 0.335 - 0.03 * p.factor["brow"] + tilt * u * side + 0.9 * u**2
        brow = torch.maximum(off.abs() - thickness, u.abs() - 0.19)
        p.paint(p.covered(brow * ON_FACE) * p.face, p.hair * 0.70)


def _nose(p: _Painting) -> None:
    """It stands out from the surface, and so moves further than the face when the head turns."""
    head = p.covered(p.outline)
    x, y = p.x - 1.12 * p.rx * torch.sin(0.9 * p.factor["yaw"]), p.v + 0.12
    p.paint(0.55 * p.covered(_ellipse(x, y - 0.06, 0.085, 0.18)) * head, (1.08 * p.skin).clamp(max=1), p.shade)
    p.paint(0.75 * p.covered(_ellipse(x, y + 0.08, 0.085, 0.045)) * head, 0.74 * p.skin, p.shade)


def _glasses(p: _Painting) -> None:
    if not p.factor["glasses"].any():
        return
    worn = p.face * p.factor["glasses"]
    frame = torch.zeros_like(worn)
    for side in (-1, 1):
        rim = _ellipse(p.u - side * 0.38, p.v - 0.08, 0.285, 0.25) * ON_FACE
        frame = torch.maximum(frame, p.covered(rim.abs() - 0.030))
        if not p.flat:
            p.paint(0.16 * p.covered(rim) * worn, LENS)
    bar = (p.v - 0.12).abs() - 0.04
    bridge, temples = torch.maximum(bar, p.u.abs() - 0.13), torch.maximum(bar, 0.64 - p.u.abs())
    frame = torch.maximum(frame, p.covered(torch.minimum(bridge, temples) * ON_FACE))
    p.paint(frame * worn, FRAME)


def _hair_in_front(p: _Painting) -> None:
    """The fringe, the strands beside the face, and the back of a head that is turned away."""
    fringe, long_hair = p.factor["fringe"], p.factor["long_hair"]
    hairline = 0.52 + 0.04 * fringe - 0.22 * p.u.abs() ** 3 + 0.10 * fringe * p.u
    share = p.covered((hairline - p.v) * ON_FACE)
    low = torch.relu(-0.30 - p.v)  # towards the chin it gives way to the jaw
    behind = (p.angle.abs() >= 1.35 + 2 * low) & (p.v > -0.45 - 0.3 * long_hair)
    strands = p.covered(0.5 * (0.90 - 0.14 * long_hair - p.u.abs())) * (p.v > -long_hair)
    share = torch.maximum(torch.maximum(share, behind.float()), strands)
    p.paint(share * p.covered(p.outline - 0.045), p.hair, p.hair_shade + 0.10 * p.towards_us)


def _hat(p: _Painting) -> None:
    if not p.factor["hat"].any():
        return
    crown = torch.maximum((0.50 - p.v) * ON_FACE, p.skull - 0.02)
    brim = torch.maximum(((p.v - 0.48).abs() - 0.06) * ON_FACE, p.x.abs() - 1.3 * p.rx)
    p.paint(p.covered(crown) * p.factor["hat"], 0.90 * p.shirt, p.hair_shade + 0.15)
    p.paint(p.covered(brim) * p.factor["hat"], 0.65 * p.shirt, p.hair_shade + 0.15)


# From the back to the front.
LAYERS = (
    *(_background, _hair_behind, _neck_and_shirt, _ears, _head, _cheeks, _stripes, _beard),
    *(_mouth, _eyes, _brows, _nose, _glasses, _hair_in_front, _hat),
)


@torch.no_grad()
def render(factors: Mapping[str, Tensor], size: int = 32, flat: bool = False) -> Tensor:
    """The faces with these factors: (n, 3, size, size) float32 in [0, 1], on the CPU.

    factors   all that `sample_factors` returns, one number for each face and factor, within RANGES
    size      pixels along a side, at least 16
    flat      without light and shade: every part in one colour, like a label map

    The same factors give the same pixels. Raises ValueError for a factor that is unknown, missing or out of its range,
    for factors of different lengths, and for a size below 16.
    """
    return torch.cat(list(_batches(factors, size, flat)))


@torch.no_grad()
def edges(factors: Mapping[str, Tensor], size: int = 32) -> Tensor:
    """Line drawings of the same faces: (n, 1, size, size) in [0, 1], dark lines on white.

    The length of the Sobel gradient of the flat picture, in the channel where it is greatest, and black from 0.35 on,
    where a step from 0 to 1 counts 1. It is drawn at twice the size and averaged over 2 x 2 pixels: the lines are fine.
    Raises ValueError as `render` does.
    """
    return torch.cat([_lines(flat) for flat in _batches(factors, size, flat=True, zoom=2)])


def _batches(factors: Mapping[str, Tensor], size: int, flat: bool, zoom: int = 1) -> Iterator[Tensor]:
    """The faces, zoom times as large, a few at a time."""
    if size != int(size) or size < SMALLEST:
        raise ValueError(f"size = {size}; a face needs a whole number of at least {SMALLEST} pixels")
    for name in factors:
        _known(name)
    if missing := [name for name in RANGES if name not in factors]:
        raise ValueError(f"factors lack {', '.join(missing)}: begin with sample_factors(n), and change what you like")
    n = torch.as_tensor(factors["smile"]).numel()
    if n == 0:
        raise ValueError("factors are empty: ask for at least one face")
    checked = {name: _checked(name, factors[name], n) for name in RANGES}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a batch is too small for two: they would wait for each other most of the time
    try:
        for first in range(0, n, BATCH):
            painting = _Painting(
                {name: f[first : first + BATCH] for name, f in checked.items()}, zoom * int(size), flat
            )
            for layer in LAYERS:
                layer(painting)
            yield painting.pictures.clamp_(0, 1)
    finally:
        torch.set_num_threads(threads)


def _lines(x: Tensor) -> Tensor:
    """(n, 3, 2 size, 2 size) to the line drawings (n, 1, size, size)."""
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    right, up = x[..., 2:] - x[..., :-2], x[..., 2:, :] - x[..., :-2, :]
    across = (right[..., :-2, :] + 2 * right[..., 1:-1, :] + right[..., 2:, :]) / 4
    along = (up[..., :-2] + 2 * up[..., 1:-1] + up[..., 2:]) / 4
    steepness = torch.sqrt(across**2 + along**2).amax(1, keepdim=True)
    return functional.avg_pool2d(1 - (steepness / 0.35).clamp(0, 1), 2)


def caption(factors: Mapping[str, Tensor], i: int) -> str:
    """Face i in words: 'a smiling brown-haired woman with glasses, looking left'; left is the beholder's.

    A smile above .25 smiles and below -.25 frowns; a yaw beyond .25 looks to that side; hair has the name of the
    nearest colour of its ramp.
    """

    def value(name: str) -> float:
        return float(factors[name][i])

    mood = "smiling" if value("smile") > 0.25 else "frowning" if value("smile") < -0.25 else "calm"
    hair = HAIR_NAMES[int(value("hair") * (len(HAIR_NAMES) - 1) + 0.5)]
    who = "woman" if value("woman") > 0.5 else "man"
    worn = {"glasses": "glasses", "beard": "a beard", "striped": "stripes", "hat": "a hat"}
    extras = [words for name, words in worn.items() if value(name) > 0.5]
    pose = "looking left" if value("yaw") < -0.25 else "looking right" if value("yaw") > 0.25 else "facing us"
    return f"a {mood} {hair}-haired {who}" + (f" with {' and '.join(extras)}" if extras else "") + f", {pose}"

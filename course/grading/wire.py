"""Messages between the grader and a student's process: data only, never code.

A message is a JSON text and the raw bytes of the arrays in it. What may cross: None, booleans, integers, floats,
strings, NumPy arrays, torch tensors, and lists, tuples and dicts (with string keys) of these. Whatever the other side
sends, `receive` ends with plain values that were built here, or with a WireError.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from typing import Any

import numpy as np

LIMIT = 64 << 20  # bytes in one message
TEXT_LIMIT = 4 << 20  # of which text: it is read outside the deadline, so reading it must be quick
_SIZES = {"float": (16, 32, 64), "int": (8, 16, 32, 64), "uint": (8, 16, 32, 64), "complex": (64, 128)}
DTYPES = frozenset(["bool", *(f"{kind}{size}" for kind, sizes in _SIZES.items() for size in sizes)])
_DEPTH = 30
_DIMENSIONS = 32


class WireError(Exception):
    """What arrived, or was to be sent, is no message."""


class TimeUp(WireError):
    """The deadline passed before the message was complete."""


class Closed(WireError):
    """The other side has gone."""


def pack(value: Any) -> bytes:
    """The bytes of a message. Raises WireError for a value that is not data."""
    buffers: list[bytes] = []

    def array(kind: str, a: np.ndarray) -> dict:
        if str(a.dtype) not in DTYPES:
            raise WireError(f"an array of {a.dtype} cannot be sent")
        buffers.append(np.ascontiguousarray(a).tobytes())
        return {kind: [str(a.dtype), list(a.shape)]}

    def encode(item: Any, depth: int) -> Any:
        # Exact types: a subclass may carry code that pretends to be data.
        kind = type(item)
        if depth > _DEPTH:
            raise WireError("the value is nested too deeply")
        if item is None or kind in (bool, int, str):
            return item
        if kind is float:
            return {"float": item.hex()}
        if kind in (list, tuple):
            return {kind.__name__: [encode(inner, depth + 1) for inner in item]}
        if kind is dict:
            if not all(type(key) is str for key in item):
                raise WireError("the keys of a dict must be strings")
            return {"dict": [[key, encode(inner, depth + 1)] for key, inner in item.items()]}
        if kind is np.ndarray:
            return array("array", item)
        if isinstance(item, np.generic):
            return array("scalar", np.asarray(item))
        if kind.__module__.partition(".")[0] == "torch" and hasattr(item, "detach"):
            return array("tensor", item.detach().cpu().numpy())
        raise WireError(f"a value of type {kind.__name__} is not data")

    text = json.dumps(encode(value, 0)).encode()
    if len(text) > TEXT_LIMIT:
        raise WireError(f"the value takes {len(text)} bytes beside its arrays, more than {TEXT_LIMIT}")
    message = struct.pack("<I", len(text)) + text + b"".join(buffers)
    if len(message) > LIMIT:
        raise WireError(f"the value takes {len(message)} bytes, more than {LIMIT}")
    return message


def unpack(message: bytes) -> Any:
    """The value of a message. Raises WireError for anything that `pack` could not have made."""
    try:
        (length,) = struct.unpack_from("<I", message)
        if length > TEXT_LIMIT:
            raise WireError(f"a text of {length} bytes is too long")
        tree = json.loads(message[4 : 4 + length])
    except (struct.error, ValueError, RecursionError) as error:
        raise WireError(f"not a message ({type(error).__name__})") from None
    position = 4 + length

    def array(spec: Any) -> np.ndarray:
        nonlocal position
        dtype, shape = spec
        if len(shape) > _DIMENSIONS:  # before their product is taken: of many factors, that takes for ever
            raise WireError("an array of too many dimensions")
        if dtype not in DTYPES or not all(type(s) is int and 0 <= s <= LIMIT for s in shape):
            raise WireError("an array of an unknown kind")
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if position + size > len(message):
            raise WireError("an array is cut short")
        a = np.frombuffer(message, dtype=dtype, count=math.prod(shape), offset=position).reshape(shape).copy()
        position += size
        return a

    def decode(node: Any, depth: int) -> Any:
        if depth > _DEPTH:
            raise WireError("the value is nested too deeply")
        if node is None or type(node) in (bool, int, str):
            return node
        ((kind, content),) = node.items()
        if kind == "float":
            return float.fromhex(content)
        if kind in ("list", "tuple"):
            items = [decode(inner, depth + 1) for inner in content]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {str(key): decode(inner, depth + 1) for key, inner in content}
        if kind == "array":
            return array(content)
        if kind == "scalar":
            return array(content)[()]
        if kind == "tensor":
            import torch

            return torch.from_numpy(array(content))
        raise WireError("a value of an unknown kind")

    try:
        return decode(tree, 0)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise WireError(f"not a message ({type(error).__name__})") from None


def send(connection: socket.socket, value: Any, deadline: float | None = None) -> None:
    """Send one message before the deadline, a time.monotonic(). Raises WireError."""
    message = pack(value)
    connection.settimeout(None if deadline is None else max(0.01, deadline - time.monotonic()))
    try:
        connection.sendall(struct.pack("<Q", len(message)) + message)
    except TimeoutError:
        raise TimeUp("the message was not taken in time") from None
    except OSError as error:
        raise Closed(error.strerror or "closed") from None


def receive(connection: socket.socket, deadline: float | None = None) -> Any:
    """The next message, whole, before the deadline, a time.monotonic(). Raises WireError."""
    (length,) = struct.unpack("<Q", _exactly(connection, 8, deadline))
    if length > LIMIT:
        raise WireError(f"a message of {length} bytes is too long")
    return unpack(_exactly(connection, length, deadline))


def _exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    # One deadline for all: with a limit for each read, a message could dribble in for ever.
    received = bytearray()
    while len(received) < length:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeUp("time is up")
        connection.settimeout(left)
        try:
            chunk = connection.recv(min(1 << 20, length - len(received)))
        except TimeoutError:
            raise TimeUp("time is up") from None
        except OSError as error:
            raise Closed(error.strerror or "closed") from None
        if not chunk:
            raise Closed("the process ended")
        received += chunk
    return bytes(received)

"""Data goes through unchanged; nothing else goes through at all."""

import pickle
import socket
import struct
import threading
import time

import numpy as np
import pytest
import torch

from course.grading import wire
from course.lab.compare import agree, is_tensor

VALUES = [
    None,
    True,
    -7,
    2**70,
    0.1,
    float("inf"),
    "text ∑",
    [1, [2.5, "x"], ()],
    (1, 2),
    {"a": np.arange(6).reshape(2, 3), "b": {"c": None}},
    np.zeros((0, 3)),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.float32(1.5),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    torch.arange(4.0).reshape(2, 2),
    torch.ones(3, requires_grad=True),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_data_goes_through_unchanged(value):
    arrived = wire.unpack(wire.pack(value))
    assert type(arrived) is type(value) or isinstance(value, np.generic)
    assert agree(value, arrived, 0, 0)
    if isinstance(value, np.ndarray):
        assert arrived.dtype == value.dtype
        assert arrived.flags.writeable
    if is_tensor(value):
        assert arrived.dtype == value.dtype


def test_nan_goes_through():
    assert np.isnan(wire.unpack(wire.pack(float("nan"))))


class Pretender(dict):
    pass


class FalseArray(np.ndarray):
    def __eq__(self, other):
        return True


class FalseFloat(float):
    def __sub__(self, other):
        return 0.0


ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        Pretender(a=1),
        np.zeros(2).view(FalseArray),
        FalseFloat(3.0),
        lambda: 1,
        np.array([object()]),
        np.array(["text"]),
        {1: "key"},
        ENDLESS,
        {1, 2},
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_data_does_not_leave(value):
    with pytest.raises(wire.WireError):
        wire.pack(value)


def message(text, rest=b""):
    return struct.pack("<I", len(text)) + text + rest


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"abc",
        pickle.dumps({"a": 1}),
        message(b"{"),
        message(b"[1, 2]"),
        message(b"1.5"),
        message(b'{"array": ["float64", [3]]}', b"\0" * 16),
        message(b'{"array": ["object", [1]]}', b"\0" * 8),
        message(b'{"array": ["float64", [-1]]}'),
        message(b'{"array": ["float64", [99999999999, 99999999]]}'),
        message(b'{"array": ["float64", 3]}'),
        message(b'{"float": 3}'),
        message(b'{"dict": [["a"]]}'),
        message(b'{"code": "import os"}'),
        message(b'{"list": [1], "tuple": [2]}'),
        message(b'{"list": [' * 2000 + b"]}" * 2000),
    ],
    ids=range(16),
)
def test_what_is_no_message_is_refused(received):
    with pytest.raises(wire.WireError):
        wire.unpack(received)


def test_every_cut_of_a_message_is_refused():
    whole = wire.pack({"a": np.arange(3.0), "b": [1, "x"]})
    for end in range(len(whole)):
        with pytest.raises(wire.WireError):
            wire.unpack(whole[:end])


def test_messages_over_a_socket():
    a, b = socket.socketpair()
    with a, b:
        big = np.random.default_rng(0).normal(size=300_000)
        sender = threading.Thread(target=wire.send, args=(a, big))
        sender.start()
        np.testing.assert_array_equal(wire.receive(b, time.monotonic() + 20), big)
        sender.join()


def test_one_deadline_covers_the_whole_message():
    a, b = socket.socketpair()
    stop = threading.Event()

    def dribble():
        a.sendall(struct.pack("<Q", 1000))
        while not stop.wait(0.05):
            a.sendall(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    began = time.monotonic()
    with pytest.raises(wire.TimeUp):
        wire.receive(b, began + 0.4)
    assert time.monotonic() - began < 5
    stop.set()
    thread.join()
    a.close()
    b.close()


def test_the_end_of_the_other_side_and_a_flood_are_told_apart():
    a, b = socket.socketpair()
    a.close()
    with b, pytest.raises(wire.Closed):
        wire.receive(b)
    a, b = socket.socketpair()
    a.sendall(struct.pack("<Q", wire.LIMIT + 1))
    with a, b, pytest.raises(wire.WireError, match="too long"):
        wire.receive(b)

"""A small discriminator with its gradients written out: the code that plays T in JS-GAN.

    s(x) = w_L . f(... f(W_1^T x + b_1) ...) + b_L,      T(x) = sigmoid(s(x)),      f(h) = max(h, 0.2 h).

Without a hidden layer s is linear. A network of twenty units does so little work in one step that the bookkeeping of
automatic differentiation would cost as much as the arithmetic, and here the chain rule is short. The same code runs on
a CPU and on a GPU; a test holds it against autograd.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

SLOPE = 0.2


class Discriminator:
    """p - hidden... - 1, with weights W (a list of matrices, one column for each unit) and biases b.

    All parameters lie in one flat vector `theta`, their gradient in `gradient`, so that Adam is five lines. Weights
    start at N(0, 2 / (inputs + outputs)), biases at 0.
    """

    def __init__(self, p: int, hidden: Sequence[int], random: torch.Generator, device="cpu", dtype=torch.float32):
        sizes = [p, *hidden, 1]
        self.shapes = list(pairwise(sizes))
        total = sum(a * b + b for a, b in self.shapes)
        self.theta, self.gradient, self.mean, self.square = torch.zeros(4, total, device=device, dtype=dtype)
        self.W, self.b = self._views(self.theta)
        self._dW, self._db = self._views(self.gradient)
        for W, (a, b) in zip(self.W, self.shapes, strict=True):
            W.copy_(torch.randn(a, b, generator=random, dtype=dtype) * math.sqrt(2 / (a + b)))
        self.steps = 0

    def _views(self, flat: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        matrices, biases, start = [], [], 0
        for a, b in self.shapes:
            matrices.append(flat[start : start + a * b].view(a, b))
            biases.append(flat[start + a * b : start + a * b + b])
            start += a * b + b
        return matrices, biases

    def __call__(self, x: Tensor) -> Tensor:
        """Scores s (n,) of the rows x (n, p). What the two gradients need is kept until the next call."""
        self._inputs = [x]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            self._inputs.append(leaky_relu(torch.addmm(b, self._inputs[-1], W), SLOPE))
        return torch.addmm(self.b[-1], self._inputs[-1], self.W[-1])[:, 0]

    def parameter_gradient(self, ds: Tensor) -> None:
        """Put the gradient of a loss by all weights into `gradient`, given ds (n,), the loss by the scores."""
        d = ds[:, None]
        for layer in reversed(range(len(self.W))):
            torch.mm(self._inputs[layer].T, d, out=self._dW[layer])
            torch.sum(d, 0, out=self._db[layer])
            if layer > 0:
                d = self._through(layer, d, slice(None))

    def input_gradient(self, ds: Tensor, rows: slice) -> Tensor:
        """The gradient (m, p) of a loss by the inputs in `rows`, given ds (m,), the loss by their scores."""
        d = ds[:, None]
        for layer in reversed(range(1, len(self.W))):
            d = self._through(layer, d, rows)
        return d @ self.W[0].T

    def mean_gradient(self, x: Tensor) -> Tensor:
        """The mean over the rows x (n, p) of ds/dx, (p,): the direction in which x looks ever more real."""
        return self.input_gradient(torch.ones_like(self(x)) / len(x), slice(None)).sum(0)

    def _through(self, layer: int, d: Tensor, rows: slice) -> Tensor:
        """Back through the activation before `layer`: f' is 1 where f > 0, else the slope."""
        return torch.ops.aten.leaky_relu_backward(d @ self.W[layer].T, self._inputs[layer][rows], SLOPE, True)

    def ascend(self, rate: float, beta1: float = 0.5, beta2: float = 0.99) -> None:
        """One step of Adam (Kingma and Ba, 2015) uphill along `gradient`."""
        self.steps += 1
        self.mean.lerp_(self.gradient, 1 - beta1)
        self.square.mul_(beta2).addcmul_(self.gradient, self.gradient, value=1 - beta2)
        size = (self.square / (1 - beta2**self.steps)).sqrt_().add_(1e-8)
        self.theta.addcdiv_(self.mean, size, value=rate / (1 - beta1**self.steps))

"""A convolutional network that reads the factors of a face, such as its smile, off its pixels, for chapter 7."""

import torch

from course.data import load_images
from course.likelihood.reader import READ, Reader, r_squared, softened, targets
from course.training import Training, falling

SEED, STEPS = 0, 3000


def network():
    return Reader()


def training(reader):
    optimiser = torch.optim.Adam(reader.parameters(), lr=3e-3, fused=True)
    rate = falling(optimiser, STEPS)

    def step(x, f):
        optimiser.zero_grad()
        loss = ((reader(softened(x)) - f) ** 2).mean()
        loss.backward()
        optimiser.step()
        rate.step()
        return {"loss": loss}

    faces = load_images("faces", n=8000)
    data = (faces.x, targets(faces.factors))
    return Training(step, data, [reader, optimiser, rate], batch_size=64, seed=SEED, log_every=50, threads=1)


def measure(reader):
    faces = load_images("faces", "test")
    read = reader.read(faces.x)
    return {f"r_squared_{name}": r_squared(read[name], faces.factors[name]) for name in READ}

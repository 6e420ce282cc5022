"""The DCGAN of dcgan_faces with the losses of LSGAN, trained as long, for chapter 11."""

from course.data import load_images
from course.gan.dcgan import dcgan_training
from course.gan.losses import LOSSES
from course.recipes.dcgan_faces import SEED, STEPS, measure, network

__all__ = ["SEED", "STEPS", "measure", "network", "training"]


def training(networks):
    faces = load_images("faces", n=8000).x * 2 - 1
    return dcgan_training(networks, faces, STEPS, SEED, losses=LOSSES["least squares"])

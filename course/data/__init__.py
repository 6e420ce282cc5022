"""Every data set of the course: `load("usarrests")` for tables, `load_images("faces")` for images as tensors.

They come with the course or with its libraries; MNIST, CIFAR-10 and photographs of faces are downloaded on request.
"""

from course.data.dataset import DataError, Dataset
from course.data.images import Images, available_images, load_images
from course.data.load import available, load

__all__ = ["DataError", "Dataset", "Images", "available", "available_images", "load", "load_images"]

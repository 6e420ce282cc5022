"""Every data set of the course behind one call: `load("usarrests")`, `load("digits")`.

All come with the course or with its libraries: nothing is downloaded.
"""

from course.data.dataset import DataError, Dataset
from course.data.load import available, load

__all__ = ["DataError", "Dataset", "available", "load"]

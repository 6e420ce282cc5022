"""Where the course's folders are, in a clone, in a student bundle and in a graded copy alike."""

import os
from pathlib import Path


def project_root() -> Path:
    """The folder that holds course/, notebooks/ and data/."""
    return Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The folder of tables and checkpoints: `$COURSE_DATA` when set, else data/ beside the package."""
    return Path(os.environ.get("COURSE_DATA") or project_root() / "data")

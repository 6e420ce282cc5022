"""Notebooks that are run by tests train for a few steps only: see `course.training.steps`."""

import os

os.environ.setdefault("COURSE_TIER", "smoke")

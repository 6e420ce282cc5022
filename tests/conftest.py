"""Notebooks run by tests train for a few steps only (`course.training.steps`), and every process has one thread.

Two workers share two cores: with more threads each, tiny networks wait for each other most of the time.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("COURSE_TIER", "smoke")

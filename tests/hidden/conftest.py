"""Run on their own, the hidden tests are run on the solutions: they must all pass."""

from course.grading.plugin import Grading
from course.grading.submission import Submission
from course.lab.exercises import CHAPTERS
from course.paths import project_root


def pytest_configure(config):
    sources = [project_root() / "solutions" / f"{chapter}.ipynb" for chapter in CHAPTERS]
    solved = [Submission("solution", path, chapter=path.stem) for path in sources if path.exists()]
    config.pluginmanager.register(Grading(solved, seed=0), "grading")

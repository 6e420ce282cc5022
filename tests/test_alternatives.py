"""Other correct implementations (tests/hidden/alternatives/) pass the check and keep their points, also in float32."""

import signal

import pytest

from course.authoring.release import FILES, FOLDERS
from course.grading import hidden
from course.grading.audit import in_single_precision, verdict
from course.lab import exercises
from course.lab.check import examine
from course.paths import project_root

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers on this system")

FOLDER = project_root() / "tests" / "hidden" / "alternatives"
CHAPTERS = sorted(path.stem[1:] for path in FOLDER.glob("c*.py"))
ALTERNATIVES = [
    pytest.param(exercise, function, id=f"{exercise.name}-{function.__name__}")
    for chapter in CHAPTERS
    for exercise in exercises.of_chapter(chapter)
    for function in hidden.alternatives(chapter).get(exercise.name, ())
]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_of_a_chapter_has_two_alternatives(chapter):
    declared = {exercise.name for exercise in exercises.of_chapter(chapter)}
    registered = hidden.alternatives(chapter)
    assert registered.keys() == declared
    assert all(len({function.__code__ for function in functions}) >= 2 for functions in registered.values())


@pytest.mark.parametrize(("exercise", "function"), ALTERNATIVES)
def test_an_alternative_passes_the_check_and_keeps_its_points(exercise, function):
    answer = examine(exercise, function)
    assert answer.passed, str(answer)
    assert {verdict(exercise, function, seed) for seed in range(5)} == {"passed"}


@pytest.mark.parametrize(("exercise", "function"), ALTERNATIVES)
def test_so_does_it_in_single_precision(exercise, function):
    answer = examine(exercise, in_single_precision(function))
    assert answer.passed, str(answer)
    assert {verdict(exercise, in_single_precision(function), seed) for seed in range(5)} == {"passed"}


def test_alternatives_are_outside_of_what_is_released():
    assert FOLDER.relative_to(project_root()).parts[0] not in (*FILES, *FOLDERS)


def test_a_chapter_without_a_file_has_none():
    assert hidden.alternatives("99_nothing") == {}

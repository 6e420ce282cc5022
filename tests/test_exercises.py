"""Every declared exercise of every chapter: its mistakes, its hidden tests, its solution."""

import functools
import re

import pytest

from course.authoring import notebook
from course.grading import hidden
from course.grading.submission import LocalSubmission, Submission
from course.grading.work import results_of
from course.lab import exercises
from course.lab.check import examine
from course.lab.compare import agree
from course.lab.help import solved
from course.paths import project_root

EVERY = list(exercises.every())
MISTAKES = [(exercise, mistake) for exercise in EVERY for mistake in exercise.mistakes]


def opaque(function):
    """The function without its source, so that it is judged by what it does."""
    return lambda *args: function(*args)


def name_of(value):
    return getattr(value, "name", None)


def test_names_are_unique_in_the_course():
    assert len({exercise.name for exercise in EVERY}) == len(EVERY)


@pytest.mark.parametrize("exercise", EVERY, ids=name_of)
def test_a_declaration_is_complete(exercise):
    assert exercise.points >= 1
    assert "->" in exercise.contract
    assert len(exercise.hints) >= 2
    assert len(exercise.mistakes) >= 2
    assert len(exercise.cases()) >= 1
    texts = (*exercise.hints, *(m.hint for m in exercise.mistakes), *(m.name for m in exercise.mistakes))
    assert not any("$" in text for text in texts), "hints are plain text too: code in backticks, no LaTeX"
    assert all(text.strip() == text and text for text in texts)


@pytest.mark.parametrize("exercise", EVERY, ids=name_of)
def test_the_reference_passes_its_own_check(exercise):
    answer = examine(exercise, opaque(exercise.reference))
    assert answer.passed, str(answer)


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=name_of)
def test_every_mistake_is_recognised_as_itself(exercise, mistake):
    answer = examine(exercise, opaque(mistake.wrong))
    assert not answer.passed
    assert answer.mistake == mistake.name, str(answer)
    assert mistake.hint in str(answer)


@functools.cache
def own(chapter):
    return {exercise.name: exercise.reference for exercise in exercises.of_chapter(chapter)}


def lost(chapter, **functions):
    """The exercises that lose their points when these functions stand in the place of the references."""
    submission = LocalSubmission(chapter, own(chapter) | functions)
    results = results_of(submission, hidden.run(chapter, submission, seed=1))
    return [result["exercise"] for result in results if result["score"] == 0]


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_the_reference_gets_full_marks(chapter):
    assert lost(chapter) == []


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_every_exercise_has_hidden_tests_and_every_hidden_test_an_exercise(chapter):
    assert {test.exercise for test in hidden.of_chapter(chapter)} == set(own(chapter))


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=name_of)
def test_every_mistake_loses_its_points_and_no_others(exercise, mistake):
    assert lost(exercise.chapter, **{exercise.name: mistake.wrong}) == [exercise.name]


@pytest.mark.parametrize("exercise", EVERY, ids=name_of)
def test_no_exercise_is_called_like_an_attribute_of_a_submission(exercise):
    assert not hasattr(Submission, exercise.name)
    assert exercise.name not in Submission.__dataclass_fields__


@pytest.mark.parametrize("exercise", EVERY, ids=name_of)
def test_the_shown_solution_is_another_road_to_the_reference(exercise):
    source = (project_root() / "solutions" / f"{exercise.chapter}.py").read_text("utf-8")
    code = solved(source, exercise.name)
    assert re.search(rf"^def {exercise.name}\(", code, re.MULTILINE)
    space: dict = {}
    cells = notebook.read(project_root() / "solutions" / f"{exercise.chapter}.py").cells
    setup = next(cell.source for cell in cells if "setup" in cell.metadata.get("tags", []))
    exec(setup, space)
    for other in exercises.of_chapter(exercise.chapter):
        exec(solved(source, other.name), space)
    for case in exercise.cases():
        got, expected = space[exercise.name](*case.args), exercise.reference(*case.args)
        if exercise.canonical:
            got, expected = exercise.canonical(got), exercise.canonical(expected)
        assert agree(expected, got, exercise.rtol, exercise.atol), case.label

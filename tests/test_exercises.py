"""Every declared exercise of every chapter: its mistakes, its hidden tests, its solution."""

import functools
import re

import pytest

from course.authoring import notebook
from course.grading.grade import results_of, run_tests
from course.grading.submission import LocalSubmission
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
def graded(chapter):
    """The results of a chapter's hidden tests for the reference, and for each mistake beside references elsewhere."""
    declared = exercises.of_chapter(chapter)
    own = {exercise.name: exercise.reference for exercise in declared}
    classes = {"reference": LocalSubmission("reference", chapter, own)}
    for exercise in declared:
        for mistake in exercise.mistakes:
            functions = own | {exercise.name: mistake.wrong}
            classes[exercise.name, mistake.name] = LocalSubmission(
                f"{exercise.name}: {mistake.name}", chapter, functions
            )
    outcomes = run_tests(list(classes.values()), seed=1)
    return {key: results_of(submission, outcomes[id(submission)]) for key, submission in classes.items()}


@pytest.mark.parametrize("chapter", exercises.CHAPTERS)
def test_the_reference_gets_full_marks(chapter):
    assert [(r.exercise.name, r.status) for r in graded(chapter)["reference"] if r.status != "passed"] == []


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=name_of)
def test_every_mistake_loses_its_points_and_no_others(exercise, mistake):
    lost = [r.exercise.name for r in graded(exercise.chapter)[exercise.name, mistake.name] if r.score == 0]
    assert lost == [exercise.name]


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

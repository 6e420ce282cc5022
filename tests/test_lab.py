"""What a check answers, how it reads, and what it gives back."""

import sys
import types

import numpy as np
import pytest
import torch

from course.lab import check, hint, solution
from course.lab import help as lab_help
from course.lab.answer import Answer
from course.lab.check import examine
from course.lab.compare import agree, describe, difference
from course.lab.exercise import Case, Exercise, Mistake
from course.lab.exercises import find
from course.unsupervised import pca

COVARIANCE = find("covariance")


def right(X):
    C = X - X.mean(axis=0)
    return np.einsum("ij,ik->jk", C, C) / (X.shape[0] - 1)


def stub(X):
    """X (n, p) -> S (p, p)."""
    raise NotImplementedError  # your code here


def only_a_docstring(X):
    """Nothing yet."""


def raises(X):
    total = X.sum()
    return total.no_such_thing


def forgets_return(X):
    right(X)


def transposed(X):
    return np.atleast_2d(right(X.T))


def divides_by_n(X):
    return right(X) * (len(X) - 1) / len(X)


def wrong_in_its_own_way(X):
    return right(X) + 1


def gives_nan(X):
    return right(X) * np.nan


def calls_numpy(X):
    return np.cov(X, rowvar=False)


def calls_a_helper(X):
    return calls_numpy(X)


def calls_the_course(X):
    return pca.covariance(X)


def changes_its_argument(X):
    X -= X.mean(axis=0)
    return X.T @ X / (len(X) - 1)


def leaves(X):
    sys.exit("bye")


@pytest.mark.parametrize(
    ("function", "status", "says"),
    [
        (right, "passed", ""),
        (stub, "not attempted", "The contract: X (n, p) -> S (p, p)"),
        (only_a_docstring, "not attempted", "The contract"),
        (raises, "raised", "AttributeError: 'numpy.float64' object has no attribute 'no_such_thing', at line"),
        (raises, "raised", "`return total.no_such_thing`"),
        (leaves, "raised", "SystemExit: bye"),
        (
            forgets_return,
            "wrong type or shape",
            "returned None; expected an array of shape (2, 2). Is the `return` missing?",
        ),
        (transposed, "wrong type or shape", "returned an array of shape (3, 3); expected an array of shape (2, 2)"),
        (transposed, "wrong type or shape", "known mistake: samples instead of features"),
        (divides_by_n, "wrong value", "the largest difference is 4, at [1, 1]: yours is 8, expected 12"),
        (divides_by_n, "wrong value", "known mistake: divided by n."),
        (wrong_in_its_own_way, "wrong value", "the largest difference is 1, at"),
        (gives_nan, "wrong value", "yours contains NaN"),
        (changes_its_argument, "wrong value", "changed its argument"),
        (calls_numpy, "forbidden", "uses `cov`"),
        (calls_a_helper, "forbidden", "uses `cov`"),
        (calls_the_course, "forbidden", "uses `covariance`"),
        (7, "wrong type or shape", "is a number (int), and should be a function"),
        (lambda X: right(X).tolist(), "wrong type or shape", "returned a list of 2"),
        (lambda X: torch.tensor(right(X)), "wrong type or shape", "a torch tensor of shape (2, 2)"),
        (lambda X: right(X).astype(complex), "wrong type or shape", "a complex array of shape (2, 2)"),
    ],
)
def test_every_verdict(function, status, says):
    answer = examine(COVARIANCE, function)
    assert answer.status == status, str(answer)
    assert says in str(answer)


def test_a_mistake_of_ones_own_is_not_taken_for_a_known_one():
    assert examine(COVARIANCE, wrong_in_its_own_way).mistake == ""


def test_check_returns_the_learners_function_when_it_passed(capsys):
    assert check("covariance", right) is right
    assert capsys.readouterr().out == "✔ covariance: passed\n"


@pytest.mark.parametrize("function", [stub, raises, divides_by_n, calls_numpy, 7])
def test_check_returns_a_working_function_when_it_did_not(function, capsys):
    given = check("covariance", function)
    assert given is not function
    X = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(given(X), np.cov(X, rowvar=False))
    assert "The course's own `covariance` is used below" in capsys.readouterr().out


def test_check_finds_the_function_by_its_name_and_says_when_there_is_none(capsys):
    space = {"check": check, "np": np}
    exec("found = check('covariance')", space)
    assert "There is no `covariance` yet: run the cell that defines it." in capsys.readouterr().out
    exec("def covariance(X):\n    return np.dot((X - X.mean(0)).T, X - X.mean(0)) / (len(X) - 1)", space)
    exec("found = check('covariance')", space)
    assert space["found"] is space["covariance"]


def test_a_second_check_of_the_courses_own_function_says_so(capsys):
    given = check("covariance", stub)
    check("covariance", given)
    assert "This is the course's own function: run the cell with yours" in capsys.readouterr().out


def test_reading_a_variable_of_the_notebook_is_pointed_out(capsys):
    notebook = types.ModuleType("notebook")
    notebook.__dict__.update(np=np, right=right, X=np.eye(3))
    exec("def covariance(A):\n    X.shape\n    return right(A)", notebook.__dict__)
    check("covariance", notebook.covariance)
    out = capsys.readouterr().out
    assert "passed" in out
    assert "it reads `X` from the notebook" in out


def test_an_unknown_exercise_is_said_with_the_nearest_names(capsys):
    check("covarience", right)
    hint("covarience")
    solution("covarience")
    out = capsys.readouterr().out
    assert out.count("no exercise is called 'covarience': did you mean covariance") == 3


def test_hints_come_one_at_a_time_and_begin_again(capsys):
    lab_help._shown.clear()
    shown = []
    for _ in range(len(COVARIANCE.hints) + 1):
        hint("covariance")
        shown.append(capsys.readouterr().out)
    assert [text in out for text, out in zip(COVARIANCE.hints, shown, strict=False)] == [True] * len(COVARIANCE.hints)
    assert shown[-1] == shown[0]
    assert 'solution("covariance")' in shown[-2]


def test_the_solution_is_shown_where_it_is_and_asked_for_where_it_is_not(capsys, tmp_path, monkeypatch):
    solution("covariance")
    out = capsys.readouterr().out
    assert "deviations.T @ deviations" in out
    assert "SOLUTION" not in out
    monkeypatch.setattr(lab_help, "project_root", lambda: tmp_path)
    solution("covariance")
    assert "Ask your instructor" in capsys.readouterr().out


def test_in_grading_nothing_stands_in_for_the_learners_function(monkeypatch):
    monkeypatch.setenv("COURSE_GRADING", "1")
    assert check("covariance", divides_by_n) is divides_by_n


def test_an_answer_as_html_is_escaped_and_has_its_code_marked():
    html = Answer("raised", "f: raised", ("`a < b` <script>",), code="if a < b:\n    pass")._repr_html_()
    assert "<code>a &lt; b</code> &lt;script&gt;" in html
    assert "<script>" not in html
    assert "if a &lt; b:" in html


@pytest.mark.parametrize(
    ("expected", "got", "same"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, np.float32(1.0), True),
        (1.0, np.array(1.0), True),
        (np.array([1.0, 1e-4]), np.array([1.00001, 1e-4]), False),
        (np.array([1.0, 1e-4]), np.array([1.00001, 1e-4], np.float32), True),  # as much as float32 can hold
        (np.array([100.0, 0.0]), np.array([100.0, 1e-3], np.float32), True),
        (np.array([100.0, 0.0]), np.array([100.0, 0.1], np.float32), False),
        (np.array([1.0], np.float32), np.array([1.00001], np.float32), False),
        (np.ones(3), np.ones((3, 1)), False),
        (np.ones(3), np.ones(3, dtype=int), True),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, np.inf]), np.array([1.0, np.inf]), True),
        (np.array([1.0, np.inf]), np.array([1.0, 5.0]), False),
        ((np.ones(2), 3), [np.ones(2), 3], True),
        ((np.ones(2), 3), (np.ones(2),), False),
        ({"a": 1}, {"a": 1.5}, False),
        ({"a": 1}, {"b": 1}, False),
        ("yes", "no", False),
        (torch.ones(2), torch.ones(2, dtype=torch.float64), True),
        (torch.ones(2), np.ones(2), False),
        (None, None, True),
    ],
)
def test_results_agree(expected, got, same):
    assert agree(expected, got, rtol=1e-6, atol=1e-9) is same


def test_the_largest_difference_is_named_wherever_it_is():
    text = difference((np.zeros(3), np.zeros((2, 2))), (np.array([0, 0.1, 0]), np.array([[0, 0], [0.7, 0]])), 1e-6, 0)
    assert text == "the largest difference is 0.7, item 1, at [1, 0]: yours is 0.7, expected 0"
    text = difference(np.array([np.nan, 0.5]), np.array([np.nan, 0.8]), 1e-6, 0)  # a right NaN is no difference
    assert text == "the largest difference is 0.3, at [1]: yours is 0.8, expected 0.5"


def test_describe():
    assert describe(np.zeros((2, 3))) == "an array of shape (2, 3)"
    assert describe(np.zeros(2, dtype=int)) == "an integer array of shape (2,)"
    assert describe((1.0, np.zeros(2))) == "a tuple of 2 (a number (float), an array of shape (2,))"
    assert describe({"a": 1}) == "a dict with the keys 'a'"
    assert describe(object()) == "an object"


def test_canonical_form_lets_equally_right_answers_pass():
    spectrum = find("spectrum")
    lam_E = lambda S: (np.linalg.eigh(S)[0][::-1], -np.linalg.eigh(S)[1][:, ::-1])  # noqa: E731
    assert examine(spectrum, lam_E).passed


def test_a_mistake_that_fails_on_an_input_does_not_stop_the_check():
    def broken(x):
        raise RuntimeError

    exercise = Exercise(
        name="double",
        chapter="01_pca",
        points=1,
        contract="x -> 2 x",
        reference=lambda x: 2 * x,
        cases=lambda: [Case("one", 1.0)],
        hints=("Add it to itself.",),
        mistakes=(Mistake("broken", broken, "no"), Mistake("squared", lambda x: x**2, "Twice, not squared.")),
    )
    assert examine(exercise, lambda x: 1.0).mistake == "squared"

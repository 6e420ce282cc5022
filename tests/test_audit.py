"""`course audit`: the mutants, what becomes of them, and the rates of wrong verdicts."""

import signal
from types import SimpleNamespace

import numpy as np
import pytest

from course.cli import main
from course.grading import audit, hidden, mutants
from course.lab import exercises

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers on this system")


def changed(operator, body):
    """The bodies of the mutants that one operator makes of a function."""
    indented = "\n".join("    " + line for line in body.splitlines())
    found = mutants.mutants(f"def f(a, b, k):\n{indented}", (getattr(mutants, operator),))
    return ["\n".join(line[4:] for line in mutant.source.splitlines()[1:]) for mutant in found]


@pytest.mark.parametrize(
    ("operator", "body", "expected"),
    [
        ("swap_arithmetic", "return a - b", ["return a + b"]),
        ("swap_arithmetic", "a += b", ["a -= b"]),
        ("drop_operand", "return a - b", ["return a", "return b"]),
        ("swap_factors", "return a @ b", ["return b @ a"]),
        ("swap_comparison", "return a < b", ["return a <= b", "return a > b"]),
        ("swap_comparison", "return a == b", ["return a != b"]),
        ("swap_logic", "return a and b", ["return a or b"]),
        ("swap_axis", "return a.sum(axis=0)", ["return a.sum(axis=1)"]),
        ("swap_axis", "return a.sum(axis=-1)", []),
        ("change_constant", "return 5", ["return 6", "return 4", "return 0"]),
        ("change_constant", "return 0.5", ["return 1.5", "return -0.5", "return 0.0"]),
        ("change_constant", "return True", ["return False"]),
        ("change_constant", "return 1", ["return 2", "return 0"]),
        ("drop_statement", '"""What."""\na = b\nreturn a', ['"""What."""\npass\nreturn a']),
        ("return_nothing", "return a", ["return None"]),
        ("drop_not", "return not a", ["return a"]),
        ("drop_not", "return ~a", ["return a"]),
        ("drop_minus", "return -a", ["return a"]),
        ("negate_condition", "return a if k else b", ["return a if not k else b"]),
        ("drop_filter", "return [x for x in a if x]", ["return [x for x in a]"]),
        ("swap_break", "for x in a:\n    break", ["for x in a:\n    continue"]),
        ("drop_keyword", "return g(a, b=1, c=2)", ["return g(a, c=2)", "return g(a, b=1)"]),
        ("swap_arguments", "return g(a, b, k)", ["return g(b, a, k)", "return g(a, k, b)"]),
        ("drop_call", "return np.sqrt(a)", ["return a"]),
        ("drop_transpose", "return a.T", ["return a"]),
        ("move_bound", "return a[:, :k]", ["return a[:, :k + 1]", "return a[:, :k - 1]", "return a[:, :]"]),
        ("drop_step", "return a[:, ::-1]", ["return a[:, :]"]),
    ],
)
def test_what_an_operator_makes(operator, body, expected):
    assert changed(operator, body) == expected


def test_every_operator_is_used_and_has_its_test():
    tested = {case[0] for case in test_what_an_operator_makes.pytestmark[0].args[1]}
    assert tested == {operator.__name__ for operator in mutants.OPERATORS}


def test_a_mutant_is_named_once_and_shows_what_changed():
    found = list(mutants.mutants("def f(a, b):\n    return a.sum(axis=0)"))
    assert len({mutant.source for mutant in found}) == len(found)
    assert found[0].operator == "return_nothing"
    by_axis = next(mutant for mutant in found if mutant.operator == "swap_axis")
    assert by_axis.change == "- return a.sum(axis=0)\n+ return a.sum(axis=1)"


RANGE = exercises.find("column_range")
SOURCE = "def column_range(X):\n    return X.max(axis=0) - X.min(axis=0)\n"


@pytest.fixture
def only_test(monkeypatch):
    """Put one made test in the place of the hidden tests of column_range."""

    def put(function):
        made = hidden.HiddenTest(function.__name__, "column_range", "It is so.", function)
        monkeypatch.setattr(hidden, "of_chapter", lambda chapter: (made,))

    return put


def weak(submission, rng):
    assert submission.column_range(rng.normal(size=(3, 2))).shape == (2,)


def strict(submission, rng):
    X = rng.normal(size=(9, 5))
    np.testing.assert_allclose(submission.column_range(X), np.ptp(X, axis=0), rtol=1e-5)


def test_a_weak_test_lets_a_mutant_survive(only_test):
    only_test(weak)
    found = audit.survey(RANGE, SOURCE, {})
    plus = "# swap_arithmetic\n- return X.max(axis=0) - X.min(axis=0)\n+ return X.max(axis=0) + X.min(axis=0)"
    assert plus in found.survivors
    assert "# registered mistake: smallest minus largest" in found.survivors
    assert found.mutants == found.killed + len(found.survivors) + found.alike


def test_a_strict_test_lets_none_survive(only_test):
    only_test(strict)
    found = audit.survey(RANGE, SOURCE, {})
    assert (found.survivors, found.alike) == ([], 0)
    assert found.killed == found.mutants > 10


def test_a_mutant_that_is_seen_with_some_seeds_only_survives(only_test):
    def at_times(submission, rng):
        if rng.uniform() < 0.5:
            strict(submission, rng)

    only_test(at_times)
    passing = [hidden.generator("at_times", seed).uniform() >= 0.5 for seed in audit.SEEDS]
    assert any(passing)
    assert not all(passing)
    assert audit.survey(RANGE, SOURCE, {}).survivors


def test_a_change_that_changes_nothing_is_no_survivor(only_test):
    only_test(strict)
    found = audit.survey(RANGE, SOURCE.replace("return", "return 1 *"), {})
    assert found.survivors == []
    assert found.alike >= 1
    assert found.inputs == audit.INPUTS


def test_a_mutant_that_hangs_is_killed_by_the_clock(only_test):
    only_test(strict)
    source = SOURCE.replace("    return", "    i = 0\n    while i < 1:\n        i += 1\n    return")
    found = audit.survey(RANGE, source, {}, seconds=0.2)
    assert found.timed_out >= 2
    assert found.survivors == []


def test_a_hang_ends_even_where_everything_is_caught():
    def stubborn():
        for _ in range(2):
            try:
                while True:
                    pass
            except BaseException:
                continue
        while True:
            pass

    with pytest.raises(audit.TimeUp), audit.time_limit(0.05):
        stubborn()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_solution_that_fails_is_said(only_test):
    only_test(strict)
    with pytest.raises(audit.AuditError, match="does not pass its hidden tests"):
        audit.survey(RANGE, SOURCE.replace("-", "+"), {})
    with pytest.raises(audit.AuditError, match="defines no such function"):
        audit.survey(RANGE, "x = 1", {})


def test_perturbed_inputs_keep_their_kind():
    rng = np.random.default_rng(0)
    A = np.array([[0.0, -2.0, np.inf], [-2.0, 0.0, 3.0], [np.inf, 3.0, 0.0]])
    (B, labels), k = audit.perturbed(((A, np.arange(3)), 2), rng)
    np.testing.assert_array_equal(B, B.T)
    np.testing.assert_array_equal(np.sign(B), np.sign(A))
    assert np.isinf(B[0, 2])
    assert B[1, 2] != 3
    np.testing.assert_array_equal(labels, np.arange(3))
    assert k == 2


def test_single_precision_goes_in_and_comes_out():
    kinds = []

    def function(X, k):
        kinds.append((X.dtype, k))
        return X.astype(float).sum(), (X.astype(float), "text")

    total, (array, text) = audit.in_single_precision(function)(np.ones((2, 2)), 3)
    assert kinds == [(np.float32, 3)]
    assert array.dtype == np.float32
    assert (float(total), text) == (4.0, "text")


def test_rates_count_wrong_verdicts_both_ways(only_test):
    def a_coin(submission, rng):
        assert rng.uniform() < 0.5

    only_test(a_coin)
    heads = sum(hidden.generator("a_coin", seed).uniform() < 0.5 for seed in range(40))
    rates = audit.calibrate(RANGE, seeds=40)
    assert rates[0].what == "the reference fails"
    assert all(rate.wrong == (heads if rate.what.endswith("passes") else 40 - heads) for rate in rates)
    assert len(rates) == 1 + 2 * len(hidden.alternatives(RANGE.chapter)["column_range"]) + len(RANGE.mistakes)


def test_the_bound_is_the_exact_one():
    assert audit.Rate("", "", 0, 200).bound == pytest.approx(1 - 0.05 ** (1 / 200))
    assert audit.Rate("", "", 200, 200).bound == 1
    assert 0.005 < audit.Rate("", "", 1, 200).bound < 0.03


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.01487, "1.5 %"), (0.5, "50 %"), (1, "100 %"), (0.00101, "0.11 %"), (0.02, "2 %")]
)
def test_a_share_is_rounded_up(share, text):
    assert audit._percent(share) == text


def test_an_audit_of_weak_tests_fails_and_lists_what_survived(only_test, capsys):
    only_test(weak)
    assert main(["audit", "00_start_here", "--seeds", "2"]) == 1
    out = capsys.readouterr().out
    assert "survived: # swap_arithmetic\n      - return" in out
    assert "the mistake “smallest minus largest” passes: 2 of 2 (100 %; below 100 % with 95 %)" in out


def test_the_hidden_tests_of_the_second_chapter_stand_the_audit(capsys):
    assert main(["audit", "01_pca", "--seeds", "3"]) == 0
    out = capsys.readouterr().out
    assert "survived:" not in out
    assert all(exercise.name in out for exercise in exercises.of_chapter("01_pca"))


def test_without_hidden_tests_it_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(audit, "project_root", lambda: tmp_path)
    assert main(["audit"]) == 2
    assert "audit from the instructors' clone" in capsys.readouterr().err


def test_without_interval_timers_it_says_so(monkeypatch):
    monkeypatch.setattr(audit, "signal", SimpleNamespace())
    with pytest.raises(audit.AuditError, match="interval timers"), audit.time_limit(1):
        pass

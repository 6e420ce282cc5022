"""Formulas as text: what is read, what is refused and in which words, what counts as equal, and that nothing hangs."""

import contextlib
import random
import subprocess
import sys
import time

import pytest
import sympy

from course.lab import formula
from course.lab.check import examine
from course.lab.exercise import Case, Exercise, Mistake
from course.lab.formula import FormulaError, equivalent, parse, value, values

SYMBOLS = {"mu": (-2.0, 2.0), "sigma": (0.3, 2.0)}
KL = "(mu**2 + sigma**2 - 1)/2 - log(sigma)"


@pytest.mark.parametrize(
    "same",
    [
        "0.5*mu**2 + 0.5*sigma**2 - 1/2 - log(sigma)",
        "-(1 + 2*log(sigma) - mu**2 - sigma**2)/2",
        "(mu*mu + sigma*sigma - 1 - log(sigma**2))/2",
        "((mu - sigma)*(mu + sigma) + 2*sigma**2 - 1)/2 - log(sigma)",
        "log(exp(mu**2/2))+ (sigma**2 - 1) / 2 + log(1/sigma)",
        "mu**2/2 + (sigma**4 - 1)/(2*(sigma**2 + 1)) - 2*log(sqrt(sigma))",
        "  (mu**2.0 + sigma**2 - 1e0)/2 - log(sigma) + pi - pi",
    ],
)
def test_one_formula_in_many_forms(same):
    assert equivalent(KL, same, SYMBOLS)
    assert equivalent(same, KL, SYMBOLS)


@pytest.mark.parametrize(
    "other",
    [
        "(mu**2 + sigma**2 - 1)/2 + log(sigma)",
        "(mu**2 + sigma**2 - 1)/2 - log(sigma)/2",
        "(sqrt(mu**2)*mu + sigma**2 - 1)/2 - log(sigma)",  # differs where mu is negative
        "(mu**2 + sigma**2 - 1)/2 - log(sigma) + 1/10**29",
        "(mu**2 + sigma**2 - 1)/2 - log(sigma) + exp(-200)",  # 50 digits do not show it: the algebra does
        "0",
    ],
)
def test_other_formulas(other):
    assert not equivalent(KL, other, SYMBOLS)


def test_values_are_those_of_sympys_own_parser():
    expression = sympy.sympify(KL)
    for where, number in values(KL, SYMBOLS).items():
        point = {name: float(text) for name, text in (part.split(" = ") for part in where.split(", "))}
        assert number == pytest.approx(float(expression.subs(point)), rel=1e-14)
        assert value(KL, point) == number


def test_a_value_at_one_point():
    assert value("x**2 - 1/4", {"x": 3}) == 8.75
    with pytest.raises(FormulaError, match="the symbols are x"):
        value("y", {"x": 3})


def test_values_are_fixed_and_lie_in_the_intervals():
    assert values(KL, SYMBOLS) == values(KL, SYMBOLS)
    assert len(values(KL, SYMBOLS, points=7)) == 7
    for where in values("1", {"a": (3, 4)}):
        assert 3 <= float(where.removeprefix("a = ")) <= 4


def test_parse_gives_sympys_expression_with_exact_numbers():
    mu, sigma = sympy.Symbol("mu", real=True), sympy.Symbol("sigma", positive=True)
    assert parse("0.1*mu - sqrt(sigma**2)", SYMBOLS) == mu / 10 - sigma
    assert parse("2**-1", SYMBOLS) == sympy.Rational(1, 2)
    assert parse("+pi", SYMBOLS) is sympy.pi


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mu^2", r"\*\*"),
        ("(mu + 1", "bracket is missing: 1 open, 0 close"),
        ("2mu", r"a `\*` is missing"),
        ("2 mu", r"a `\*` is missing"),
        ("mu sigma", r"a `\*` is missing"),
        ("2(mu + 1)", r"a `\*` is missing"),
        ("mu(sigma + 1)", r"a `\*` is missing"),
        ("KL = mu", "right of the `=`"),
        ("", "empty"),
        ("   ", "empty"),
        ("mu +", "operand missing"),
        ("m + 1", "`m` is unknown: the symbols are mu, sigma"),
        ("ln(sigma)", "`ln` is no function"),
        ("log", "`log` is a function"),
        ("log + 1", "`log` is a function"),
        ("log(mu, 2)", "one argument"),
        ("log(*mu)", "one argument"),
        ("log(mu)", "not positive"),
        ("sqrt(-sigma)", "not positive"),
        ("log(0)", "not positive"),
        ("(-sigma)**0.5", "negative"),
        ("log(sqrt(0.3 - 0.3))", "not positive"),
        ("1/log(sigma/sigma)", "divides by zero"),
        ("1/(mu - mu)", "divides by zero"),
        ("0**-1", "zero to a power"),
        ("mu if sigma else 1", "has no IfExp"),
        ("mu < 1", "has no Compare"),
        ("mu.real", r"has no `\.`"),
        ("[mu]", "has no List"),
        ("'mu'", "only numbers"),
        ("True", "only numbers"),
        ("1j", "only numbers"),
        ("1e999", "too large"),
        ("mu // 2", "has no FloorDiv"),
        ("__import__('os').system('true')", "bracket|no"),
        ("(lambda: 1)()", "bracket"),
        ("mu" + "+mu" * 300, "500"),
        ("+".join(["1"] * 200), "too many parts"),
        ("mu\x00", "cannot be read"),
    ],
)
def test_what_is_no_formula_is_refused_in_words(text, says):
    with pytest.raises(FormulaError, match=says):
        values(text, SYMBOLS)
    with pytest.raises(FormulaError):
        parse(text, SYMBOLS)


def test_something_else_than_text_is_refused_in_words():
    with pytest.raises(FormulaError, match=r"str\(\.\.\.\)"):
        values(sympy.Symbol("mu") + 1, SYMBOLS)
    with pytest.raises(FormulaError, match="a float"):
        values(1.5, SYMBOLS)


HOSTILE = [
    "9**9**9**9",
    "(((9**9)**9)**9)**9",
    "exp(exp(exp(exp(9))))",
    "exp(-exp(exp(exp(9))))",
    "((1 + 1/9)**64)**64",
    "((((1000001/1000000)**8)**8)**8)**8",
    "(1.000001**mu)**(10**40)",
    "(mu + sigma + 1)**64",
    "*".join(f"(mu + log(sigma + {i}))" for i in range(20)),
    "+".join(f"1/(mu + log(sigma + {i + 9}))" for i in range(18)),
    "-" * 480 + "mu",
    "(" * 240 + "mu" + ")" * 240,
    "2**" * 60 + "2",
    "log(" * 90 + "mu" + ")" * 90,
    "sqrt(" * 60 + "sigma" + ")" * 60,
    "9" * 480,
    "0." + "0" * 480 + "1",
    "1e-300*1e-300",
    "(sqrt(2) + sqrt(3) + sqrt(sigma) + sqrt(5) + sqrt(7))**4 - (sqrt(2) + sqrt(11) + sqrt(13))**5",
    "log((mu**2 + 1)**8 * (sigma**2 + 2)**8) + exp((mu + sigma)**9)",
    "10**90/(10**90 + 1)**1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_takes_long(text):
    began = time.process_time()
    for other in (KL, text):
        with contextlib.suppress(FormulaError):
            equivalent(text, other, SYMBOLS)
    assert time.process_time() - began < 5


def test_random_formulas_are_equal_to_themselves_in_another_form_and_take_no_time():
    draws = random.Random(0)

    def grown(depth):
        if depth == 0 or draws.random() < 0.15:
            return draws.choice(["mu", "sigma", "2", "0.5", "pi", "sigma"])
        kind = draws.random()
        if kind < 0.15:
            return f"{draws.choice(['log', 'sqrt'])}(1 + ({grown(depth - 1)})**2)"
        if kind < 0.2:
            return f"exp(-({grown(depth - 1)})**2)"
        if kind < 0.3:
            return f"({grown(depth - 1)})**{draws.choice([2, 3, -1])}"
        return f"({grown(depth - 1)} {draws.choice('+-*/')} {grown(depth - 1)})"

    tried = 0
    for _ in range(30):
        text = grown(4)
        began = time.process_time()
        try:
            assert equivalent(text, f"({text})*(1 + sigma)/(sigma + 1) + mu - mu", SYMBOLS)
            assert not equivalent(text, f"{text} + sigma/1000", SYMBOLS)
            tried += 1
        except FormulaError:  # too large, or without a value somewhere
            pass
        assert time.process_time() - began < 10, text
    assert tried > 15


def test_reading_a_formula_runs_nothing(tmp_path):
    target = tmp_path / "made"
    for text in (f"open('{target}', 'w')", f"mu + [open('{target}', 'w')][0]", "exit()", "mu.__class__"):
        with pytest.raises(FormulaError):
            values(text, SYMBOLS)
    assert not target.exists()


def test_the_lab_loads_without_sympy():
    code = "import sys, course.lab, course.lab.formula; print('sympy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_every_function_named_is_sympys():
    assert all(hasattr(sympy, name) for name in formula.FUNCTIONS)


TASK = Exercise(
    name="kl_formula",
    chapter="06_vae_derivation",
    points=1,
    contract="no arguments -> a text",
    reference=lambda: KL,
    cases=lambda: [Case("a call without arguments")],
    hints=("a", "b"),
    mistakes=(Mistake("the sign of the logarithm", lambda: KL.replace("- log", "+ log"), "Look at log(1/sigma)."),),
    canonical=lambda text: values(text, SYMBOLS),
    rtol=1e-12,
    atol=1e-12,
)


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ("-log(sigma) + mu**2/2 + sigma**2/2 - 0.5", "passed", ""),
        ("(mu**2 + sigma**2 - 1)/2 + log(sigma)", "wrong value", "the sign of the logarithm. Look at"),
        ("mu**2", "wrong value", "mu = "),
        ("(mu^2 + sigma^2 - 1)/2 - log(sigma)", "wrong value", "write `**` for a power"),
        ("(mu**2 + sigma**2 - 1/2 - log(sigma)", "wrong value", "a bracket is missing"),
        (sympy.Symbol("mu") + 1, "wrong type or shape", "a SymPy expression (`str(...)` makes a text of it)"),
        (None, "wrong type or shape", "returned None; expected a text (str). Is the `return` missing?"),
    ],
)
def test_a_check_tells_what_is_wrong_with_a_formula_and_never_the_answer(answer, status, says):
    verdict = examine(TASK, lambda: answer)
    assert verdict.status == status
    assert says in str(verdict)
    assert KL not in str(verdict)

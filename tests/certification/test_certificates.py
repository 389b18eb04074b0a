"""What a certificate looks at: shapes, regions, kinks, samples, a family's own checks; and how it says what it saw."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from zoba_bench.certification.against_symbols import compare
from zoba_bench.certification.catalogue import certify_all, installed
from zoba_bench.certification.certificate import KINDS, Certificate, Check
from zoba_bench.certification.certify import certify, certify_registered
from zoba_bench.certification.constants import measure_constants
from zoba_bench.certification.differences import derivative, inside, secant, second_difference, settle
from zoba_bench.certification.identities import vanishes
from zoba_bench.problem import BilevelProblem, Card, Constants
from zoba_bench.problem.symbolic import Symbolic
from zoba_bench.registry import UnknownNameError, list_problems, load_problem, missing_requirements, problem_groups
from zoba_bench.timing import evaluation_cost


def follow(**changes) -> BilevelProblem:
    """G = |z - x|^2/2, F = |z - 1|^2/2 in two dimensions, with everything declared."""
    forms = {
        "inner_solution": lambda x: 1.0 * x, "adjoint": lambda x: 1.0 - x, "hypergradient": lambda x: x - 1.0,
        "value": lambda x: 0.5 * np.sum((x - 1) ** 2, axis=-1), "minimizer": np.ones(2), "minimum": 0.0,
        "constants": Constants(mu=1.0, L_zz=1.0, k_z=1.0, H=0.0),
    }  # fmt: skip
    inner = lambda z, x: 0.5 * np.sum((z - x) ** 2, axis=-1)  # noqa: E731
    outer = lambda z, x: 0.5 * np.sum((z - 1) ** 2 + 0 * x, axis=-1)  # noqa: E731
    return BilevelProblem.from_functions(**({"inner": inner, "outer": outer, "p": 2, "d": 2} | forms | changes))


def failed(problem: BilevelProblem, **options) -> dict[str, str]:
    return {check.name: check.detail for check in certify(problem, **options).failed}


# Everything registered.


SOLUTION = {"inner stationarity", "adjoint equation", "value", "hypergradient by the adjoint"}
OPTIMUM = {"stationary minimiser", "minimum is the value there", "global minimum"}
IDENTITIES = SOLUTION | OPTIMUM | {"strong convexity", "hypergradient is the derivative of Psi"}
# What cannot be proved of a family, as it has no such closed form, or not everywhere. Of all others everything is.
NOT_PROVED = {
    "bda_lls": {"strong convexity"},
    "pl_rankdef": {"strong convexity"},
    "bvfsm_sin": {"strong convexity"},
    "coreset_bome": OPTIMUM - {"global minimum"},  # the infimum is not attained
    "diabetes_ridge": OPTIMUM,
    "bome_minmax": SOLUTION | {"strong convexity"},
    "entropic_simplex": SOLUTION | {"strong convexity"},
    "group_lasso": SOLUTION | {"strong convexity"},
    "l1_tracking": SOLUTION | {"strong convexity"},
    "l1_meha": SOLUTION | {"strong convexity"} | (OPTIMUM - {"global minimum"}),  # a set of minimisers
    "iaptt_toy": IDENTITIES - {"global minimum"},
    # Lower levels that are solved by Newton's method have no symbols.
    **dict.fromkeys(problem_groups()["tasks"], IDENTITIES),
}
# Families that prove statements of their own, named where they are few.
OWN_PROOFS = {
    "coreset_bome": {"infimum is approached", "infimum is not attained"},
    **dict.fromkeys(
        (
            "bda_lls", "bvfsm_sin", "bome_minmax", "entropic_simplex", "group_lasso", "l1_tracking", "l1_meha",
            "iaptt_toy", "two_task",
        )
    ),
}  # fmt: skip


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", list_problems())
def test_the_certificate_of_every_registered_problem_is_ok_and_proves_what_can_be_proved(name):
    if missing_requirements(name):
        pytest.skip(f"needs {missing_requirements(name)}")
    certificate = certify_registered(name, seed=1)
    assert certificate.ok, certificate.lines()
    proved = {check.name for check in certificate.checks if check.kind == "proved"}
    assert proved & IDENTITIES == IDENTITIES - NOT_PROVED.get(name, set())
    own = proved - IDENTITIES
    assert bool(own) == (name in OWN_PROOFS), own
    assert OWN_PROOFS.get(name) in (None, own)


def test_certificates_do_not_depend_on_the_number_of_processes():
    names = ["bolib_falk_liu_1995", "bolib_yezza_1996_ex41"]
    assert certify_all(names, 3, jobs=1) == certify_all(names, 3, jobs=2)


def test_a_seed_gives_the_same_certificate_again():
    name = "bolib_falk_liu_1995"
    assert certify_registered(name, 4) == certify_registered(name, 4)


def test_a_problem_that_cannot_be_built_gets_a_certificate_that_says_why(monkeypatch):
    monkeypatch.setattr("zoba_bench.certification.catalogue.certify_registered", lambda *_: 1 / 0)
    (certificate,) = certify_all(["reference"])
    assert [(check.name, check.detail) for check in certificate.failed] == [
        ("the problem is built", "ZeroDivisionError: division by zero")
    ]


def test_problems_without_their_extra_are_left_out_with_what_installs_them(monkeypatch):
    monkeypatch.setattr(
        "zoba_bench.certification.catalogue.missing_requirements",
        lambda name: {"sklearn": "data"} if "diabetes" in name or name in problem_groups()["tasks"] else {},
    )
    names, left_out = installed()
    data = ["diabetes_ridge", *problem_groups()["tasks"]]
    assert left_out == dict.fromkeys(sorted(data), 'pip install "zoba-bench[data]"')
    assert names == [name for name in list_problems() if name not in data]


def test_an_unknown_name_is_refused_before_anything_is_checked():
    with pytest.raises(UnknownNameError, match="did you mean 'reference'"):
        installed(["refrence"])


def test_certificates_are_told_as_they_come_in_the_given_order(monkeypatch):
    """With two processes the first may be the last; nothing waits for the end of all."""
    told, names = [], ["c", "a", "b"]
    made = {name: Certificate(name, ()) for name in names}

    def stream(names, seed, jobs):
        for name, before in (("a", []), ("c", []), ("b", ["c", "a"])):
            assert told == before
            yield name, made[name]

    monkeypatch.setattr("zoba_bench.certification.catalogue._stream", stream)
    found = certify_all(names, jobs=2, tell=lambda one: told.append(one.problem))
    assert told == names
    assert [one.problem for one in found] == names


# What is looked at.


def test_a_right_problem_passes_and_says_what_nobody_proves():
    certificate = certify(follow())
    assert certificate.ok, certificate.lines(whole=True)
    stated = {check.name: check.detail for check in certificate.checks if check.kind == "stated"}
    assert stated["proof"] == "no symbolic form is declared: nothing is proved"
    assert "inner_hessian" in stated["closed forms"]


@pytest.mark.parametrize(
    ("changes", "name", "words"),
    [
        ({"inner": lambda z, x: 0.5 * np.sum((z - x) ** 2)}, "inner: shape", r"shape \(\).*needs \(3, 2\).*vectorize"),
        ({"inner": lambda z, x: float(z[0] - x[0])}, "inner: shape", "raises TypeError.*vectorize=True"),
        ({"value": lambda x: np.zeros(x.shape[:-1], complex)}, "value: shape", "returns complex128, needs float64"),
        ({"adjoint": lambda x: np.full(x.shape, np.nan)}, "adjoint: shape", "NaN"),
        ({"inner_solution": lambda x: x[..., :1]}, "inner_solution: shape", r"shape \(2, 1\).*needs \(2, 2\)"),
        ({"inner_hessian": lambda z, x: (np.eye(2), np.eye(2))}, "inner_hessian: shapes", "needed"),
        ({"start": lambda rng: (np.zeros(2), np.zeros(3))}, "start", r"x0 \(3,\)"),
        ({"start": lambda rng: (np.zeros(2), np.full(2, np.inf))}, "start", "not finite"),
        ({"inner_solution": lambda x: 1.001 * x}, "inner solution", "G_z"),
        ({"constants": Constants(mu=2.0)}, "constant mu", "declared 2, met 1"),
        ({"constants": Constants(L_zz=0.5)}, "constant L_zz", "declared 0.5, met "),
        ({"constants": Constants(k_z=0.5)}, "constant k_z", "declared 0.5, met 1"),
        ({"constants": Constants(L_xz=0.5)}, "constant L_xz", "declared 0.5, met "),
        ({"minimum": 0.5}, "nothing below the minimum", "-0.5"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_numbers(changes, name, words):
    found = failed(follow(**changes))
    detail = next(text for title, text in found.items() if title.startswith(name))
    assert re.search(words, detail), found


def test_a_function_that_raises_is_a_finding_and_no_crash():
    def touchy(x):
        if x.shape[:-1] == (8,):
            raise RuntimeError("not today")
        return 1.0 - x

    assert failed(follow(adjoint=touchy))["closed forms"] == "raises RuntimeError: not today"


def test_an_infimum_that_nothing_approaches_is_not_certified():
    # Psi = log(1 + exp(x)) has the infimum 0, at infinity; nothing is near -0.1.
    forms = {
        "inner_solution": lambda x: 1.0 * x, "hypergradient": lambda x: 1 / (1 + np.exp(-x)),
        "value": lambda x: np.logaddexp(0, x)[..., 0], "minimizer": None, "adjoint": None,
        "constants": Constants(),
    }  # fmt: skip
    outer = lambda z, x: np.logaddexp(0, z)[..., 0] + 0 * x[..., 0]  # noqa: E731
    inner = lambda z, x: 0.5 * np.sum((z - x) ** 2, axis=-1)  # noqa: E731
    right = BilevelProblem.from_functions(outer, inner, 1, 1, **forms, minimum=0.0)
    assert failed(right) == {}
    assert "minimum is approached" in failed(replace(right, minimum=-0.1))


def test_points_are_drawn_in_the_declared_region():
    # G = sum (exp(z) - x z) has z* = log x: it needs x > 0, and the slope of z* is at most 2 for x >= 1/2.
    def region(z, x):
        return z, np.clip(x, 0.5, 4.0)

    forms = {"inner_solution": np.log, "constants": Constants(k_z=2.0), "start": lambda rng: (np.zeros(2), np.ones(2))}
    inner = lambda z, x: np.sum(np.exp(z) - x * z, axis=-1)  # noqa: E731
    outer = lambda z, x: 0.5 * np.sum(z**2 + 0 * x, axis=-1)  # noqa: E731
    problem = BilevelProblem.from_functions(outer, inner, 2, 2, **forms, region=region)
    assert failed(problem) == {}
    assert "constant k_z" in failed(replace(problem, constants=Constants(k_z=1.0)))
    with np.errstate(all="ignore"):
        assert failed(replace(problem, region=None)) != {}


def test_a_minimiser_on_the_boundary_of_the_region_is_stationary_for_the_projected_gradient():
    def region(z, x):
        return z, np.maximum(x, 2.0)

    changes = {"minimizer": np.full(2, 2.0), "minimum": 1.0, "region": region}
    assert failed(follow(**changes, start=lambda rng: (np.zeros(2), np.full(2, 3.0)))) == {}
    inner_point = {"minimizer": np.full(2, 2.5), "minimum": 2.25}
    found = failed(follow(**(changes | inner_point), start=lambda rng: (np.zeros(2), np.full(2, 3.0))))
    assert {"minimizer", "minimizer is a minimum"} <= set(found)


def nonsmooth(shift: float = 0.0) -> BilevelProblem:
    """G = |z - x|^2/2 + |z|_1: soft thresholding, with kinks."""

    def solution(x):
        return np.sign(x) * np.maximum(np.abs(x) - 1, 0) + shift

    card = Card("", "", {}, False, "nonconvex", "any", smooth=False)
    inner = lambda z, x: 0.5 * np.sum((z - x) ** 2, axis=-1) + np.sum(np.abs(z), axis=-1)  # noqa: E731
    outer = lambda z, x: 0.5 * np.sum((z - 1) ** 2 + 0 * x, axis=-1)  # noqa: E731
    slope = lambda x: np.where(np.abs(x) > 1, solution(x) - 1, 0.0)  # noqa: E731
    return BilevelProblem.from_functions(
        outer, inner, 3, 3, inner_solution=solution, hypergradient=slope, minimizer=np.full(3, 2.0), minimum=0.0,
        card=card,
    )  # fmt: skip


def test_kinks_are_no_errors_and_hide_none():
    assert failed(nonsmooth()) == {}
    assert "inner solution is a minimum" in failed(nonsmooth(1e-3))


def test_a_familys_own_checks_become_part_of_its_certificate():
    wrong = Check("potential", False, "computed", "residual 1")
    assert failed(follow(extra_checks=lambda: [wrong])) == {"potential": "residual 1"}
    assert failed(follow(extra_checks=lambda: 1 / 0)) == {"extra checks": "raises ZeroDivisionError: division by zero"}
    named = follow(name="this one", extra_checks=lambda q: [Check(q.name, False, "stated")])
    assert failed(named) == {"this one": ""}


def sampled(offset: float = 0.0, **constants) -> BilevelProblem:
    """G = mean of |z - x - c_i|^2/2 with c_i = +-1: every sample's gradient is off by exactly 1."""
    centres = np.array([-1.0, 1.0])

    def inner(z, x, sample=None):
        if sample is None:
            return 0.5 * np.vecdot(z - x, z - x) + 0.5 + offset
        moved = z - x - np.asarray(centres[sample])[..., None] * np.array([1.0, 0.0])
        return 0.5 * np.vecdot(moved, moved)

    return follow(inner=inner, inner_samples=2, constants=Constants(mu=1.0, **constants))


def test_spreads_of_samples_are_measured():
    assert failed(sampled(sigma_gz=1.0)) == {}
    assert list(failed(sampled(sigma_gz=0.9))) == ["constant sigma_gz"]
    assert list(failed(sampled(sigma_gz=1.0, L_zz=0.9))) == ["constant L_zz", "constant L_zz, every sample"]
    assert list(failed(sampled(sigma_gz=1.0, offset=0.1))) == ["inner: mean over the samples"]


def test_a_constant_that_is_only_sampled_is_checked_and_called_so():
    def found(**constants):
        checks = certify(follow(constants=Constants(mu=1.0, **constants))).checks
        return {check.name: check for check in checks}

    check = found(L_zz=1.0, sampled=("L_zz",))["constant L_zz"]
    assert (check.ok, check.kind) == (True, "sampled")
    assert re.fullmatch(r"declared 1, met \S+; only sampled, no bound uses it", check.detail)
    assert "only sampled" not in found(L_zz=1.0, sampled=("L_zz",))["constant mu"].detail
    assert not found(L_zz=0.9, sampled=("L_zz",))["constant L_zz"].ok
    # R_g is never measured by itself, nor sigma_gz where there are no samples: both are mentioned all the same.
    for name in ("R_g", "sigma_gz"):
        check = found(**{name: 3.0, "sampled": (name,)})[f"constant {name}"]
        words = "declared 3; only sampled, no bound uses it, and not measured here"
        assert (check.ok, check.kind, check.detail) == (True, "stated", words)
        assert f"constant {name}" not in found(**{name: 3.0})


def test_a_sampled_spread_is_called_so():
    (check,) = (c for c in certify(sampled(sigma_gz=1.0, sampled=("sigma_gz",))).checks if c.name.endswith("sigma_gz"))
    assert (check.ok, check.kind) == (True, "sampled")
    assert check.detail.endswith("only sampled, no bound uses it")


def test_lipschitz_constants_of_curvature_are_found_where_they_are_attained():
    # The largest third derivative of log cosh is 4/(3 sqrt 3), at one point of the line.
    exact = 4 / (3 * np.sqrt(3))

    def inner(z, x):
        return np.sum(np.log(np.cosh(z - x)) + 0.5 * (z - x) ** 2, axis=-1)

    for name in ("H_zz", "H_xz", "H_zx", "H_xx"):
        problem = follow(inner=inner, constants=Constants(**{name: exact}))
        (check,) = measure_constants(problem, np.random.default_rng(0), only=name)
        assert check.ok, check
        low = replace(problem, constants=Constants(**{name: 0.95 * exact}))
        (check,) = measure_constants(low, np.random.default_rng(0), only=name)
        assert not check.ok, check


@pytest.mark.parametrize(("name", "constant"), [("l1_tracking", "R"), ("bome_minmax", "C_z"), ("l1_meha", "R")])
def test_bounds_of_problems_without_an_adjoint_are_measured_where_they_offer_another(name, constant):
    problem = load_problem(name)
    for factor in (1.0, 0.6):
        constants = replace(problem.constants, **{constant: factor * getattr(problem.constants, constant)})
        (check,) = measure_constants(replace(problem, constants=constants), np.random.default_rng(0), only=constant)
        assert check.ok == (factor == 1), check


# Symbols.


def square(**changes) -> Symbolic:
    z, x, a = sp.Symbol("z", real=True), sp.Symbol("x", real=True), sp.Symbol("a", positive=True)
    forms = {"inner_solution": [x], "value": x**2 / 2, "parameters": {a: 2.0}, "constants": {"L_zz": a}}
    return Symbolic(z=[z], x=[x], inner=a * (z - x) ** 2 / 2, outer=z**2 / 2, **(forms | changes))


def of_square(symbols: Symbolic, **changes) -> BilevelProblem:
    forms = {"inner_solution": lambda x: 1.0 * x, "value": lambda x: 0.5 * x[..., 0] ** 2}
    inner = lambda z, x: (z[..., 0] - x[..., 0]) ** 2  # noqa: E731
    outer = lambda z, x: 0.5 * z[..., 0] ** 2 + 0 * x[..., 0]  # noqa: E731
    given = forms | {"symbolic": lambda: symbols, "constants": Constants(L_zz=2.0)} | changes
    return BilevelProblem.from_functions(outer, inner, 1, 1, **given)


def test_symbols_are_proved_and_compared():
    certificate = certify(of_square(square()))
    assert certificate.ok, certificate.lines(whole=True)
    assert certificate.counts["proved"] == 2


def test_a_constant_that_differs_from_its_expression_is_seen_whatever_its_size():
    for value in (1.99, 2.01):
        assert "constant L_zz" in failed(of_square(square(), constants=Constants(L_zz=value)))


def test_a_constant_cannot_be_sampled_where_an_expression_gives_it():
    constants = Constants(L_zz=2.0, sampled=("L_zz",))
    assert failed(of_square(square())) == {}
    assert "take the name out of `sampled`" in failed(of_square(square(), constants=constants))["constant L_zz"]


def test_an_instance_outside_the_assumptions_of_the_symbols_is_seen():
    (symbol,) = square().parameters
    checks = compare(of_square(square()), square(parameters={symbol: -2.0}), np.random.default_rng(0))
    (check,) = [check for check in checks if check.name == "parameters are as the symbols assume"]
    assert (check.ok, check.detail) == (False, "not: a = -2")


def test_hessian_blocks_are_compared_with_the_symbols():
    right = (np.array([[2.0]]), np.array([[-2.0]]), np.array([[2.0]]))
    assert failed(of_square(square(), inner_hessian=lambda z, x: right)) == {}
    wrong = (right[0], -right[1], right[2])
    assert "inner_hessian xz as in the symbols" in failed(of_square(square(), inner_hessian=lambda z, x: wrong))


def test_numbers_refute_what_is_no_identity_and_prove_nothing():
    x, y = sp.Symbol("x", real=True), sp.Symbol("y", positive=True)
    assert vanishes(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1)
    assert vanishes(sp.sqrt(y**2) - y)
    assert not vanishes(sp.sqrt(x**2) - x)
    assert not vanishes(sp.sin(x) * sp.Rational(1, 10**9))
    assert not vanishes((x + y) ** 2 - x**2 - y**2)
    # A product has no terms of its own to compare a rounding with.
    product = y * (1 / ((1 / (1 + y) + x**2) * (1 + y)) - 1 / (1 + x**2 * (1 + y)))
    assert vanishes(product)
    assert not vanishes(product + y * sp.Rational(1, 10**12))


# The numbers themselves.


def test_differences_know_their_error():
    for function, exact in ((np.exp, 1.0), (lambda t: np.sin(30 * t), 30.0)):
        first = derivative(function)
        assert abs(first.value - exact) <= first.error <= 1e-3
    kink = derivative(lambda t: np.abs(t + 1e-3))
    assert kink.error > 0.1


@pytest.mark.parametrize("shift", [0.0, 3e-4, -1e-3, 4e-3])
def test_quotients_never_exceed_a_lipschitz_constant_whatever_the_kinks(shift):
    for function in (lambda t: np.abs(t + shift), lambda t: np.sin(t + shift)):
        found = secant(function)
        assert abs(found.value) <= 1 + found.error
    for function in (lambda t: (t + shift) * np.abs(t + shift) / 2, lambda t: np.maximum(t + shift, 0) ** 2 / 2):
        found = second_difference(function, 2e-3)
        assert abs(found.value) <= 1 + found.error
    assert secant(lambda t: 3 * t).value == pytest.approx(3, rel=1e-12)
    assert second_difference(lambda t: 3 * t**2).value == pytest.approx(6, rel=1e-9)


def test_points_outside_are_moved_to_the_radius_and_into_the_region():
    problem = follow(constants=Constants(radius=2.0))
    points = np.array([[3.0, 4.0], [0.1, 0.0]]), np.array([[6.0, 8.0], [-1.0, 0.5]])
    z, x = settle(problem, *points)
    np.testing.assert_allclose(z, [[1.2, 1.6], [0.1, 0.0]])
    np.testing.assert_allclose(x, [[1.2, 1.6], [-1.0, 0.5]])
    assert inside(problem, z, x).all()
    # A region says itself where z may be.
    problem = replace(problem, region=lambda z, x: (z, np.maximum(x, 0.0)))
    z, x = settle(problem, *points)
    np.testing.assert_array_equal(z, points[0])
    np.testing.assert_allclose(x, [[1.2, 1.6], [0.0, 0.5]])
    assert inside(problem, z, x).all()
    assert not inside(problem, z, x - np.array([2.0, 2.0])).any()


def test_the_cost_of_an_evaluation_is_positive():
    assert min(evaluation_cost(follow()).values()) > 0


# How it is shown.


def test_a_certificate_is_shown_as_lines_and_as_json():
    checks = (Check("a", True, "proved", "so"), Check("b", False, "computed", "off by 1"), Check("c", True, "stated"))
    certificate = Certificate("name", checks)
    assert certificate.lines() == ["FAIL  name: 1 proved, 1 stated; FAILS b: off by 1"]
    assert certificate.lines(whole=True)[1:] == [
        "      ok    proved    a: so", "      FAIL  computed  b: off by 1", "      ok    stated    c",
    ]  # fmt: skip
    row = json.loads(json.dumps(certificate.row()))
    assert row["ok"] is False
    assert row["counts"] == dict(zip(KINDS, (1, 0, 0, 1), strict=True))

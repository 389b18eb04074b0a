"""Problems of one's own: from functions of single points, from objects, from files; and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoba_bench as zb
from zoba_bench import cli
from zoba_bench.certification.certify import certify, certify_registered
from zoba_bench.ledger import Ledger
from zoba_bench.oracle import OracleError
from zoba_bench.problem.building import over_points
from zoba_bench.problem.file import file_spec, is_file
from zoba_bench.problem.inner_check import check_inner_solution
from zoba_bench.registry import load_problem
from zoba_bench.sweep import Cell, CellError, run_cell
from zoba_bench.verification.protocols.shared.named import build_problem
from zoba_bench.verification.suites.own_problem import own_suite

FILE = """
import numpy as np
import zoba_bench as zb


class Bowl:
    p, d = 3, 2

    def inner(self, z, x):
        return 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    def outer(self, z, x):
        return 0.5 * np.sum((z - 1) ** 2, axis=-1) + 0.5 * np.sum(x**2, axis=-1)

    def inner_solution(self, x):
        return x.sum(-1, keepdims=True) * np.ones(3)


class Points(Bowl):
    vectorize = True

    def inner(self, z, x):
        return 0.5 * sum((z - x.sum()) ** 2)

    def outer(self, z, x):
        return 0.5 * sum((z - 1) ** 2) + 0.5 * sum(x**2)

    def inner_solution(self, x):
        return x.sum() * np.ones(3)


class Wrong(Bowl):
    def inner_solution(self, x):
        return 1.01 * super().inner_solution(x)


class Mixed(Bowl):
    def inner(self, z, x):
        return 0.5 * np.sum((z - x.sum(-1, keepdims=True)) ** 2)


class Sums(Bowl):  # of the right shape, and wrong: the first sum is over all points
    def inner(self, z, x):
        return 0.5 * np.sum(z**2) - np.sum(z, axis=-1) * x.sum(-1)

    inner_solution = None  # Bowl's would be refused first


class Short(Bowl):
    d = 4

    def start(self, rng):
        return np.zeros(3), np.zeros(3)


class Loose(Bowl):
    constants = {"mu": 3.0, "L_zz": 0.25}


class Known(Bowl):
    constants = {"mu": 1.0, "L_zz": 1.0}


class Empty:
    p = 3


bowl = Bowl()
problem = zb.Problem.from_object(bowl)
number = 3


def quadratic(p=2, d=2, *, seed=0, kappa=10.0):
    return zb.load_problem("quad_general", p, d, seed=seed, kappa=kappa)


def unnamed():
    return zb.Problem.from_functions(lambda z, x: z[0] + x[0], lambda z, x: z @ z, 2, 2, vectorize=True)


def single_points():
    return zb.Problem.from_functions(lambda z, x: np.sum(z - x, axis=-1), lambda z, x: float(z @ z + x @ x), 2, 2)


def broken():
    raise OSError("no data here")


def nothing():
    return None
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file mine.py in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


@pytest.fixture(autouse=True)
def _arguments(monkeypatch):
    monkeypatch.setattr(sys, "argv", list(sys.argv))


def call(*arguments):
    """Exit code and output, as the console script gives them."""
    runner = CliRunner()
    with runner.isolation() as streams:
        sys.argv = ["zoba-bench", *map(str, arguments)]
        with pytest.raises(SystemExit) as stop:
            cli.main()
        sys.stdout.flush()
        output, errors = streams[0].getvalue().decode(), streams[1].getvalue().decode()
    return stop.value.code, output, errors


# Functions of single points.


def single(z, x):
    return float(sum((z - x.sum()) ** 2))


def test_problem_is_the_public_name_of_the_class():
    assert zb.Problem is zb.BilevelProblem


def test_functions_of_single_points_are_called_once_for_each_point():
    seen = []

    def inner(z, x):
        seen.append((z.shape, x.shape))
        return single(z, x)

    problem = zb.Problem.from_functions(single, inner, 3, 2, vectorize=True)
    values = problem.inner(np.arange(12.0).reshape(4, 1, 3), np.ones((1, 5, 2)))
    assert seen == [((3,), (2,))] * 20
    expected = [[single(z, np.ones(2))] * 5 for z in np.arange(12.0).reshape(4, 3)]
    np.testing.assert_array_equal(values, expected)
    assert problem.inner(np.ones(3), np.ones(2)).shape == ()


def test_closed_forms_of_single_points_are_wrapped_too():
    forms = {"inner_solution": lambda x: x.sum() * np.ones(3), "inner_hvp_zz": lambda z, x, v: 2 * v}
    forms |= {"inner_jvp_xz": lambda z, x, v: -2 * v.sum() * np.ones(2)}
    problem = zb.Problem.from_functions(single, single, 3, 2, vectorize=True, **forms)
    x = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(problem.inner_solution(x), x.sum(-1, keepdims=True) * np.ones(3))
    v = np.arange(6.0).reshape(2, 1, 3)
    assert problem.inner_hvp_zz(np.zeros(3), x, v).shape == (2, 4, 3)
    np.testing.assert_array_equal(problem.inner_jvp_xz(np.zeros(3), x[0], v)[:, 0, 0], [-6.0, -24.0])


def test_samples_reach_a_function_of_single_points_one_by_one():
    problem = zb.Problem.from_functions(
        single, lambda z, x, sample=None: 0.0 if sample is None else float(sample), 1, 1, vectorize=True,
        inner_samples=5,
    )  # fmt: skip
    z, x = np.zeros((2, 1, 1)), np.zeros((2, 1, 1))
    np.testing.assert_array_equal(problem.inner(z, x, np.array([[1, 2, 3], [4, 0, 1]])), [[1, 2, 3], [4, 0, 1]])
    np.testing.assert_array_equal(problem.inner(z, x, sample=np.array([[4], [2]])), [[4], [2]])
    assert problem.inner(z, x).shape == (2, 1)


def test_a_run_with_functions_of_single_points_is_that_of_vectorised_ones():
    def whole(z, x):
        return np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    runs = [
        zb.solve(zb.Problem.from_functions(f, f, 3, 2, vectorize=loop), "zoba", max_iterations=4, l1=3, l2=3)
        for f, loop in ((whole, False), (single, True))
    ]
    np.testing.assert_allclose(runs[0].x, runs[1].x, rtol=1e-12)
    assert runs[0].nfev.tolist() == runs[1].nfev.tolist()


@pytest.mark.parametrize(
    ("function", "kind", "words"),
    [
        (lambda z, x: z, ValueError, r"inner returned shape \(3,\) for a single point; it must return one real number"),
        (lambda z, x: None, TypeError, "inner returned None"),
        (lambda z, x: "1.0", TypeError, "inner returned '1.0'"),
        (lambda z, x: 1j, TypeError, "inner returned 1j"),
    ],
)
def test_a_wrong_value_of_a_function_of_single_points_is_named(function, kind, words):
    problem = zb.Problem.from_functions(single, function, 3, 2, vectorize=True)
    with pytest.raises(kind, match=words):
        problem.inner(np.ones((2, 3)), np.ones((2, 2)))


def test_what_a_function_of_single_points_raises_says_for_which_one():
    def inner(z, x):
        raise IndexError("mine")

    problem = zb.Problem.from_functions(inner, inner, 2, 1, vectorize=True)
    with pytest.raises(IndexError, match="mine") as error:
        zb.solve(problem, max_iterations=1)
    (note,) = error.value.__notes__
    assert note.startswith("zoba-bench called inner with the single point array([")


def test_a_wrong_shape_of_a_closed_form_of_single_points_is_named():
    solution = over_points("inner_solution", lambda x: x, 3, 2)
    with pytest.raises(
        ValueError, match=r"inner_solution returned shape \(2,\).* must return an array of shape \(3,\)"
    ):
        solution(np.ones((4, 2)))


def test_arguments_of_a_function_of_single_points_may_be_changed_by_it():
    def greedy(z, x):
        z *= 0
        return 1.0

    problem = zb.Problem.from_functions(greedy, greedy, 3, 2, vectorize=True)
    z = np.ones((2, 3))
    problem.inner(z, np.ones((2, 2)))
    assert z.all()


# Objects.


class Bowl:
    """Ten lines are a problem."""

    p, d = 3, 2
    constants = {"mu": 2.0}  # noqa: RUF012
    minimizer = (0.5, 0.5)

    def inner(self, z, x):
        return np.sum((z - x.sum(-1, keepdims=True)) ** 2, axis=-1)

    def outer(self, z, x):
        return np.sum((z - 1) ** 2, axis=-1) + 0 * x[..., 0]

    def inner_solution(self, x):
        return x.sum(-1, keepdims=True) * np.ones(3)


@pytest.mark.parametrize("description", [Bowl, Bowl()])
def test_a_class_or_an_object_is_a_problem(description):
    problem = zb.Problem.from_object(description)
    assert (problem.name, problem.p, problem.d) == ("Bowl", 3, 2)
    assert problem.constants.mu == 2.0
    np.testing.assert_array_equal(problem.minimizer, [0.5, 0.5])
    assert problem.adjoint is None
    assert zb.solve(problem, max_iterations=2).nit[0] == 2


def test_a_mapping_of_constants_says_which_are_only_sampled():
    problem = zb.Problem.from_object(changed(constants={"mu": 2.0, "L_zz": 2.5, "sampled": ["L_zz"]}))
    assert problem.constants.known() == {"mu": 2.0, "L_zz": 2.5, "radius": float("inf")}
    assert problem.constants.sampled == ("L_zz",)
    with pytest.raises(ValueError, match="'L_zz' is only sampled"):
        problem.constants.require("mu", "L_zz")


def test_a_problem_is_its_own_object():
    problem = zb.load_problem("reference")
    assert zb.Problem.from_object(problem) is problem


def changed(**attributes):
    return type("Changed", (Bowl,), attributes)


@pytest.mark.parametrize(
    ("description", "kind", "words"),
    [
        (changed(inner=None), TypeError, "Changed has no 'inner': a problem needs p, d, inner.z, x. and outer.z, x."),
        (changed(p=0), ValueError, "p must be a positive integer, got 0"),
        (changed(inner=3), TypeError, "inner must be a function of .z, x., got 3"),
        (changed(adjoint=3.0), TypeError, "adjoint must be a function of x, got 3.0"),
        (changed(adjiont=lambda self, x: x), TypeError, "'adjiont'; did you mean 'adjoint'"),
        (changed(minimizer=[1.0]), ValueError, r"minimizer must have shape \(2,\).* got \(1,\)"),
        (changed(constants={"nu": 1.0}), TypeError, "constants has no 'nu'; known are mu, L_zz"),
        (changed(constants={"mu": 2.0, "sampled": ["nu"]}), ValueError, "sampled names 'nu', which is no constant"),
        (changed(__init__=lambda self, width: None), TypeError, "Changed cannot be made without arguments"),
        (3.0, TypeError, "float has no 'p'"),
    ],
)
def test_an_object_that_is_no_problem_says_what_it_lacks(description, kind, words):
    with pytest.raises(kind, match=words):
        zb.Problem.from_object(description)


def test_a_name_like_a_declared_one_is_let_pass():
    assert zb.Problem.from_object(changed(inner_2=lambda self: 0, _adjiont=1)).name == "Changed"


# Files.


@pytest.mark.parametrize("name", ["Bowl", "bowl", "problem", "Points"])
def test_a_file_holds_a_class_an_object_or_a_problem(file, name):
    problem = load_problem(f"mine.py:{name}")
    assert (problem.p, problem.d) == (3, 2)
    assert problem.inner(np.ones(3), np.ones(2)) == pytest.approx(1.5)


def test_a_problem_without_a_name_gets_that_of_the_file(file):
    assert zb.load_problem("mine.py:unnamed").name == "unnamed"
    assert zb.load_problem("mine.py:quadratic").name == "quad_general"
    assert zb.Problem.from_functions(lambda z, x: 0.0, lambda z, x: 0.0, 1, 1).name == "problem"


def test_a_factory_in_a_file_gets_its_options(file):
    problem = load_problem(f"{file}:quadratic", 4, d=3, seed=2, kappa=5.0)
    assert (problem.p, problem.d, problem.parameters["kappa"]) == (4, 3, 5.0)


@pytest.mark.parametrize(
    ("name", "options", "kind", "words"),
    [
        ("other.py:Bowl", {}, ValueError, "there is no file 'other.py'"),
        ("mine.py", {}, ValueError, "which problem of mine.py.*mine.py:name; it defines Bowl, Points"),
        ("mine.py:Bowll", {}, ValueError, "mine.py has no 'Bowll'; it defines Bowl, Points"),
        ("mine.py:number", {}, TypeError, "mine.py:number is an int; wanted is a BilevelProblem, a function"),
        ("mine.py:Empty", {}, TypeError, "mine.py:Empty: Empty has no 'd'"),
        ("mine.py:nothing", {}, TypeError, "is a NoneType; wanted is"),
        ("mine.py:quadratic", {"width": 1}, TypeError, "no option 'width'; its options are p, d, seed, kappa"),
        ("mine.py:quadratic", {"kappa": 0.5}, ValueError, "kappa must be"),
        ("mine.py:bowl", {"p": 2}, TypeError, "is an object and takes no options, got p"),
        ("mine.py:Bowl", {"p": 2}, TypeError, "has no option 'p'; its options are none"),
        ("mine.py:Wrong", {}, ValueError, "'Wrong' is not a minimiser of inner: .*slope .*residual"),
        ("mine.py:Mixed", {}, ValueError, r"returned shape \(\) .* expected \(3,\)"),
        ("mine.py:Bowl", {"file_hash": "0"}, ValueError, "was edited since this run was planned"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(file, name, options, kind, words):
    with pytest.raises(kind, match=words):
        load_problem(name, **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [("def f(:", r"SyntaxError.*line 1"), ("import no_such_module_here", "ModuleNotFoundError"), ("1 / 0", "division")],
)
def test_a_file_that_does_not_run_says_why(tmp_path, text, words):
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(ValueError, match=f"cannot be run: .*{words}"):
        load_problem(f"{tmp_path}/bad.py:thing")


def test_an_edited_file_is_read_again(file):
    assert load_problem("mine.py:Bowl").p == 3
    file.write_text(FILE.replace("p, d = 3, 2", "p, d = 4, 2").replace("np.ones(3)", "np.ones(4)"))
    assert load_problem("mine.py:Bowl").p == 4


def test_only_names_of_files_are_files():
    assert all(is_file(name) for name in ("a.py", "a.py:b", "/x/y.py:z"))
    assert not any(is_file(name) for name in ("reference", "a.b", 3, None, "copy"))
    assert file_spec("reference") == {"name": "reference"}


# Cells.


def test_the_content_of_the_file_is_part_of_the_cells_key(file):
    spec = file_spec("mine.py:Bowl")
    assert set(spec) == {"name", "file_hash", "values_hash"}
    assert spec["file_hash"] == hashlib.sha256(file.read_bytes()).hexdigest()
    before = Cell("m:f", {"problem": spec})
    file.write_text(FILE + "\n# a comment\n")
    after = Cell("m:f", {"problem": file_spec("mine.py:Bowl")})
    assert before.key != after.key


def test_a_cell_refuses_a_file_that_was_edited_after_it_was_planned(file):
    spec = file_spec("mine.py:Bowl")
    assert build_problem(spec).p == 3
    options = [{"l1": 2, "l2": 2}]
    cell = Cell("zoba_bench.verification.tasks:count", {"problem": spec, "solver": "zoba", "options": options})
    assert run_cell(cell) == {"counts": [{"inner": [18, 18], "outer": [10, 10]}]}
    file.write_text(FILE + "\n# a comment\n")
    with pytest.raises(CellError, match=r"mine.py was edited since this run was planned"):
        run_cell(cell)


# Before a run.


def test_a_right_inner_solution_passes_and_one_off_by_little_does_not():
    check_inner_solution(zb.Problem.from_object(Bowl))
    for factor in (1.0 + 1e-9, 1.0 + 1e-3, 1.1, -1.0):
        problem = zb.Problem.from_object(changed(inner_solution=lambda self, x, f=factor: f * Bowl().inner_solution(x)))
        if factor < 1 + 1e-6 and factor > 0:
            check_inner_solution(problem)
            continue
        with pytest.raises(ValueError, match="falls with slope"):
            check_inner_solution(problem)


def test_the_slope_in_the_message_is_the_residual():
    # The residual of 2 (z - sum x) is 2 * 0.1 * |sum x| in each of three coordinates.
    problem = zb.Problem.from_object(
        changed(
            start=lambda self, rng: (np.zeros(3), np.ones(2)),
            inner_solution=lambda self, x: 1.1 * Bowl().inner_solution(x),
        )
    )
    with pytest.raises(ValueError, match="falls with slope") as error:
        check_inner_solution(problem)
    slope = float(str(error.value).split("slope ")[1].split(" ")[0])
    residual = 0.4 * np.sqrt(3)
    # The steepest of eight random directions and their opposites in three dimensions.
    assert 0.5 * residual < slope <= residual


def test_a_kink_at_the_inner_solution_is_no_error():
    def inner(z, x):
        return np.sum(np.abs(z) + 0.5 * (z - 0.1 * x) ** 2, axis=-1)

    check_inner_solution(zb.Problem.from_functions(inner, inner, 2, 2, inner_solution=lambda x: 0 * x))
    with pytest.raises(ValueError, match="not a minimiser"):
        check_inner_solution(zb.Problem.from_functions(inner, inner, 2, 2, inner_solution=lambda x: 0 * x + 0.01))


def test_a_maximiser_is_no_minimiser():
    problem = zb.Problem.from_object(changed(inner=lambda self, z, x: -Bowl().inner(z, x)))
    with pytest.raises(ValueError, match="falls by 1 at distance 1"):
        check_inner_solution(problem)


def test_a_minimiser_on_the_boundary_of_its_region_is_one():
    def inner(z, x):
        return np.sum(z - x, axis=-1)

    problem = zb.Problem.from_functions(inner, inner, 2, 2, inner_solution=lambda x: 0 * x)
    with pytest.raises(ValueError, match="falls with slope"):
        check_inner_solution(problem)
    check_inner_solution(replace(problem, region=lambda z, x: (np.maximum(z, 0.0), x)))


def test_an_inner_objective_that_is_not_a_number_there_is_an_error():
    problem = zb.Problem.from_object(
        changed(inner=lambda self, z, x: np.full(np.shape(z + 0 * x[..., :1])[:-1], np.nan))
    )
    with pytest.raises(ValueError, match="not finite at z"):
        check_inner_solution(problem)


def test_a_function_that_raises_gets_a_note_that_says_how_it_was_called():
    def inner(z, x):
        raise KeyError("mine")

    problem = zb.Problem.from_functions(inner, inner, 2, 2, inner_solution=lambda x: x)
    with pytest.raises(KeyError, match="mine") as error:
        check_inner_solution(problem)
    assert any("vectorize=True" in note for note in error.value.__notes__)


def test_solve_refuses_a_wrong_inner_solution_before_it_runs():
    calls = []
    problem = zb.Problem.from_object(changed(inner_solution=lambda self, x: 0 * x[..., :1] + np.ones(3)))
    with pytest.raises(ValueError, match=r"not a minimiser .*residual"):
        zb.solve(problem, max_iterations=3, callback=lambda k, state: calls.append(k))
    assert not calls


def test_the_check_before_a_run_is_cheap():
    points = []

    def inner(z, x):
        values = np.sum((z - x[..., :1]) ** 2, axis=-1)
        points.append(values.size)
        return values

    check_inner_solution(
        zb.Problem.from_functions(inner, inner, 500, 2, inner_solution=lambda x: x[..., :1] * np.ones(500))
    )
    assert sum(points) <= 100


# The command line.


def test_check_shows_every_finding_of_a_problem_of_ones_own(file):
    code, output, _ = call("check", "--problem", "mine.py:Bowl")
    assert code == 0, output
    assert "ok    mine.py:Bowl: " in output
    assert "ok    computed  inner solution: " in output
    for name, words in (
        ("Wrong", "FAIL  computed  inner solution: "),
        ("Mixed", r"needs (3, 2): leading axes are kept (not vectorised?"),
        ("Loose", "FAIL  sampled   constant mu: declared 3, met 1"),
    ):
        code, output, _ = call("check", "--problem", f"mine.py:{name}")
        assert code == 1
        assert words in output


def test_check_ends_with_what_fails(file):
    code, output, _ = call("check", "reference", "--problem", "mine.py:Loose", "--problem", "mine.py:Short")
    lines = output.splitlines()
    assert code == 1
    end = lines[lines.index("Failed:") + 1 :]
    assert len(lines) - len(end) > 30
    assert [line.partition(": declared")[0] for line in end[:2]] == [
        "  mine.py:Loose: constant mu", "  mine.py:Loose: constant L_zz",
    ]  # fmt: skip
    assert end[2:] == [
        "  mine.py:Short: start: z0 (3,), x0 (3,), needs (3,) and (4,)",
        "1 of 3 certificates ok (seed 0); failed: mine.py:Loose, mine.py:Short",
    ]


def test_check_takes_files_and_names_together_and_prints_json_only(file):
    code, output, _ = call("check", "reference", "--problem", "mine.py:Loose", "--json")
    assert code == 1
    content = json.loads(output, parse_constant=lambda c: pytest.fail(f"not JSON: {c}"))
    assert [(row["problem"], row["ok"]) for row in content["problems"]] == [
        ("reference", True),
        ("mine.py:Loose", False),
    ]
    failed = [check["name"] for check in content["problems"][1]["checks"] if not check["ok"]]
    assert failed == ["constant mu", "constant L_zz"]
    assert content["left_out"] == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "refrence"), "did you mean 'reference'"),
        (("check", "--problem", "none.py:x"), "there is no file 'none.py'"),
        (("check", "--problem", "mine.py:number"), "mine.py:number is an int"),
        (("check", "--jobs", "0"), "jobs"),
        (("solve", "--problem", "mine.py:Wrong"), "not a minimiser"),
        (("solve", "--problem", "mine.py:Mixed"), "returned shape ()"),
        (("solve", "reference", "--problem", "mine.py:Bowl"), "give the name of a registered problem, or --problem"),
        (("solve",), "give the name of a registered problem, or --problem"),
        (("solve", "--problem", "mine.py:Bowl", "--p", "4"), "no option 'p'"),
        (("verify", "--problem", "mine.py:Wrong"), "not a minimiser"),
        (("verify", "--problem", "mine.py:broken"), "no data here"),
        (("solve", "mine.py:single_points"), "takes one point z (p,), x (d,), pass vectorize=True to Problem"),
        (("verify", "--suite", "quick", "--problem", "mine.py:Bowl"), "exclude each other"),
        (("list", "--assumption", "A9"), "assumption must be one of A1, A2, A3, A4, A5, got 'A9'"),
        (("list", "--convexity", "concave"), "concave"),
    ],
)
def test_bad_input_is_a_clear_message_and_exit_code_2(file, arguments, message):
    code, _, errors = call(*arguments)
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors


def test_solve_runs_a_problem_from_a_file(file):
    code, output, _ = call("solve", "--problem", "mine.py:quadratic", "--p", "3", "--max-iterations", "4", "--json")
    assert code == 0
    content = json.loads(output)
    assert content["file_hash"] == file_spec("mine.py:quadratic")["file_hash"]
    assert (content["problem"], len(content["z"][0])) == ("mine.py:quadratic", 3)


def test_solve_prints_how_far_it_came_and_what_to_change(file):
    code, output, _ = call("solve", "--problem", "mine.py:Bowl", "--max-iterations", "2")
    words = " ".join(output.split())
    assert code == 0
    assert "|x - x0|" in words
    assert "the default steps (rho=0.01" in words
    chosen = call("solve", "--problem", "mine.py:Bowl", "--max-iterations", "2", "--set", "rho=0.02")[1]
    assert "|x - x0|" in chosen
    assert "advice" not in chosen


def test_what_can_be_claimed_depends_on_what_is_declared(file):
    suite, left_out = own_suite(file_spec("mine.py:Bowl"))
    assert {claim.protocol for claim in suite.claims} == {"P1", "P9"}
    assert "not declared: inner_grad_z" in left_out["P2, P2s"]
    suite, left_out = own_suite(file_spec("mine.py:quadratic"))
    assert {claim.protocol for claim in suite.claims} == {"P1", "P2", "P2s", "P9"}
    assert not left_out
    assert all("nodes" in claim.parameters for claim in suite.claims if claim.protocol == "P2")
    suite, left_out = own_suite({"name": "quad_general", "p": 8, "d": 8})
    assert all("replicates" in claim.parameters for claim in suite.claims if claim.protocol == "P2")
    assert list(left_out) == ["P2s"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Mixed", r"returned shape ()"),
        ("Sums", "inner: shape and broadcasting: whole against one by one: "),
        ("Short", "start: z0 (3,), x0 (3,), needs (3,) and (4,)"),
    ],
)
def test_verify_refuses_in_one_line_what_no_solver_could_run_on(file, name, said):
    for arguments in ((), ("--list",)):
        code, output, errors = call("verify", "--problem", f"mine.py:{name}", "--no-report", *arguments)
        assert (code, output) == (2, "")
        assert len(errors.splitlines()) == 1
        assert said in errors
    assert not Path("zoba-results/ledger.sqlite").exists()


def test_verify_holds_the_certificate_against_the_problem(file):
    asked = ("--no-report", "--only", "protocol=P9")
    code, output, _ = call("verify", "--problem", "mine.py:Loose", *asked)
    words = " ".join(output.split())
    assert code == 1
    assert "!! violated P9/problem/Loose" in words
    assert "refused: constant mu: declared 3, met 1" in words
    assert "fails constant mu: declared 3, met 1" in words
    code, output, _ = call("verify", "--problem", "mine.py:Known", "--verbose", *asked)
    words = " ".join(output.split())
    assert code == 0
    for control in ("mixed", "mu", "inner_solution"):
        assert f"violated (expected) P9/problem/Known/control-{control} " in words
    assert "constant mu declared 1, met 1" in words
    assert "other constants not declared; at least L_xz 2.4" in words


@pytest.mark.slow
def test_verify_measures_a_problem_from_a_file_and_keeps_it_by_content(file):
    code, output, errors = call("verify", "--problem", "mine.py:Bowl", "--no-report", "--json")
    assert code == 0, output + errors
    content = json.loads(output)
    assert content["suite"] == "own"
    assert {claim["verdict"] for claim in content["claims"]} == {"consistent", "violated"}
    with Ledger("zoba-results/ledger.sqlite") as ledger:
        before = ledger.count()
    assert call("verify", "--problem", "mine.py:Bowl", "--no-report")[0] == 0
    with Ledger("zoba-results/ledger.sqlite") as ledger:
        assert ledger.count() == before
    file.write_text(FILE + "\n# edited\n")
    assert call("verify", "--problem", "mine.py:Bowl", "--no-report")[0] == 0
    with Ledger("zoba-results/ledger.sqlite") as ledger:
        assert ledger.count() == 2 * before


# The page about it.

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "reference" / "problems.md"
HOW_TO = DOCS / "how_to" / "own_problem.md"


def test_the_pages_example_is_a_problem_with_a_certificate(tmp_path):
    code, *_ = re.findall(r"```python\n(# mine.py\n.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "mine.py").write_text(code)
    certificate = certify_registered(f"{tmp_path}/mine.py:Bowl")
    assert certificate.ok, certificate.lines()
    assert {"inner solution", "constant mu", "constant L_zz"} <= {check.name for check in certificate.checks}


def test_the_pages_combination_of_pieces_has_a_proved_certificate():
    code, *_ = re.findall(
        r"```python\n(from zoba_bench.problems.combinators.*?)```", HOW_TO.read_text("utf-8"), re.DOTALL
    )
    namespace = {}
    exec(code, namespace)
    certificate = certify(namespace["problem"])
    assert certificate.ok, certificate.lines()
    assert {"strong convexity", "global minimum"} <= {c.name for c in certificate.checks if c.kind == "proved"}


def errata(*arguments, cwd=None):
    """docs/errata.py, or a copy of it beside another page."""
    script = (cwd or DOCS) / "errata.py"
    return subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_page_with_an_old_table_is_seen_and_written_anew(tmp_path):
    page, present = tmp_path / "reference" / "problems.md", PAGE.read_text(encoding="utf-8")
    page.parent.mkdir()
    for script in ("errata.py", "page_tables.py"):
        (tmp_path / script).write_bytes((DOCS / script).read_bytes())
    page.write_text(present.replace("`rastrigin`", "`rastrygin`", 1))
    done = errata("--check", cwd=tmp_path)
    assert (done.returncode, "out of date" in done.stderr) == (1, True)
    assert errata("--write", cwd=tmp_path).returncode == 0
    # What is written anew is what stands in the documentation, whose groups and errata are thus those of the cards.
    assert page.read_text(encoding="utf-8") == present


# Lists.


def names(*filters):
    code, output, errors = call("list", "--json", *filters)
    assert code == 0, errors
    return [row["name"] for row in json.loads(output)["problems"]]


def test_list_filters_by_what_the_cards_say():
    everything = names()
    assert "solvers" in json.loads(call("list", "--json")[1])
    assert {"reference", "logcosh_ripple"} <= set(names("--assumption", "A1", "--assumption", "A2"))
    assert "logistic_bregman" not in names("--assumption", "A1")
    assert "quad_general" not in names("--assumption", "A3")  # holds, except for C_z and C_x
    assert set(names("--smooth")) | set(names("--nonsmooth")) == set(everything)
    assert set(names("--scalable")) | set(names("--fixed-size")) == set(everything)
    assert set(names("--data")) & set(names("--no-data")) == set()
    assert "diabetes_ridge" in names("--data")
    assert "logcosh_ripple" in names("--convexity", "nonconvex", "--no-data", "--smooth")
    assert "quad_general" not in names("--convexity", "nonconvex")


def test_list_with_a_filter_builds_nothing(monkeypatch):
    monkeypatch.setattr("zoba_bench.problem.BilevelProblem.__post_init__", lambda self: pytest.fail("built"))
    assert names("--assumption", "A1")


def test_listing_in_python_is_the_same():
    assert zb.list_problems(assumptions=["A1"], convexity="convex") == names(
        "--assumption", "A1", "--convexity", "convex"
    )


def test_a_card_knows_what_holds():
    words = {"A1": "holds", "A2": "holds, H = 0", "A3": "holds except L_xx", "A4": "on |x| <= R", "A5": "fails: no"}
    card = zb.Card("", "", words, True, "convex", "")
    assert [card.holds(name) for name in words] == [True, True, False, False, False]
    assert not zb.Card("", "", {}, True, "convex", "").holds("A1")


# Functions that leave out an argument, or return other numbers than floats


def leaves_out(z, x):
    return np.sum((z - 1) ** 2, axis=-1)


@pytest.mark.parametrize("solver", ["hf-zoba", "zoba", "soba"])
def test_a_function_may_leave_out_an_argument(solver):
    def inner(z, x):
        return 0.5 * np.sum((z - x) ** 2, axis=-1)

    problem = zb.BilevelProblem.from_functions(
        leaves_out, inner, 2, 2,
        outer_grad_z=lambda z, x: 2 * (z - 1), outer_grad_x=lambda z, x: 0 * x, inner_grad_z=lambda z, x: z - x,
        inner_hvp_zz=lambda z, x, v: v, inner_jvp_xz=lambda z, x, v: -v,
    )  # fmt: skip
    spread = replace(
        problem, outer=lambda z, x: leaves_out(z, x) + np.zeros(np.broadcast_shapes(z.shape[:-1], x.shape[:-1]))
    )
    one, two = (zb.solve(each, solver, max_iterations=3, replicates=2) for each in (problem, spread))
    assert one.x.tobytes() == two.x.tobytes()
    z, x = np.zeros((1, 2)), np.zeros((5, 1, 2))
    assert problem.outer(z, x).shape == problem.inner(z, x).shape == (5, 1)
    assert problem.outer_grad_x(np.zeros((4, 2)), np.zeros(2)).shape == (4, 2)


@pytest.mark.parametrize("kind", [np.int64, np.float32, bool])
def test_other_real_numbers_are_converted(kind):
    problem = zb.BilevelProblem.from_functions(lambda z, x: leaves_out(z, x).astype(kind), leaves_out, 2, 2)
    values = problem.outer(np.full((3, 2), 2.5), np.zeros(2))
    assert values.dtype == np.float64
    assert values.tolist() == leaves_out(np.full((3, 2), 2.5), None).astype(kind).astype(float).tolist()


def test_one_number_for_many_points_is_still_refused():
    problem = zb.BilevelProblem.from_functions(lambda z, x: np.sum(z**2), leaves_out, 2, 2)
    with pytest.raises(OracleError, match=r"returned shape \(\)"):
        zb.solve(problem, max_iterations=1, replicates=2)

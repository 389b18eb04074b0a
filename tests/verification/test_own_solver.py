"""A solver of one's own before the referee: right ones pass, and each planted bug is refused by the name of a claim."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from zoba_bench.registry import make_solver
from zoba_bench.solvers.soba import Soba
from zoba_bench.verification.claim import Claim, Measurement, decide
from zoba_bench.verification.run.verify import chosen_suite, exit_code, verify
from zoba_bench.verification.solver_spec import solver_spec

from .command import call

ROOT = Path(__file__).resolve().parents[2]
RIGHT = (ROOT / "examples" / "my_solver.py").read_text(encoding="utf-8")


def planted(tmp_path, *changes, text=RIGHT):
    """The name of the example's solver with changes in its file."""
    for old, new in changes:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    return f"{tmp_path / 'mine.py'}:MySolver"


def refused(verdicts):
    """Protocols of the claims, not controls, that are violated."""
    return {v.claim.protocol for v in verdicts if v.verdict == "violated" and v.claim.origin != "control"}


def measured(solver, tmp_path, *protocols):
    return verify(solver=solver, only={"protocol": protocols} if protocols else None, out=tmp_path / "out")


X = "x - gamma * d_x, state.k"
BUGS = {
    "sign": ("P10", (X, "x + gamma * d_x, state.k")),
    "factor-2": ("P10", ("v - rho * d_v", "v - 2 * rho * d_v")),
    "stale": ("P10", ("d_x = oracle.inner_jvp_xz(z, x, v) + outer_x",
                      "d_x = oracle.inner_jvp_xz(z - rho * d_z, x, v - rho * d_v) + outer_x")),
    "late-schedule": ("P10", ("scale = (k + 1) ** -0.25\n        return",
                              "scale = (k + 1) ** (-0.25 if k < 10 else -0.5)\n        return")),
    "next-schedule": ("P10", ("self.steps(state.k)", "self.steps(state.k + 1)")),
    "ninth-coordinate": ("P10", (X, "x - gamma * np.where(np.arange(oracle.d) == 8, 0, d_x), state.k")),
    "far-on": ("P10", ("self.steps(state.k)", "self.steps(min(state.k, 100))")),
    "tenth-of-z": ("P10", ("inner_grad_z(z, x)\n", "inner_grad_z(z, x)\n        d_z[:, 9:] = 0\n")),
    "p-above-d": ("P10", ("oracle.inner_hvp_zz", "(1 + (oracle.p > oracle.d)) * oracle.inner_hvp_zz")),
    "first-replicate": ("P10", ("inner_grad_z(z, x)\n", "inner_grad_z(0 * z + z[:1], x)\n")),
    "last-replicate": ("P10", ("inner_grad_z(z, x)\n", "inner_grad_z(0 * z + z[-1:], x)\n")),
    "initial": ("P10", ("return State(z, v, x, 0", "return State(z, 0 * v, x, 0")),
    "iteration-number": ("P10", ("state.k + 1, oracle", "state.k + 2, oracle")),
    "equal-in-pairs": ("P11", ("        there = ", "        u[1::2] = u[: 2 * (len(u) // 2) : 2]\n        there = ")),
    "one-for-all": ("P11", ("standard_normal((oracle.replicates, self.l",
                            "standard_normal((1, self.l")),
    "same-draws": ("P11", ("state.rng.standard_normal", "np.random.default_rng(0).standard_normal")),
    "count": ("P1d", ('"outer": (self.l + 1) * outer', '"outer": self.l * outer')),
    "late-count": ("P1d", ("        d_z = ",
                           "        if state.k >= 10:\n            oracle.outer(z, x)\n        d_z = ")),
    "budget": ("P12", ("        d_z = ",
                       "        for _ in range(0 if oracle.dry else state.k % 3 * 9):\n"
                       "            oracle.outer(z, x)\n        d_z = ")),
    "nan-raises": ("P12", ("        d_z = ", "        assert np.isfinite(there).all()\n        d_z = ")),
    "nan-infects": ("P12", ("        d_z = ", "        outer_x = outer_x + 0 * outer_x.mean(axis=0)\n        d_z = ")),
    "stalls": ("P13", ("    gamma: float = 0.05", "    gamma: float = 1e-9")),
}  # fmt: skip


@pytest.mark.sample(5)
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_refused_by_name_of_the_claim(bug, tmp_path):
    protocol, *changes = BUGS[bug]
    if bug == "stalls":
        changes.append(("    h: ClassVar", "    declared_reduction: ClassVar[float] = 0.1\n    h: ClassVar"))
    if bug == "stale":
        line = "        rho, gamma = self.steps(state.k)\n"
        changes += [(line, ""), ("        d_z = oracle", f"{line}        d_z = oracle")]
    verdicts = measured(planted(tmp_path, *changes), tmp_path, protocol)
    assert protocol in refused(verdicts), [(v.claim.id, v.reason) for v in verdicts]
    assert exit_code(verdicts) == 1


def test_the_right_solver_is_what_it_declares(tmp_path):
    verdicts = measured(planted(tmp_path), tmp_path)
    assert [(v.claim.id, v.verdict, v.reason) for v in verdicts if not v.as_expected] == []
    protocols = {v.claim.protocol for v in verdicts}
    assert protocols == {"P1d", "P8", "P10", "P11", "P12", "P13"}
    # Every claim that can be refused has a control; what is only measured has none, and no say in the exit code.
    honest = [v.claim for v in verdicts if v.claim.origin != "control"]
    assert all(bool(claim.controls) == (claim.relation != "none") for claim in honest)
    assert exit_code(verdicts) == 0


@pytest.mark.slow
def test_the_wrong_example_is_refused_by_name(tmp_path):
    verdicts = measured(f"{ROOT / 'examples' / 'my_solver_wrong.py'}:MySolver", tmp_path)
    assert refused(verdicts) == {"P10"}


def test_the_examples_differ_by_one_line():
    wrong = (ROOT / "examples" / "my_solver_wrong.py").read_text(encoding="utf-8")
    code = [text.split('"""', 2)[2].splitlines() for text in (RIGHT, wrong)]
    assert sum(a != b for a, b in zip(*code, strict=True)) == 1


def test_the_page_shows_the_examples_solver():
    """All of it up to what it declares, without what only the example's own run needs."""
    page = (ROOT / "docs" / "how_to" / "own_solver.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n# my_solver.py\n(.*?)```", page, flags=re.DOTALL)
    solver = RIGHT[RIGHT.index("from dataclasses") : RIGHT.index("    # What it declares.")]
    needed = [line for line in solver.splitlines() if line and line != "import zoba_bench as zb"]
    assert [line for line in shown.splitlines() if line] == needed


def test_the_documentations_commands_and_code_run(tmp_path):
    page = (ROOT / "docs" / "how_to" / "own_solver.md").read_text(encoding="utf-8")
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "zb.verify(" in b]
    code = block.replace("examples/", f"{ROOT.as_posix()}/examples/").replace('"zoba-results"', repr(str(tmp_path)))
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "P10/my_solver_wrong.py:MySolver/xdep_curvature violated" in done.stdout
    for command in re.findall(r"^zoba-bench (verify --solver .*?)(?:  +#.*)?$", page, flags=re.MULTILINE):
        words = command.replace("examples/", f"{ROOT.as_posix()}/examples/").split()
        code, output, errors = call(*words, "--list", "--out", tmp_path)
        assert code == 0, errors
        assert "P10/" in output


# What is measured without a declaration.

BARE = RIGHT[: RIGHT.index("    # What it declares.")].replace(
    '    declared_orders: ClassVar[dict[str, float]] = {"1/eps": 1}\n', ""
)


def test_what_is_not_declared_is_left_out_with_the_reason(tmp_path):
    suite, left_out = chosen_suite(solver=planted(tmp_path, text=BARE))
    assert {claim.protocol for claim in suite.claims} == {"P8", "P11", "P12", "P13"}
    assert "evaluations(problem)" in left_out["P1d"]
    assert "expected_step" in left_out["P10"]
    assert "theorem" in left_out["protocols of theorems"]
    assert {claim.relation for claim in suite.claims if claim.protocol == "P13"} == {"none"}


DESCENT = """
    def expected_descent(self, problem, state):
        return __GAMMA__ * (state["k"] + 1) ** -0.25, 1e-6
"""


@pytest.mark.parametrize(("gamma", "verdict"), [("self.gamma", set()), ("2 * self.gamma", {"P10"})])
def test_a_solver_may_declare_that_it_follows_the_hypergradient(gamma, verdict, tmp_path):
    text = BARE + DESCENT.replace("__GAMMA__", gamma)
    verdicts = measured(planted(tmp_path, text=text), tmp_path, "P10")
    assert refused(verdicts) == verdict
    assert {v.claim.id.split("/")[1] for v in verdicts if v.claim.origin == "control"} >= {"control:sign"}


def test_a_biased_direction_is_no_hypergradient(tmp_path):
    text = BARE + DESCENT.replace("__GAMMA__", "self.gamma")
    wrong = planted(tmp_path, ("oracle.inner_jvp_xz(z, x, v) + outer_x", "outer_x"), text=text)
    assert refused(measured(wrong, tmp_path, "P10")) == {"P10"}


def test_a_solver_without_noise_has_no_claim_of_independence(tmp_path):
    text = BARE.replace("outer_x = np.mean(slopes[..., None] * u, axis=1)", "outer_x = oracle.outer_grad_x(z, x)")
    text = "\n".join(line for line in text.splitlines() if " u = " not in line and "slopes" not in line
                     and "there" not in line) + "\n"  # fmt: skip
    suite, left_out = chosen_suite(solver=planted(tmp_path, text=text))
    assert "P11" not in {claim.protocol for claim in suite.claims}
    assert "nothing is random" in left_out["P11"]


# With a theorem.

SUBCLASS = """
from dataclasses import dataclass
from typing import ClassVar
from zoba_bench.solvers.hf_zoba import HfZoba

@dataclass(frozen=True)
class MySolver(HfZoba):
    name: ClassVar[str] = "mine"
    theorem: ClassVar[str] = "hf-zoba"
__MORE__
"""

DOUBLED = """
    def surrogates(self, state, directions):
        right = super().surrogates(state, directions)
        return right._replace(hessian_v=2.0 * right.hessian_v)
"""


@pytest.mark.parametrize(
    ("more", "verdict"),
    [("", set()), (DOUBLED, {"P2"})],
)
def test_a_solver_with_a_theorem_is_measured_against_it(more, verdict, tmp_path):
    solver = planted(tmp_path, text=SUBCLASS.replace("__MORE__", more))
    suite, _ = chosen_suite(solver=solver)
    assert {"P1", "P2", "P2b", "P4a", "P6b"} <= {claim.protocol for claim in suite.claims}
    chosen = [c.id for c in suite.claims if c.id in ("P1/mine.py:MySolver/counts", "P2/mine.py:MySolver/quad_general")]
    assert len(chosen) == 2
    assert refused(verify(solver=solver, claims=chosen, out=tmp_path / "out")) == verdict


def test_an_unknown_theorem_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"'zobra' .* is not registered"):
        chosen_suite(solver=planted(tmp_path, ('"hf-zoba"', '"zobra"'), text=SUBCLASS.replace("__MORE__", "")))


@pytest.mark.slow
def test_a_registered_solver_is_judged_by_its_name_and_its_registered_update(tmp_path):
    verdicts = measured("soba", tmp_path, "P10")
    assert [(v.claim.id, v.reason) for v in verdicts if not v.as_expected] == []
    assert {v.claim.problem for v in verdicts} >= {"xdep_curvature", "smd7"}


# Names, hashes, processes.


def test_a_class_and_an_object_of_a_file_are_named_by_it(tmp_path):
    name, _ = solver_spec(f"{ROOT / 'examples' / 'my_solver.py'}:MySolver")
    kind = type(make_solver(name))
    assert re.fullmatch(r".*my_solver\.py:MySolver@[0-9a-f]{12}", name)
    assert solver_spec(kind) == (name, {})
    assert solver_spec(kind(l=7)) == (name, {"l": 7})
    assert solver_spec(Soba) == ("soba", {})
    assert solver_spec(Soba(rho=0.05)) == ("soba", {"rho": 0.05})


def test_an_objects_options_are_those_that_are_measured(tmp_path):
    kind = type(make_solver(planted(tmp_path)))
    verdicts = measured(kind(l=7, rho=0.1), tmp_path, "P1d", "P10")
    assert exit_code(verdicts) == 0, [(v.claim.id, v.verdict, v.reason) for v in verdicts if not v.as_expected]
    for claim in (v.claim for v in verdicts if v.claim.protocol == "P10"):
        assert claim.parameters["options"]["rho"] == (0.05 if claim.id.endswith("other-options") else 0.1)


def test_a_class_in_no_file_is_an_error():
    @dataclass(frozen=True)
    class Local(Soba):
        name: ClassVar[str] = "local"

    with pytest.raises(ValueError, match=r"save it as file\.py"):
        solver_spec(Local)


def test_an_edited_solver_or_local_module_gets_other_cells_and_no_stale_verdict(tmp_path):
    text = RIGHT.replace("self.steps(state.k)", "steps(self, state.k)").replace(
        "import numpy as np\n", "import numpy as np\nfrom my_steps import steps\n"
    )
    (tmp_path / "my_steps.py").write_text(
        "def steps(s, k):\n    return s.rho * (k + 1) ** -0.25, s.gamma * (k + 1) ** -0.25\n"
    )
    solver = planted(tmp_path, text=text)
    before, _ = solver_spec(solver)
    assert refused(measured(solver, tmp_path, "P10")) == set()
    (tmp_path / "my_steps.py").write_text(
        "def steps(s, k):\n    return s.rho * (k + 1) ** -0.25, s.gamma * (k + 2) ** -0.25\n"
    )
    assert solver_spec(solver)[0] != before
    assert refused(measured(solver, tmp_path, "P10")) == {"P10"}
    with pytest.raises(ValueError, match="was edited"):
        make_solver(before)


def test_two_processes_give_the_same_rows_as_one(tmp_path):
    solver = planted(tmp_path)
    only = {"protocol": ["P1d", "P10"]}
    one = verify(solver=solver, only=only, out=tmp_path / "one")
    two = verify(solver=solver, only=only, out=tmp_path / "two", jobs=2)
    assert [v.row() for v in one] == [v.row() for v in two]


def test_a_second_run_computes_nothing_anew(tmp_path):
    solver = planted(tmp_path)
    measured(solver, tmp_path, "P1d")
    costs = []
    verify(solver=solver, only={"protocol": "P1d"}, out=tmp_path / "out", announce_cost=costs.append)
    assert costs[0].cells == 0
    assert costs[0].found == 2


# Errors: exit code 2, and what to do.

LACKING = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass MySolver:\n    pass\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RIGHT.replace("class MySolver", "class Other"), ["has no 'MySolver'", "it defines Other"]),
        (LACKING, ["lacks", "init", "step", "tolerance_quantity", "def step(self, state)", "solvers.base.Solver"]),
        (RIGHT.replace("    def step(", "    def stop("), ["lacks step", "def step(self, state)"]),
        (RIGHT.replace('    name: ClassVar[str] = "my-solver"\n', ""), ["lacks name"]),
        (RIGHT.replace('"x": x - self.gamma * scale * d_x', '"x": z'), ["shape (5,) for x", "(9,)"]),
        (RIGHT.replace('            "v": v - self.rho * scale * d_v,\n', ""), ["says nothing of v"]),
        (RIGHT.replace("return mean, {", "return list(mean), {"), ["must return a mapping"]),
        (RIGHT.replace('"outer_grad_z": outer,', '"gradients": outer,'), ["'gradients'", "counted are"]),
        (RIGHT.replace('{"1/eps": 1}', '{"n": 1}'), ["declared_orders", "'1/eps', 'p' or 'd'"]),
        (RIGHT.replace("import numpy as np", "import numpy as np\nimport no_such_module"), ["cannot be run"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_exit_code_2(text, words, tmp_path):
    code, output, errors = call("verify", "--solver", planted(tmp_path, text=text), "--out", tmp_path / "out")
    assert code == 2, output
    assert [word for word in words if word not in errors] == [], errors


def test_a_file_or_a_name_that_is_not_there_is_said_with_exit_code_2(tmp_path):
    code, _, errors = call("verify", "--solver", tmp_path / "none.py:MySolver", "--out", tmp_path)
    assert (code, "there is no file" in errors) == (2, True)
    code, _, errors = call("verify", "--solver", "sobo", "--out", tmp_path)
    assert (code, "'soba'" in errors) == (2, True)
    code, _, errors = call("verify", "--solver", "soba", "--suite", "quick", "--out", tmp_path)
    assert (code, "--suite" in errors) == (2, True)


# A measurement without a verdict.

MEASURED = Claim("PX/a/b", "A number.", "P13", "soba", "reference", "none", 0.0, {})


def test_a_measurement_without_prediction_is_measured_whatever_comes_out():
    from zoba_bench.statistics import Limits

    assert MEASURED.expected == "measured"
    verdict, reason = decide(MEASURED, Measurement(float("nan"), 3.0, Limits(2.0, 4.0)))
    assert (verdict, "measured 3 in [2, 4]" in reason) == ("measured", True)
    verdict, reason = decide(MEASURED, Measurement(float("nan"), float("nan"), Limits(0, 0), obstacle="not reached"))
    assert (verdict, "not reached" in reason) == ("measured", True)


@pytest.mark.parametrize("wrong", [{"origin": "control"}, {"controls": ("PX/c",)}, {"finding": True}])
def test_a_measurement_without_prediction_has_no_control_and_is_none(wrong):
    from dataclasses import replace

    with pytest.raises(ValueError, match="relation 'none'"):
        replace(MEASURED, **wrong)


@pytest.mark.slow
def test_json_shows_what_is_measured_and_the_report_has_it(tmp_path):
    code, output, errors = call("verify", "--solver", planted(tmp_path), "--only", "protocol=P13", "--json",
                                "--out", tmp_path / "out")  # fmt: skip
    assert code == 0, errors
    rows = [row for row in json.loads(output)["claims"] if row["relation"] == "none"]
    assert rows
    assert {(row["verdict"], row["expected"], row["predicted"]) for row in rows} == {("measured", "measured", None)}
    text = (tmp_path / "out" / "report-part" / "protocol-P13.html").read_text(encoding="utf-8")
    assert text.count('<span class="verdict measured">measured</span>') == 2 * len(rows)  # in table and section
    index = (tmp_path / "out" / "report-part" / "index.html").read_text(encoding="utf-8")
    assert "Only measured" in index
    assert f">{len(rows)}</a></td>" in index


def test_blocks_of_replicates_have_the_moments_of_all_at_once():
    from zoba_bench.verification.protocols.whole_step import _Moments

    values = np.random.default_rng(3).standard_normal((60, 4)) * [1, 10, 100, 0] + 7
    whole, parts = _Moments.of(values), _Moments.of(values[:20]).with_more(values[20:45]).with_more(values[45:])
    np.testing.assert_allclose(parts.mean, values.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(parts.variance, values.var(axis=0, ddof=1), rtol=1e-13)
    np.testing.assert_allclose(whole.variance, values.var(axis=0, ddof=1), rtol=1e-13)


MEMORY = """
from dataclasses import dataclass
from typing import ClassVar
from zoba_bench.arrays import Array
from zoba_bench.solvers.base import Solver, State

@dataclass(frozen=True, eq=False)
class Remembering(State):
    m: Array = None

@dataclass(frozen=True)
class MySolver(Solver):
    name: ClassVar[str] = "momentum"
    tolerance_quantity: ClassVar[str] = "nothing"
    needs: ClassVar[tuple[str, ...]] = ("inner_grad_z", "outer_grad_x")

    def init(self, oracle, rng, z, v, x):
        return Remembering(z, v, x, 0, oracle, rng, None, 0 * x + __START__)

    def step(self, state):
        oracle, z, v, x = state.oracle, state.z, state.v, state.x
        m = __KEEP__ * state.m + oracle.outer_grad_x(z, x)
        z = z - 0.1 * oracle.inner_grad_z(z, x)
        return Remembering(z, v, x - 0.05 * m, state.k + 1, oracle, state.rng, None, m)

    def expected_step(self, problem, state):
        z, x = state["z"], state["x"]
        m = 0.9 * state["m"] + problem.outer_grad_x(z, x)
        return {"z": z - 0.1 * problem.inner_grad_z(z, x), "v": state["v"], "x": x - 0.05 * m, "m": m}

    def expected_start(self, problem, z, v, x):
        return {"z": z, "v": v, "x": x, "m": 0 * x}
"""


@pytest.mark.parametrize(
    ("start", "keep", "verdict"), [("0", "0.9", set()), ("1", "0.9", {"P10"}), ("0", "0.8", {"P10"})]
)
def test_memories_are_measured_with_the_iterates(start, keep, verdict, tmp_path):
    text = MEMORY.replace("__START__", start).replace("__KEEP__", keep)
    verdicts = measured(planted(tmp_path, text=text), tmp_path, "P10")
    assert refused(verdicts) == verdict, [(v.claim.id, v.verdict, v.reason) for v in verdicts]


def test_a_moved_file_has_the_same_random_numbers(tmp_path):
    """Else a verdict that the data do not quite decide would hang on where a file lies."""
    rows = []
    for folder in (tmp_path / "here", tmp_path / "else where"):
        folder.mkdir()
        found = measured(planted(folder), folder, "P10")
        rows.append([(v.claim.id, v.measurement.measured) for v in found])
    assert rows[0] == rows[1]

"""Kinds of mistakes that a referee of solvers must not miss, each planted in the example's solver."""

import json
import re

import pytest

from zoba_bench.verification.run.verify import chosen_suite

from .command import call
from .test_own_solver import MEMORY, RIGHT, measured, planted, refused

U = "u = state.rng.standard_normal((oracle.replicates, self.l, oracle.d))"
COORDINATE = "u = np.sqrt(oracle.d) * np.eye(oracle.d)[__I__][:, None] * np.ones((1, self.l, 1))"


# Random numbers that replicates share.


@pytest.mark.parametrize(
    "drawn",
    [
        "i = state.rng.integers(0, oracle.d) * np.ones(oracle.replicates, int)",
        "i = np.full(oracle.replicates, state.rng.spawn(1)[0].integers(oracle.d))",
        "i = np.full(oracle.replicates, np.random.default_rng().integers(oracle.d))",
    ],
)
def test_replicates_that_share_a_draw_are_refused_by_p11_alone(drawn, tmp_path):
    change = (U, f"{drawn}\n        {COORDINATE.replace('__I__', 'i')}")
    _, left_out = chosen_suite(solver=planted(tmp_path, change))
    assert "replicates share their random numbers (x)" in left_out["P10 on xdep_curvature"]
    verdicts = measured(planted(tmp_path, change), tmp_path, "P11", "P10")
    assert refused(verdicts) == {"P11"}
    (reason,) = [v.reason for v in verdicts if v.claim.protocol == "P11" and v.claim.origin != "control"]
    assert "replicates share their random numbers: x is the same in all of them" in reason


def test_a_coordinate_of_each_replicates_own_is_no_shared_draw(tmp_path):
    drawn = "u = np.sqrt(oracle.d) * np.eye(oracle.d)[state.rng.integers(0, oracle.d, (oracle.replicates, self.l))]"
    verdicts = measured(planted(tmp_path, (U, drawn)), tmp_path, "P11")
    assert [(v.claim.id, v.reason) for v in verdicts if not v.as_expected] == []


def test_draws_that_move_nothing_are_no_proof_of_independence(tmp_path):
    line = "        there = "
    still = (U, "u = np.ones((oracle.replicates, self.l, oracle.d))"), (line, f"        state.rng.random()\n{line}")
    verdicts = measured(planted(tmp_path, *still), tmp_path, "P11")
    assert {v.verdict for v in verdicts if v.claim.origin != "control"} == {"inconclusive"}
    _, left_out = chosen_suite(solver=planted(tmp_path, still[0]))
    assert "nothing is random" in left_out["P11"]


# Steps that diverge.


@pytest.mark.parametrize("declares", [True, False])
def test_a_solver_that_diverges_is_inconclusive_and_says_where(declares, tmp_path):
    text = RIGHT.replace("rho: float = 0.2", "rho: float = 50.0")
    solver = planted(tmp_path, text=text if declares else text.replace("def expected_step", "def unused"))
    code, output, _ = call("verify", "--solver", solver, "--no-report", "--out", tmp_path / "out")
    assert code == 3
    line = next(line for line in output.splitlines() if line.startswith("diverges on "))
    assert "reference" in line
    assert ("smd7" in line) == declares
    assert "measurements have no value" in line


def test_a_start_that_is_lost_in_one_step_is_judged_by_that_step(tmp_path):
    """A wrong step that leaves at once, where the declared one stays, is refused: it is no divergence."""
    wrong = ("z - rho * d_z", "z - 1e12 * rho * d_z")
    verdicts = measured(planted(tmp_path, wrong), tmp_path, "P10")
    assert refused(verdicts) == {"P10"}, [(v.claim.id, v.verdict, v.reason) for v in verdicts]


# States that are changed in place.

DECORATED = "@dataclass(frozen=True)\nclass MySolver"
MOMENTUM = MEMORY.replace("__START__", "0").replace("__KEEP__", "0.9")
IN_PLACE = (
    "        m = 0.9 * state.m + oracle.outer_grad_x(z, x)\n",
    "        m = state.m\n        m *= 0.9\n        m += oracle.outer_grad_x(z, x)\n",
)


def breaches_of(verdicts):
    return [v.reason for v in verdicts if v.claim.protocol == "P12" and v.claim.origin != "control"]


def test_a_memory_that_is_changed_in_place_is_named(tmp_path):
    assert refused(measured(planted(tmp_path, text=MOMENTUM), tmp_path, "P12")) == set()
    verdicts = measured(planted(tmp_path, IN_PLACE, text=MOMENTUM), tmp_path, "P12")
    assert refused(verdicts) == {"P12"}
    assert all("step changes m of the state that it is given, in place" in reason for reason in breaches_of(verdicts))


@pytest.mark.parametrize(
    ("memory", "held", "name"),
    [("[np.zeros(3)]", "held[0]", "held.0"), ('{"a": np.zeros(3, dtype=np.int32)}', 'held["a"]', "held.a")],
)
def test_memories_in_lists_tables_and_whole_numbers_are_looked_at(memory, held, name, tmp_path):
    kept = f"@dataclass(frozen=True, eq=False)\nclass Holding(State):\n    held: object = None\n\n\n{DECORATED}"
    solver = planted(
        tmp_path, (DECORATED, kept),
        ("return State(z, v, x, 0, oracle, rng)", f"return Holding(z, v, x, 0, oracle, rng, None, {memory})"),
        ("        return State(z - rho", f"        state.{held}[1] += 1\n        return Holding(z - rho"),
        ("oracle, state.rng)", "oracle, state.rng, None, state.held)"),
    )  # fmt: skip
    reasons = breaches_of(measured(solver, tmp_path, "P12"))
    assert all(f"step changes {name} of the state" in reason for reason in reasons), reasons


def test_iterates_that_are_changed_in_place_are_the_cause_that_is_named(tmp_path):
    line = "        return State(z - rho * d_z, v - rho * d_v, x - gamma * d_x, state.k + 1, oracle, state.rng)"
    in_place = (line, f"        x -= gamma * d_x\n{line.replace('x - gamma * d_x', 'x')}")
    verdicts = measured(planted(tmp_path, in_place), tmp_path, "P12")
    assert refused(verdicts) == {"P12"}
    for reason in breaches_of(verdicts):
        assert "step changes x of the state that it is given, in place" in reason
        assert "after NaN x are not the last finite ones, since step changes them in place" in reason


def test_a_memory_that_is_declared_to_change_in_place_may_and_an_iterate_may_not(tmp_path):
    name = '    name: ClassVar[str] = "momentum"\n'
    declared = (name, f'{name}    changes_in_place: ClassVar[tuple[str, ...]] = ("m", "x")\n')
    assert refused(measured(planted(tmp_path, IN_PLACE, declared, text=MOMENTUM), tmp_path, "P12")) == set()
    x = ("        return Remembering(z, v, x - 0.05 * m,", "        x -= 0.05 * m\n        return Remembering(z, v, x,")
    assert refused(measured(planted(tmp_path, x, declared, text=MOMENTUM), tmp_path, "P12")) == {"P12"}


# Mistakes that begin late.


@pytest.mark.parametrize("late", [20, 400, 1000])
def test_a_query_more_from_late_on_is_refused(late, tmp_path):
    more = ("        d_z = ", f"        if state.k >= {late}:\n            oracle.outer(z, x)\n        d_z = ")
    verdicts = measured(planted(tmp_path, more), tmp_path, "P1d")
    assert refused(verdicts) == {"P1d"}
    (reason,) = [v.reason for v in verdicts if v.claim.problem == "reference" and v.claim.origin != "control"]
    assert f"outer in iteration {late} on reference" in reason


LATE = ("v, x - 0.05 * m,", "v, x - 0.05 * (1.2 if state.k >= 400 else 1.0) * m,")


@pytest.mark.parametrize(("changes", "verdict"), [((), set()), ((LATE,), {"P10"})])
def test_a_factor_from_late_on_is_refused_of_a_solver_with_a_memory(changes, verdict, tmp_path):
    assert refused(measured(planted(tmp_path, *changes, text=MOMENTUM), tmp_path, "P10")) == verdict


@pytest.mark.parametrize(("changes", "verdict"), [((), set()), ((LATE,), {"P10"})])
def test_a_state_that_counts_beside_k_is_run_as_far(changes, verdict, tmp_path):
    counting = MOMENTUM.replace("    m: Array = None\n", "    m: Array = None\n    t: int = 0\n")
    counting = counting.replace("None, m)", "None, m, state.t + 1)")
    solver = planted(tmp_path, *[(old, new.replace("state.k", "state.t")) for old, new in changes], text=counting)
    suite, _ = chosen_suite(solver=solver, only={"protocol": ["P10"]})
    sharp = [claim.parameters for claim in suite.claims if claim.controls]
    assert all(1000 in parameters["iterations"] and "later" not in parameters for parameters in sharp)
    assert refused(measured(solver, tmp_path, "P10")) == verdict


def test_what_is_not_looked_at_is_said_in_the_output(tmp_path):
    code, output, _ = call("verify", "--solver", planted(tmp_path), "--only", "protocol=P8", "--no-report",
                           "--out", tmp_path / "out")  # fmt: skip
    assert code == 0
    words = " ".join(output.split())
    assert "counts are looked at for k = 0 to 50, 100, 400, 1000" in words
    assert "mean steps at k = 0, 3, 50, 1000" in words


# Numbers in the code where an option should stand.

STEPS = "return self.rho * scale, self.gamma * scale"
OPTIONS = {
    "none": (),
    "a-step": ((STEPS, STEPS.replace("self.gamma", "0.05")),),
    "a-whole-number": (("np.mean(slopes[..., None] * u, axis=1)", "np.sum(slopes[..., None] * u, axis=1) / 4"),),
    "one-that-is-refused-below": (
        (STEPS, STEPS.replace("self.rho", "0.2")),
        ("    def init(", "    def __post_init__(self):\n        assert self.l >= 4\n        if self.rho < 0.2:\n"
                          '            raise ValueError("rho")\n\n    def init('),
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", OPTIONS)
def test_every_number_of_the_options_is_varied(which, tmp_path):
    verdicts = measured(planted(tmp_path, *OPTIONS[which]), tmp_path, "P10")
    wrong = [v.claim.id.split("/")[-1] for v in verdicts if v.verdict == "violated" and v.claim.origin != "control"]
    assert bool(wrong) == (which != "none")
    assert all(name.endswith("-other-options") for name in wrong)
    others = [v.claim for v in verdicts if v.claim.id.endswith("options") and v.claim.origin != "control"]
    assert {claim.problem for claim in others} == {v.claim.problem for v in verdicts}
    assert all(set(claim.parameters["options"]) == {"rho", "gamma", "l"} for claim in others)


def test_options_that_are_no_numbers_are_named(tmp_path):
    worded = ("    l: int = 4\n", '    l: int = 4\n    law: str = "gaussian"\n    most: float = float("inf")\n')
    _, left_out = chosen_suite(solver=planted(tmp_path, worded))
    assert left_out["other options"] == "not varied: law, most"


# How small an error is refused.

DESCENT = """
    def expected_descent(self, problem, state):
        return self.gamma * (state["k"] + 1) ** -0.25, 1e-6
"""


@pytest.mark.parametrize("declared", [pytest.param("step", marks=pytest.mark.slow), "descent"])
def test_the_power_of_a_solver_of_ones_own_is_printed(declared, tmp_path):
    text = RIGHT if declared == "step" else RIGHT[: RIGHT.index("    # What it declares.")] + DESCENT
    solver = planted(tmp_path, text=text)
    code, output, errors = call("verify", "--solver", solver, "--power", "--json", "--out", tmp_path / "out")
    assert code == 0, errors
    rows = {row["protocol"]: row for row in json.loads(output)["table"]}
    assert 0.001 < rows["P10"]["worst"] < 0.4
    planted_in = ("P10", "P1d") if declared == "step" else ("P10",)
    assert all(rows[protocol]["planted"]["refused"] > 0.9 for protocol in planted_in)


def test_a_pass_says_which_error_would_have_been_refused_and_that_is_so(tmp_path):
    code, output, _ = call("verify", "--solver", planted(tmp_path), "--only", "protocol=P10", "--no-report",
                           "--out", tmp_path / "out")  # fmt: skip
    assert code == 0
    said = re.search(r"P10 would refuse an error of (\S+) % of the move of (\w) at k = \d+ on (\w+),", output)
    assert said, output
    size, block, problem = float(said[1]) / 100, said[2], said[3]
    step = {"x": "x - gamma * d_x", "z": "z - rho * d_z", "v": "v - rho * d_v"}[block]
    wrong = (step, f"{block} - {1 + 1.05 * size} * ({block} - ({step}))")
    verdicts = measured(planted(tmp_path, wrong), tmp_path, "P10")
    assert problem in {v.claim.problem for v in verdicts if v.verdict == "violated" and v.claim.origin != "control"}

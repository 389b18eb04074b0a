"""Mistakes in a solver's file that are no verdict: where they stand is said, and what to do."""

import pytest

from .command import call
from .test_own_solver import planted

STEP = "        oracle, z, v, x = state.oracle, state.z, state.v, state.x\n"
START = "        return State(z, v, x, 0"
MEAN = "        mean = {\n"
END = "        return State(z - rho * d_z, v - rho * d_v, x - gamma * d_x, state.k + 1, oracle, state.rng)\n"
NEEDS = '"inner_grad_z", "inner_hvp_zz", "inner_jvp_xz", "outer_grad_z", "outer_grad_x"'
IN_STEP = "line {line}, in step"
ERRORS = {
    "raises": ((STEP, f'{STEP}        raise RuntimeError("odd")\n'), [IN_STEP, "RuntimeError: odd", "k = 0"]),
    "shapes": ((STEP, f"{STEP}        z + np.ones(17)\n"), [IN_STEP, "ValueError", "p = 4, d = 3"]),
    "attribute": ((STEP, f"{STEP}        state.memory\n"), [IN_STEP, "AttributeError", "memory"]),
    "option": (("    rho: float = 0.2", '    rho: float = "0.2"'), ["in steps", "TypeError", "mine.py"]),
    "init": ((START, f"        1 / 0\n{START}"), ["in init", "ZeroDivisionError"]),
    "nothing": ((END, END.replace("return ", "_ = ")), ["step of mine.py:MySolver returns nothing", "`return`"]),
    "no state": ((END, "        return z, v, x\n"), ["step of mine.py:MySolver returns tuple", "base.State"]),
    "nothing at first": ((START, START.replace("return ", "_ = ")), ["init of mine.py:MySolver returns nothing"]),
    "rows": ((END, END.replace("z - rho * d_z", "(z - rho * d_z)[0]")), ["z of shape (4,), not (2, 4)"]),
    "misspelt": ((NEEDS, NEEDS.replace("_xz", "_xzz")), ["need 'inner_jvp_xzz'", "did you mean 'inner_jvp_xz'"]),
    "one name": ((f"({NEEDS})", '"inner_grad_z"'), ["must be a tuple", '("inner_grad_z",)']),
    "too few": ((NEEDS, NEEDS.replace('"inner_jvp_xz", ', "")), ["queries inner_jvp_xz", "needs does not name"]),
    "no dataclass": (("@dataclass(frozen=True)\n", ""), ["no dataclass", "rho, gamma, l", "@dataclass(frozen=True)"]),
    "expected step": ((MEAN, f"        mean = {{}}[0]\n{MEAN}"), ["in expected_step", "KeyError"]),
}  # fmt: skip


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_the_solvers_file_is_said_with_its_place_and_exit_code_2(error, tmp_path):
    change, words = ERRORS[error]
    solver = planted(tmp_path, change)
    lines = (tmp_path / "mine.py").read_text().splitlines()
    number = next((i for i, line in enumerate(lines, 1) if any(w in line for w in ('"odd"', "(17)", ".memory"))), 0)
    code, output, errors = call("verify", "--solver", solver, "--out", tmp_path / "out")
    assert code == 2, output
    assert "Traceback" not in errors
    assert [word for word in words if word.format(line=number) not in errors] == [], errors


def test_an_error_that_comes_late_is_said_with_its_place(tmp_path):
    late = (STEP, f'{STEP}        if state.k == 400:\n            raise RuntimeError("odd")\n')
    code, _, errors = call("verify", "--solver", planted(tmp_path, late), "--only", "protocol=P1d", "--no-report",
                           "--out", tmp_path / "out")  # fmt: skip
    assert code == 2
    assert "RuntimeError: odd (mine.py, line" in errors


@pytest.mark.parametrize("verb", ["solve", "run"])
def test_other_verbs_say_the_place_too(verb, tmp_path):
    solver = planted(tmp_path, (STEP, f"{STEP}        state.memory\n"))
    words = [verb, "--problem", "quad_general"] if verb == "run" else [verb, "quad_general"]
    code, _, errors = call(*words, "--solver", solver, *(["--out", tmp_path / "out"] if verb == "run" else []))
    assert code != 0
    assert "mine.py, line" in errors, errors


def test_a_solver_on_a_problem_is_for_other_verbs_which_are_named(tmp_path):
    solver = planted(tmp_path)
    code, _, errors = call("verify", "--solver", solver, "--problem", "quad_general", "--out", tmp_path / "out")
    assert code == 2
    for verb in (f"zoba-bench run --problem quad_general --solver {solver}", "zoba-bench solve quad_general --solver"):
        assert verb in errors

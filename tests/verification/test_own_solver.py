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
from .command import call

import zoba_bench as zb
from zoba_bench.ledger import Ledger
from zoba_bench.registry import make_solver
from zoba_bench.solvers.base import Solver
from zoba_bench.solvers.file import solver_spec
from zoba_bench.solvers.soba import Soba
from zoba_bench.verification.claim import Claim, Measurement, decide
from zoba_bench.verification.run.verify import chosen_suite, exit_code, verify

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
    "initial": ("P10", ("return State(z, v, x, 0", "return State(z, 0 * v, x, 0")),
    "iteration-number": ("P10", ("state.k + 1, oracle", "state.k + 2, oracle")),
    "equal-in-pairs": ("P11", ("        there = ", "        u[1::2] = u[: 2 * (len(u) // 2) : 2]\n        there = ")),
    "one-for-all": ("P11", ("standard_normal((oracle.replicates, self.l",
                            "standard_normal((1, self.l")),
    "same-draws": ("P11", ("state.rng.standard_normal", "np.random.default_rng(0).standard_normal")),
    "count": ("P1d", ('"outer": (self.l + 1) * outer', '"outer": self.l * outer')),
    "late-count": ("P1d", ("        d_z = ", "        if state.k >= 10:\n            oracle.outer(z, x)\n        d_z = ")),
    "budget": ("P12", ("        d_z = ",
                       "        for _ in range(0 if oracle.dry else state.k % 3 * 9):\n            oracle.outer(z, x)\n"
                       "        d_z = ")),
    "nan-raises": ("P12", ("        d_z = ", "        assert np.isfinite(there).all()\n        d_z = ")),
    "nan-infects": ("P12", ("        d_z = ", "        outer_x = outer_x + 0 * outer_x.mean(axis=0)\n        d_z = ")),
    "stalls": ("P13", ("    gamma: float = 0.05", "    gamma: float = 1e-9")),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_refused_by_name_of_the_claim(bug, tmp_path):
    protocol, *changes = BUGS[bug]
    if bug == "stalls":
        changes.append(("    h: ClassVar", "    declared_reduction: ClassVar[float] = 0.1\n    h: ClassVar"))
    if bug == "stale":
        changes += [("        rho, gamma = self.steps(state.k)\n", ""),
                    ("        d_z = oracle", "        rho, gamma = self.steps(state.k)\n        d_z = oracle")]  # fmt: skip
    verdicts = measured(planted(tmp_path, *changes), tmp_path, protocol)
    assert protocol in refused(verdicts), [(v.claim.id, v.verdict, v.reason) for v in verdicts]
    assert exit_code(verdicts) == 1

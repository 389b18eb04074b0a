"""A theorem of one's own.

Statements with proofs that refuse every other statement. This one is about the outer part of my_solver.py:
X = (F_x'u) u with a normal direction u, which is what a forward difference of F tends to as its radius falls. The mean
over l such X is what x moves along. Moments come from Isserlis' formula, not from a literal. At the end a wrong
statement is put in the place of a right one, and its proof must refuse it; the numbers are compared with draws.
"""

from dataclasses import replace

import numpy as np
import sympy as sp
from zoba_bench.theory.estimators.isserlis import expectation, form
from zoba_bench.theory.proof.rules import by_derivation
from zoba_bench.theory.proof.theorem import Step, Theorem
from zoba_bench.theory.symbols import d

#: Directions an iteration, and the squared length of F_x.
l, size = sp.Symbol("l", positive=True, integer=True), form("F_x", "F_x")
MEAN, SECOND, VARIANCE = sp.symbols("mean second_moment variance")


def second_moment():
    """E|X|^2, the sum over all matchings of the four random ends."""
    return expectation(form("F_x", "u") ** 2 * form("u", "u")).expression


def my_theorem():
    """What is registered: a function without arguments that returns the theorem."""
    steps = (
        Step(
            "mean",
            sp.Eq(MEAN, form("F_x", "y1d")),
            "E uu' = I; both sides are inner products with a test vector y1d.",
            by_derivation(lambda: expectation(form("F_x", "u") * form("u", "y1d")).expression, "by matchings"),
        ),
        Step(
            "second moment",
            sp.Eq(SECOND, (d + 2) * size),
            "Isserlis' formula: three matchings.",
            by_derivation(second_moment, "by matchings"),
        ),
        Step(
            "variance of the mean over l",
            sp.Eq(VARIANCE, (d + 1) / l * size),
            "Directions are independent, so the variance of one is divided by l.",
            by_derivation(lambda: (second_moment() - size) / l, "second moment minus the squared mean, over l"),
        ),
    )
    return Theorem(
        name="my-theorem",
        title="noise of the outer gradient of my-solver",
        solver="my-solver",
        assumptions=("F is differentiable in x", "normal directions", "the radius tends to zero"),
        source="this example",
        steps=steps,
        symbols={"d": d, "l": l},
        evaluations={"outer": l + 1},
    )


if __name__ == "__main__":
    theorem = my_theorem()
    print(theorem.render_text())

    step = theorem.steps[1]
    wrong = replace(step, statement=sp.Eq(SECOND, (d + 1) * size))
    print("a wrong statement:", wrong.check().detail)

    rng = np.random.default_rng(0)
    slope, u = rng.standard_normal(5), rng.standard_normal((100_000, 5))
    drawn = np.sum(((u @ slope)[:, None] * u) ** 2, axis=1)
    predicted = float(step.statement.rhs.subs({d: 5, size: slope @ slope}))
    distance = (drawn.mean() - predicted) / (drawn.std() / np.sqrt(len(drawn)))
    print(f"E|X|^2 at d = 5: derived {predicted:.3f}, drawn {drawn.mean():.3f}, {distance:+.1f} standard errors apart")

"""One smoothing radius or two.

The cross surrogate X estimates G_xz v by a second difference along random directions w of z and u of x, with the
radii h and eta. Lines are its exact E|X|^2, derived with symbols. Points are means over draws of the estimator that the
solvers run. With one radius a term of order d^3 takes over, in which G_xx stands and Psi does not; with
h^2/eta^2 = (d + 2)/(p + 2) it is of order d^2. A mixed difference has no such term at all.
"""

import sys

import numpy as np
from matplotlib.figure import Figure
from zoba_bench.theory.estimators.blocks import Blocks
from zoba_bench.theory.estimators.surrogates import mixed_surrogates, zoba_surrogates

import zoba_bench as zb
from zoba_bench.estimators import mixed_difference, second_difference

P, SIZES, DRAWS = 2, (4, 8, 16, 32, 64, 128), 20_000


def drawn(problem, x, v, h, mixed, rng):
    """|X|^2 of independent directions, at z*(x) and with eta = 1: G is quadratic, so that no radius is too large."""
    z = problem.inner_solution(x)
    w, u = rng.standard_normal((DRAWS, problem.p)), rng.standard_normal((DRAWS, problem.d))
    both, centre = problem.inner(z + h * w, x + u), problem.inner(z, x)
    if mixed:
        c = mixed_difference(both, problem.inner(z + h * w, x), problem.inner(z, x + u), centre, h, 1.0)
    else:
        c = second_difference(both, problem.inner(z - h * w, x - u), centre, h, 1.0)
    return (c * (w @ v)) ** 2 * np.sum(u**2, axis=1)


def table(rng):
    """Of each estimator: derived and measured E|X|^2 / |v|^2 over d, with standard errors."""
    second, mixed = zoba_surrogates()["Cv second difference"], mixed_surrogates()["Cv mixed difference"]
    rows = {}
    for name, surrogate, ratio in (
        ("one radius", second, lambda d: 1.0),
        ("tuned ratio", second, lambda d: np.sqrt((d + 2) / (P + 2))),
        ("mixed difference", mixed, lambda d: 1.0),
    ):
        derived, means, errors = [], [], []
        for d in SIZES:
            problem = zb.load_problem("reference", p=P, d=d)
            x, v, r = rng.standard_normal(d), np.ones(P) / np.sqrt(P), ratio(d)
            blocks = Blocks.at(problem, x, z=problem.inner_solution(x), v=v)
            values = drawn(problem, x, v, r, surrogate is mixed, rng)
            derived.append(surrogate.second_moment_value(blocks, ratio=r))
            means.append(values.mean())
            errors.append(values.std(ddof=1) / np.sqrt(DRAWS))
        rows[name] = np.array([derived, means, errors])
    return rows


def draw(rows):
    """Derived lines, and points with two standard errors."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axis = figure.subplots()
    for name, (derived, means, errors) in rows.items():
        (line,) = axis.loglog(SIZES, derived, label=f"{name}, derived")
        axis.errorbar(SIZES, means, yerr=2 * errors, fmt="o", color=line.get_color(), capsize=3)
    axis.set(xlabel=f"d, at p = {P}", ylabel="E|X|² / |v|² of one direction")
    axis.set_xticks(SIZES, SIZES)
    axis.minorticks_off()
    axis.legend(title="points: measured, two standard errors")
    return figure


if __name__ == "__main__":
    rows = table(np.random.default_rng(0))
    for name, (derived, means, errors) in rows.items():
        slope = np.log2(derived[-1] / derived[-2])
        print(f"{name}: E|X|^2 grows like d^{slope:.2f} at d = {SIZES[-1]};", end=" ")
        print(f"measured within {np.max(np.abs(means - derived) / errors):.1f} standard errors of the derived values")
    if len(sys.argv) > 1:
        draw(rows).savefig(sys.argv[1])

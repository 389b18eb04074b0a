"""Run three solvers on a registered problem and compare them with the known minimiser.

All have the same budget in evaluations, eight independent runs each, and constant steps. So each comes to rest at a
noise floor of its own; with shared directions (hf-zoba-shared) the noise vanishes with the hypergradient.
"""

import sys

import numpy as np
from matplotlib.figure import Figure

import zoba_bench as zb

SOLVERS = ("zoba", "zoba-mixed", "hf-zoba-shared")


def draw(results):
    """Median and range of |x - x*| over the runs, against the evaluations."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axis = figure.subplots()
    for name, result in results.items():
        distance = result.history["distance"]
        spent = result.history["iteration"] * result.nfev[0] / result.nit[0]  # each iteration costs the same
        (line,) = axis.semilogy(spent, np.median(distance, axis=1), label=name)
        axis.fill_between(spent, distance.min(axis=1), distance.max(axis=1), color=line.get_color(), alpha=0.2)
    axis.set(xlabel="evaluations of F and G", ylabel="|x - x*|, median and range of 8 runs")
    axis.legend()
    return figure


if __name__ == "__main__":
    problem = zb.load_problem("reference", p=4, d=4)
    options = {"schedule": "constant", "rho": 0.2, "gamma": 0.05, "l1": 64, "l2": 64}
    results = {name: zb.solve(problem, name, budget=200_000, replicates=8, **options) for name in SOLVERS}
    for name, result in results.items():
        print(name, result.nfev[0], "evaluations, |x - x*|:", result.history["distance"][-1].round(4))
    if len(sys.argv) > 1:
        draw(results).savefig(sys.argv[1])

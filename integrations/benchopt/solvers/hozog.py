"""HOZOG in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """HOZOG: differences of the value after a training, which uses values too (arXiv 2102.09026)."""

    name = "HOZOG"
    solver = "hozog"
    radii = {"eta": 2, "h": 3}
    fixed = {"training": "values"}
    parameters = {
        "gamma": [0.001],
        "alpha": [0.1],
        "q": [5],
        "inner_steps": [100],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }

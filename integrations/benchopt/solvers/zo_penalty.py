"""ZO-penalty in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """The penalty method with two-point surrogates, without second differences (arXiv 2510.03646)."""

    name = "ZO-penalty"
    solver = "zo-penalty"
    radii = {"h": 2}
    parameters = {
        "lam": [10.0],
        "alpha": [0.0025],
        "beta": [0.0001],
        "schedule": ["inverse-sqrt"],
        "T_b": [5],
        "l": [25],
        "h": [None],
        **ValueSolver.common,
    }

"""ZDSBA in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZDSBA, with an inner loop and a loop for the adjoint (arXiv 2404.00158)."""

    name = "ZDSBA"
    solver = "zdsba"
    parameters = {
        "alpha": [0.001],
        "beta": [0.0005],
        "gamma": [0.0005],
        "schedule": ["inverse-sqrt"],
        "t_k": [20],
        "b_k": [20],
        "h": [None],
        **ValueSolver.common,
    }

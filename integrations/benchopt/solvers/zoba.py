"""ZOBA in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA, a single loop with second differences along random directions (arXiv 2601.21836)."""

    name = "ZOBA"
    solver = "zoba"
    parameters = {
        "rho": [0.01],
        "gamma": [None],
        "schedule": ["inverse-sqrt"],
        "l1": [100],
        "b1": [1],
        "b2": [1],
        "h": [None],
        **ValueSolver.common,
    }

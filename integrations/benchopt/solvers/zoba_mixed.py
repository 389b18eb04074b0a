"""ZOBA-mixed in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA with mixed differences in place of second ones."""

    name = "ZOBA-mixed"
    solver = "zoba-mixed"
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

"""ZOBA-tuned in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA with the ratio of the two radii that balances the variance of its cross term."""

    name = "ZOBA-tuned"
    solver = "zoba-tuned"
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

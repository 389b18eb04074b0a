"""ZMDSBA in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZDSBA with a mini-batch of directions in its outer step (arXiv 2510.03646)."""

    name = "ZMDSBA"
    solver = "zmdsba"
    parameters = {
        "alpha": [0.001],
        "beta": [0.0005],
        "gamma": [0.0005],
        "schedule": ["inverse-sqrt"],
        "t_k": [20],
        "b_k": [20],
        "s_k": [200],
        "h": [None],
        **ValueSolver.common,
    }

"""HF-ZOBA-shared in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """HF-ZOBA whose outer surrogates use all of the inner directions."""

    name = "HF-ZOBA-shared"
    solver = "hf-zoba-shared"
    radii = {"h": 4, "h_bar": 4}
    parameters = {
        "rho": [0.01],
        "gamma": [None],
        "schedule": ["inverse-sqrt"],
        "l1": [100],
        "b1": [1],
        "b2": [1],
        "h": [None],
        "h_bar": [None],
        **ValueSolver.common,
    }

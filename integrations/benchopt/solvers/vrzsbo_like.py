"""VRZSBO-like in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Variance reduction by a coin, with differences along coordinates; a reconstruction."""

    name = "VRZSBO-like (reconstruction)"
    solver = "vrzsbo-like"
    radii = {"nu": 4, "h": 4}
    parameters = {
        "rho": [0.1],
        "rho_v": [0.1],
        "gamma": [0.01],
        "q": [0.1],
        "b1": [1],
        "b2": [1],
        "nu": [None],
        "h": [None],
        **ValueSolver.common,
    }

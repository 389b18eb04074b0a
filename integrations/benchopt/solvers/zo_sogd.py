"""ZO-SOGD in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """The single loop by differences along the sphere, with remembered directions (arXiv 2511.01126)."""

    name = "ZO-SOGD"
    solver = "zo-sogd"
    radii = {"rho_r": 4, "rho_s": 4, "rho_v": 4}
    parameters = {
        "alpha": [0.001],
        "beta": [0.1],
        "delta": [0.1],
        "gamma": [0.99],
        "lam": [0.99],
        "eta": [0.99],
        "l1": [5],
        "l2": [5],
        "rho_r": [None],
        "rho_s": [None],
        "rho_v": [None],
        **ValueSolver.common,
    }

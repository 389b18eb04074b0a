"""Implicit-differences in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """The implicit hypergradient from differences along coordinates: Newton in z, BFGS in x. For exact values."""

    name = "Implicit-differences"
    solver = "implicit"
    radii = {"h": 2, "h2": 4}
    parameters = {
        "radius": [0.3],
        "curvature": ["secant"],
        "h": [None],
        "h2": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }

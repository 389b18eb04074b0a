"""O-ZD in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """Central differences along orthonormal directions after an inner run (arXiv 2305.16024)."""

    name = "O-ZD"
    solver = "o-zd"
    radii = {"eta": 3, "h": 3}
    parameters = {
        "gamma": [0.01],
        "alpha": [0.1],
        "inner_steps": [10],
        "l": [1],
        "eta": [None],
        "h": [None],
        **ValueSolver.common,
        "batch_size": ["full"],
    }

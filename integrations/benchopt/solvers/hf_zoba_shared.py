"""HF-ZOBA-shared in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """HF-ZOBA whose outer surrogates use all of the inner directions."""

    name = "HF-ZOBA-shared"
    solver = "hf-zoba-shared"
    radii = {"h": 4, "h_bar": 4}
    parameters = {**ValueSolver.single_loop, "h_bar": [None]}

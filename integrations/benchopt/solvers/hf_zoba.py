"""HF-ZOBA in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """HF-ZOBA, a single loop with differences of gradient surrogates along v (arXiv 2601.21836)."""

    name = "HF-ZOBA"
    solver = "hf-zoba"
    radii = {"h": 4, "h_bar": 4}
    parameters = {**ValueSolver.single_loop, "h_bar": [None], "normalize_h_bar": [True]}

"""ZOBA in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA, a single loop with second differences along random directions (arXiv 2601.21836)."""

    name = "ZOBA"
    solver = "zoba"
    parameters = ValueSolver.single_loop

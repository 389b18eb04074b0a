"""ZOBA-mixed in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA with mixed differences in place of second ones."""

    name = "ZOBA-mixed"
    solver = "zoba-mixed"
    parameters = ValueSolver.single_loop

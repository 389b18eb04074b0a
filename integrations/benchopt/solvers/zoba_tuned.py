"""ZOBA-tuned in benchopt's bilevel benchmark."""

from zoba_bench.integrations.benchopt.adapter import ValueSolver


class Solver(ValueSolver):
    """ZOBA with the ratio of the two radii that balances the variance of its cross term."""

    name = "ZOBA-tuned"
    solver = "zoba-tuned"
    parameters = ValueSolver.single_loop

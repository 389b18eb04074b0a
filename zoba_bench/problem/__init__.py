"""What a bilevel problem is."""

from zoba_bench.problem.bilevel import BilevelProblem, Card, Constants

__all__ = ["BilevelProblem", "Card", "Constants"]

"""What a bilevel problem is.

``bilevel`` is the class; ``constants`` and ``card`` are what it declares in numbers and in words, ``capabilities`` what
it offers beyond two objectives, ``symbolic`` its form in symbols. ``building`` checks what a user hands over, ``file``
reads a problem from "file.py:name", ``depends`` finds what such a file depends on, and ``inner_check`` tries a declared
inner solution before anything runs. ``export`` hands a problem to other optimisers, ``pickling`` to other processes.
``pointwise`` is a function of one point, which a compiled loop calls. ``noise`` is what a problem declares to be wrong
with the numbers that a solver is told.
"""

from zoba_bench.problem.bilevel import BilevelProblem
from zoba_bench.problem.card import Card
from zoba_bench.problem.constants import Constants

__all__ = ["BilevelProblem", "Card", "Constants"]


def __dir__() -> list[str]:
    return sorted(__all__)

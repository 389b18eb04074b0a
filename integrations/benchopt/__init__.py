"""The zeroth-order solvers in benchopt's bilevel benchmark, and the registered problems as a benchmark of its own.

The folder is a benchopt benchmark: ``objective`` with the interface of benchopt/benchmark_bilevel, ``datasets`` (every
registered problem) and ``solvers`` (a file a method). Its solvers and its data set also run inside that benchmark, once
``copy_to`` has put them there.

``adapter`` is the base class of the solvers, ``values`` turns a benchmark's functions of rows into the values that our
solvers ask for and counts them, ``precision`` keeps differences out of the rounding of single precision, and ``rows``
does the opposite of ``values``: functions of rows, from a problem. ``install`` copies.
"""

from zoba_bench.integrations.benchopt.install import copy_to, folder

__all__ = ["copy_to", "folder"]


def __dir__() -> list[str]:
    return sorted(__all__)

"""Adapters to other frameworks; the engine never imports them.

``benchopt`` brings the zeroth-order solvers and the registered problems to benchopt's bilevel benchmark.
"""

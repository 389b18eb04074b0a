"""Minimise a bilevel problem given by two functions of one's own.

Only values of the two functions are asked for. z follows x with a curvature of its own in each coordinate, and the
outer function is smallest where z and the first three coordinates of x are 1 and the last one is 0. The picture shows
what the run knew after every iteration.
"""

import sys

import numpy as np

import zoba_bench as zb


def inner(z, x):
    """The inner objective G(z, x): z follows x, with a curvature of its own in each coordinate."""
    return 0.5 * np.sum(np.array([1.0, 2.0, 4.0]) * (z - x[:3]) ** 2)


def outer(z, x):
    """The outer objective F(z, x)."""
    return 0.5 * np.sum((z - 1.0) ** 2) + 0.5 * np.sum(x[3:] ** 2)


if __name__ == "__main__":
    result = zb.minimize(outer, inner, x0=np.zeros(4), z0=np.zeros(3), seed=0)
    print(result.x.round(6) + 0.0)  # close to (1, 1, 1, 0)
    print(result.message, result.nfev)
    if len(sys.argv) > 1:
        result.plot().savefig(sys.argv[1])

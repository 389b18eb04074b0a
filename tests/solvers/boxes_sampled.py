"""Algorithm boxes of the methods of benchopt's bilevel benchmark in plain loops: one replicate, one sample at a time.

They share nothing with the solvers but the derivatives of the problem. ``inner()`` and ``outer()`` return the next
batch of a level, ``number(n)`` a whole number below n, in the order of the boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .boxes_first_order import Box

Draw = Callable[[], Any]


def descend(box: Box, z, x, rho: float, passes: int, inner: Draw):
    for _ in range(passes):
        z = box.see(z - rho * box.mean("inner_grad_z", z, x, of=inner()))
    return z


def adjoints(
    box: Box, points: Sequence[Any], slopes: Sequence[Any], terms: int, eta: float, inner: Draw, number: Any
) -> list[Any]:
    """Literal products over the same batches at all points; the sum of all of them, or one of random length."""
    length = None if number is None else number(terms)
    batches = [inner() for _ in range(terms - 1)]
    found = []
    for (z, x), slope in zip(points, slopes, strict=True):
        products = [slope]
        for xi in batches:
            products.append(box.see(products[-1] - eta * box.mean("inner_hvp_zz", z, x, products[-1], of=xi)))
        found.append(-eta * (sum(products) if length is None else terms * products[length]))
    return [box.see(v) for v in found]


def amigo(box: Box, z, v, x, rho, gamma, passes, inner: Draw, outer: Draw):
    z = descend(box, z, x, rho, passes, inner)
    zeta = outer()
    f_z, f_x = box.mean("outer_grad_z", z, x, of=zeta), box.mean("outer_grad_x", z, x, of=zeta)
    for _ in range(passes):
        v = box.see(v - rho * (box.mean("inner_hvp_zz", z, x, v, of=inner()) + f_z))
    h = f_x + box.mean("inner_jvp_xz", z, x, v, of=inner())
    return z, v, box.project(box.see(x - gamma * h)), np.linalg.norm(h)


def bsa(box: Box, z, x, rho, gamma, passes, terms, eta, inner: Draw, outer: Draw, number: Any):
    zeta = outer()
    (v,) = adjoints(box, [(z, x)], [box.mean("outer_grad_z", z, x, of=zeta)], terms, eta, inner, number)
    h = box.mean("outer_grad_x", z, x, of=zeta) + box.mean("inner_jvp_xz", z, x, v, of=inner())
    x = box.project(box.see(x - gamma * h))
    return descend(box, z, x, rho, passes, inner), v, x, np.linalg.norm(h)


def ttsa(box: Box, z, x, rho, gamma, terms, eta, inner: Draw, outer: Draw, number: Any):
    xi = inner()
    z = box.see(z - rho * box.mean("inner_grad_z", z, x, of=xi))
    zeta = outer()
    (v,) = adjoints(box, [(z, x)], [box.mean("outer_grad_z", z, x, of=zeta)], terms, eta, inner, number)
    h = box.mean("outer_grad_x", z, x, of=zeta) + box.mean("inner_jvp_xz", z, x, v, of=xi)
    return z, v, box.project(box.see(x - gamma * h)), np.linalg.norm(h)


def momentum(box: Box, now, last, d, keep, rho, gamma, terms, eta, inner: Draw, outer: Draw, number: Any):
    """``now`` and ``last`` are (z, x), ``d`` the two directions: the next ones, v and the point."""
    xi, zeta = inner(), outer()
    g, g_old = (box.mean("inner_grad_z", *at, of=xi) for at in (now, last))
    slopes = [box.mean("outer_grad_z", *at, of=zeta) for at in (now, last)]
    inverses = adjoints(box, (now, last), slopes, terms, eta, inner, number)
    h, h_old = (
        box.mean("outer_grad_x", *at, of=zeta) + box.mean("inner_jvp_xz", *at, v, of=xi)
        for at, v in zip((now, last), inverses, strict=True)
    )
    # a h + (1 - a) (d + h - h_old), as the code has it
    d_z = (1 - keep) * g + keep * (d[0] + g - g_old)
    d_x = (1 - keep) * h + keep * (d[1] + h - h_old)
    x = box.project(box.see(now[1] - gamma * d_x))
    return box.see(now[0] - rho * d_z), inverses[0], x, d_z, d_x


def fsla(box: Box, z_old, v_old, x, x_old, d, keep, rho, gamma, inner: Draw, outer: Draw):
    z = box.see(z_old - rho * box.mean("inner_grad_z", z_old, x, of=inner()))
    product = box.mean("inner_hvp_zz", z, x, v_old, of=inner())
    v = box.see(v_old - rho * (product + box.mean("outer_grad_z", z, x, of=outer())))
    xi, zeta = inner(), outer()
    h = box.mean("outer_grad_x", z, x, of=zeta) + box.mean("inner_jvp_xz", z, x, v, of=xi)
    h_old = box.mean("outer_grad_x", z_old, x_old, of=zeta) + box.mean("inner_jvp_xz", z_old, x_old, v_old, of=xi)
    d = (1 - keep) * h + keep * (d + h - h_old)
    return z, v, box.project(box.see(x - gamma * d)), d


def directions(box: Box, z, v, x, xi, zeta):
    """SOBA's three."""
    return (
        box.mean("inner_grad_z", z, x, of=xi),
        box.mean("inner_hvp_zz", z, x, v, of=xi) + box.mean("outer_grad_z", z, x, of=zeta),
        box.mean("inner_jvp_xz", z, x, v, of=xi) + box.mean("outer_grad_x", z, x, of=zeta),
    )


def srba(box: Box, now, last, d, fresh: bool, rho, gamma, inner: Draw, outer: Draw):
    """``now`` and ``last`` are (z, v, x); all samples are added up one by one."""
    if fresh:
        d = directions(box, *now, range(box.problem.inner_samples), range(box.problem.outer_samples))
    else:
        xi, zeta = inner(), outer()
        pairs = zip(d, directions(box, *now, xi, zeta), directions(box, *last, xi, zeta), strict=True)
        d = tuple(old + (new - before) for old, new, before in pairs)
    steps = (rho, rho, gamma)
    z, v, x = (box.see(block - step * along) for block, step, along in zip(now, steps, d, strict=True))
    return (z, v, box.project(x)), d


def both(box: Box, points, terms, eta, inner: Draw, outer: Draw):
    """G_z and F_x + G_xz v at each point, all batches shared."""
    xi, zeta = inner(), outer()
    slopes = [box.mean("outer_grad_z", *at, of=zeta) for at in points]
    inverses = adjoints(box, points, slopes, terms, eta, inner, None)
    return [
        (
            box.mean("inner_grad_z", *at, of=xi),
            box.mean("outer_grad_x", *at, of=zeta) + box.mean("inner_jvp_xz", *at, v, of=xi),
            v,
        )
        for at, v in zip(points, inverses, strict=True)
    ]


def vrbo(box: Box, z, x, last, d, fresh: bool, rho, gamma, passes, terms, eta, inner: Draw, outer: Draw):
    """``last`` is the point (z, x) at which the directions ``d`` were corrected last."""
    if fresh:
        last = (z, x)
        every = lambda n: lambda: range(n)  # noqa: E731
        ((g, h, _),) = both(box, [last], terms, eta, every(box.problem.inner_samples), every(box.problem.outer_samples))
        d = (g, h)
    x = box.project(box.see(x - gamma * d[1]))
    for _ in range(passes):
        (g, h, v), (g_old, h_old, _) = both(box, [(z, x), last], terms, eta, inner, outer)
        d = (d[0] + (g - g_old), d[1] + (h - h_old))
        last = (z, x)
        z = box.see(z - rho * d[0])
    return z, v, x, last, d


def bome(box: Box, z, x, rho, gamma, alpha, passes, eta, values: bool):
    y = descend(box, z, x, alpha, passes, lambda: None)
    q = np.concatenate([
        box.mean("inner_grad_z", z, x), box.mean("inner_grad_x", z, x) - box.mean("inner_grad_x", y, x)
    ])  # fmt: skip
    f = np.concatenate([box.mean("outer_grad_z", z, x), box.mean("outer_grad_x", z, x)])
    phi = eta * (box.problem.inner(z, x) - box.problem.inner(y, x) if values else q @ q)
    lam = max(phi - f @ q, 0.0) / (q @ q)
    d = f + lam * q
    return z - rho * d[: len(z)], lam * (z - y), box.project(x - gamma * d[len(z) :]), d, q, phi


def iaptt(box: Box, start, x, alpha, gamma, passes):
    """(z, x, next start, the step at which the path is cut), backwards as the box has it."""
    path = [start]
    for _ in range(passes):
        path.append(box.see(path[-1] - alpha * box.mean("inner_grad_z", path[-1], x)))
    values = [float(box.problem.outer(y, x)) for y in path[1:]]
    last = 1 + values.index(max(values))
    b, h = box.mean("outer_grad_z", path[last], x), box.mean("outer_grad_x", path[last], x)
    for t in range(last - 1, -1, -1):
        h = h - alpha * box.mean("inner_jvp_xz", path[t], x, b)
        b = box.see(b - alpha * box.mean("inner_hvp_zz", path[t], x, b))
    return path[last], box.project(box.see(x - gamma * h)), box.see(start - gamma * b), last

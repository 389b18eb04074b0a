"""Errors planted in the zeroth-order rivals."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_SOGD, _VRZSBO, _BOX, _GFM, _STRUCTURED, _SUBSPACES = (
    f"zoba_bench.solvers.{name}" for name in ("zo_sogd", "vrzsbo", "black_box", "gfm", "structured", "subspaces")
)
_ON_VALUES = ("mezo-bcd", "s-szd", "o-zd", "lozo", "gfm")

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "zo-sogd/missing-dimension", _SOGD, "d_z = p * average(", "d_z = average(",
        "directions on the sphere without the factor p", ("zo-sogd",),
    ),
    PlantedError(
        "zo-sogd/wrong-weight", _SOGD, "d_v = d_v + (1 - self.lam)", "d_v = d_v + (1 - self.gamma)",
        "the memory of v has the weight of that of z", ("zo-sogd",),
    ),
    PlantedError(
        "zo-sogd/remembers-the-new", _SOGD, "last_z=state.z, last_v=state.v, last_x=state.x,",
        "last_z=state.z - beta * d_z, last_v=v, last_x=x,",
        "the new point is kept as the earlier one, so that the correction vanishes", ("zo-sogd",),
    ),
    PlantedError(
        "zo-sogd/one-sided", _SOGD, "for side in (1, -1)]", "for side in (1, 0)]",
        "the second point of a central difference is not moved", ("zo-sogd",),
    ),
    PlantedError(
        "vrzsbo-like/coin-for-all", _VRZSBO, "state.rng.random(oracle.replicates) < self.q",
        "np.repeat(state.rng.random(1), oracle.replicates) < self.q", "one coin for all replicates", ("vrzsbo-like",),
        first=("P11/vrzsbo-like/independence",),
    ),
    PlantedError(
        "vrzsbo-like/earlier-point", _VRZSBO, "for point in (now, before))", "for point in (now, now))",
        "both terms of the correction are taken at the new point", ("vrzsbo-like",),
    ),
    PlantedError(
        "vrzsbo-like/step-along", _VRZSBO, "difference_along(ahead, behind, 2 * h)",
        "difference_along(ahead, behind, h)", "differences along v are divided by h", ("vrzsbo-like",),
    ),
    PlantedError(
        "vrzsbo-like/default-q", _VRZSBO, "q: float = 0.1", "q: float = 0.2",
        "the default of q is twice the stated one", ("vrzsbo-like",),
    ),
    PlantedError(
        "black-box/schedule", _BOX, "(k + 1) ** -self.power", "k ** -self.power if k else self.gamma",
        "the step of x is that of the iteration before", ("s-szd",),
    ),
    PlantedError(
        "black-box/first-end", _BOX, "return State(ends.mean(axis=1),", "return State(state.z,",
        "inner runs start where the first ones did", _ON_VALUES,
    ),
    PlantedError(
        "gfm/missing-dimension", _GFM, "oracle.d * average(coefficients, s[:, None])",
        "average(coefficients, s[:, None])", "directions on the sphere without the factor d", ("gfm",),
    ),
    PlantedError(
        "gfm/own-samples", _GFM, "np.tile(drawn.reshape(-1, self.q, self.batch), (1, 2, 1))",
        "np.concatenate([drawn.reshape(-1, self.q, self.batch), drawn.reshape(-1, self.q, self.batch)[::-1]], axis=1)",
        "the values of a pair have different samples", ("gfm",), first=("P10/gfm/batches", "P11/gfm/independence"),
    ),
    PlantedError(
        "s-szd/length", _STRUCTURED, "P = rows * math.sqrt(d / self.l)", "P = rows * math.sqrt(self.l / d)",
        "the columns of P have length sqrt(l/d)", ("s-szd",),
    ),
    PlantedError(
        "s-szd/mean-for-sum", _STRUCTURED, "self.l * average(coefficients, P[:, None])",
        "average(coefficients, P[:, None])", "a mean over the directions in place of their sum", ("s-szd",),
    ),
    PlantedError(
        "s-szd/one-sign", _STRUCTURED, "signs = 2.0 * state.rng.integers(2, size=(R, self.l)) - 1.0",
        "signs = 2.0 * state.rng.integers(2, size=(R, self.l))", "half of the coordinates are lost, the others doubled",
        ("s-szd",),
    ),
    PlantedError(
        "o-zd/unscaled", _STRUCTURED, "return rows / math.sqrt(d)", "return rows",
        "directions have length sqrt(d), not 1", ("o-zd", "s-szd"),
    ),
    PlantedError(
        "o-zd/no-factor", _STRUCTURED, "state.oracle.d * average(coefficients, rows[:, None])",
        "self.l * average(coefficients, rows[:, None])", "a sum over the directions without d/l", ("o-zd",),
    ),
    PlantedError(
        "mezo-bcd/law-scale", _SUBSPACES, "oracle.d) / math.sqrt(number)", "oracle.d)",
        "directions of a block are sqrt(N_b) times too long", ("mezo-bcd",),
    ),
    PlantedError(
        "mezo-bcd/default-blocks", _SUBSPACES, "self.block_size or math.ceil(math.sqrt(d))",
        "self.block_size or math.ceil(d / 2)", "the default blocks are halves of x", ("mezo-bcd",),
    ),
    PlantedError(
        "lozo/no-rank", _SUBSPACES, "(N @ Vt).reshape(R, oracle.d) / r", "(N @ Vt).reshape(R, oracle.d)",
        "the factor 1/r is missing, as in the released code", ("lozo",),
    ),
    PlantedError(
        "lozo/redraw", _SUBSPACES, "if n > 1 and state.k % self.refresh == 0:",
        "if n > 1 and state.k % self.refresh == 1:", "V is drawn one iteration too late", ("lozo",),
    ),
    PlantedError(
        "lozo/momentum", _SUBSPACES, "N = N @ (np.swapaxes(state.basis, 1, 2) @ V) / n", "N = N / n",
        "momentum is not seen through the new V", ("lozo",),
    ),
    PlantedError(
        "black-box/end-of-one", "zoba_bench.solvers.black_box", "ends.mean(axis=1), state.v", "ends[:, 0], state.v",
        "z is the end at one point of a pair, not the mean of both", ("gfm", "o-zd"),
    ),
    PlantedError(
        "s-szd/mean-of-ends", "zoba_bench.solvers.structured", "average(coefficients, P[:, None]), ends[:, :1])",
        "average(coefficients, P[:, None]), ends)", "z is the mean of all ends, not that at x", ("s-szd",),
    ),
    PlantedError(
        "hozog/mean-of-ends", "zoba_bench.solvers.hozog", "trained[:, 0], state.v, x_next",
        "trained.mean(axis=1), state.v, x_next", "z is the mean of all trainings, not that at x", ("hozog",),
    ),
    PlantedError(
        "training/default-radius", "zoba_bench.solvers.training", "oracle.inner(z - moves, x), self.h))",
        "oracle.inner(z - moves, x), 1e-3))", "values are divided by the default radius", ("hozog", "gfm"),
    ),
)  # fmt: skip

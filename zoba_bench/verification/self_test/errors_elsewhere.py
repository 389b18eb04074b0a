"""Errors planted in oracle, driver, directions, statistics, problems and theory."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_HERE = "zoba_bench."
_LOOP = ("hf-zoba", "zoba", "zoba-mixed", "zoba-tuned", "hf-zoba-shared")
_NOISE, _SINGLE = "zoba_bench.theory.noise.", "zoba_bench.theory.single_loop."

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "oracle/mean-counted-once", _HERE + "oracle", "number = each * math.prod(shape[on.ndim :])",
        "number = math.prod(shape[on.ndim :])", "an exact mean over samples is counted as one evaluation",
        ("aid-bio", "meha", "soba", "hf-zoba"),
    ),
    PlantedError(
        "oracle/last-sample", _HERE + "oracle", "rng.integers(size, size=(self.replicates, batch, 1))",
        "rng.integers(size - 1, size=(self.replicates, batch, 1))", "the last sample is never drawn",
        ("soba", "hf-zoba", "saba"),
    ),
    PlantedError(
        "oracle/one-sample-for-all", _HERE + "oracle", "rng.integers(size, size=(self.replicates, batch, 1))",
        "np.repeat(rng.integers(size, size=(1, batch, 1)), self.replicates, axis=0)",
        "all replicates draw the same samples", ("soba", "hf-zoba", "saba"),
    ),
    PlantedError(
        "oracle/outer-at-old-sample", _HERE + "oracle", 'return self._query("outer", (z, x), sample)',
        'return self._query("outer", (z, x), None if sample is None else np.zeros_like(sample))',
        "F is always that of the first sample", ("hf-zoba", "zoba"),
    ),
    PlantedError(
        "driver/counts-a-step-more", _HERE + "driver", "nit += oracle.active",
        "nit += 2 * oracle.active", "iterations are counted twice", ("hf-zoba", "zoba"),
        protocols=("P12", "P6"),
    ),
    PlantedError(
        "oracle/exchanged-sizes", _HERE + "oracle", 'size = {"p": p, "d": d}', 'size = {"p": d, "d": p}',
        "a derivative in z costs what one in x does, and the other way round", ("soba", "aid-bio", "f2sa"),
    ),
    PlantedError(
        "driver/last-that-fits", _HERE + "driver", "oracle.spent(cost) + most > budget)",
        "oracle.spent(cost) + most >= budget)", "an iteration that just fits is not started",
        ("soba", "hf-zoba", "gfm"),
    ),
    PlantedError(
        "problems/beta-of-reference", _HERE + "problems.quadratic.reference",
        "return beta * x - backward(z - forward(x))", "return x - backward(z - forward(x))",
        "G_x leaves out a factor that is 1 by default", ("",), problems=("reference",), protocols=("P9",),
    ),
    PlantedError(
        "problems/curvature-of-reference", _HERE + "problems.quadratic.reference", "        L_Psi=1.0 + lam,",
        "        L_Psi=2.0,", "a constant leaves out what is 1 by default", ("",), problems=("reference",),
        protocols=("P9",),
    ),
    PlantedError(
        "recorder/short-mean", _HERE + "recorder", "self._sum / np.maximum(nit, 1)",
        "self._sum / np.maximum(nit - 1, 1)",
        "the mean of the stationarity is divided by one iteration less", ("hf-zoba", "hf-zoba-shared", "zoba"),
        protocols=("P12", "P4b", "P6b", "P4a"),
    ),
    PlantedError(
        "directions/scale", _HERE + "directions",
        '        """See :class:`Law`."""\n        return rng.standard_normal((*shape, dimension))\n',
        '        """See :class:`Law`."""\n        return 1.01 * rng.standard_normal((*shape, dimension))\n',
        "directions are 1 % too long", _LOOP,
    ),
    PlantedError(
        "directions/unit-sphere", _HERE + "directions",
        "w *= math.sqrt(dimension) / np.sqrt(np.vecdot(w, w))[..., None]",
        "w *= 1.0 / np.sqrt(np.vecdot(w, w))[..., None]", "directions on the sphere lack the factor sqrt(n)", _LOOP,
    ),
    PlantedError(
        "directions/orthogonal-length", _HERE + "directions",
        "np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -math.sqrt(dimension), math.sqrt(dimension))",
        "np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)", "orthogonal directions have unit length", _LOOP,
    ),
    PlantedError(
        "statistics/narrow-limits", _HERE + "statistics",
        "width = -float(stdtrit(min(self.dof, 1e12), tail)) * self.error",
        "width = -float(stdtrit(min(self.dof, 1e12), tail)) * self.error / 1.15", "limits are too narrow by 1.15",
        ("",), ("simulated",), ("P0",), ("/missed",),
    ),
    PlantedError(
        "statistics/one-sided", _HERE + "statistics", "tail = (1.0 - level) / 2.0\n        width",
        "tail = 1.0 - level\n        width", "one-sided limits where two-sided ones are stated", ("",), ("simulated",),
        ("P0",), ("/missed",),
    ),
    PlantedError(
        "statistics/unspent", _HERE + "statistics", "1.0 - (1.0 - level) * (b**power - a**power)",
        "1.0 - (1.0 - level)", "every look has the whole error", ("",), ("simulated",), ("P0",),
        ("/ten-looks",),
    ),
    PlantedError(
        "problems/minimum", _HERE + "problems.quadratic.reference", "minimum=float(value(minimizer))",
        "minimum=1.01 * float(value(minimizer))", "Psi's minimum is 1 % too large", ("",), ("reference",), ("P9",),
    ),
    PlantedError(
        "problems/curvature", _HERE + "problems.quadratic.reference", "        L_zz=1.0,\n", "        L_zz=0.95,\n",
        "L_zz is understated by 5 %", ("",), ("reference",), ("P9",),
    ),
    PlantedError(
        "problems/hypergradient", _HERE + "problems.quadratic.reference",
        "return backward(unit(forward(x) - t)) + lam * unit(x)",
        "return backward(unit(forward(x) - t)) + 1.01 * lam * unit(x)", "a term of grad Psi is 1 % too large", ("",),
        ("reference",), ("P9",),
    ),
    PlantedError(
        "problems/mixed-derivative", _HERE + "problems.quadratic.reference",
        "return spread_vectors(-backward(v), z, x)", "return spread_vectors(backward(v), z, x)",
        "the product with G_xz has the wrong sign", ("",), ("reference",), ("P9",),
    ),
    PlantedError(
        "theory/shared-noise", _NOISE + "covariance", "total = total + (cross + cross.T) / max(l1, l2)",
        "total = total - (cross + cross.T) / max(l1, l2)", "the covariance of the two levels has the wrong sign", _LOOP,
        protocols=("P2b", "P7", "P6b"), first=("P7/hf-zoba-shared/quad_general/",),
    ),
    PlantedError(
        "theory/level-of-noise", _NOISE + "covariance", "fill(inner, inner) / l1 + fill(outer, outer) / l2",
        "1.1 * fill(inner, inner) / l1 + fill(outer, outer) / l2", "the noise of the inner level is 10 % too large",
        _LOOP, protocols=("P2b", "P6b"), first=("P2b/zoba/fine-p=d/level", "P2b/zoba/"),
    ),
    PlantedError(
        "theory/count", "zoba_bench.theory.single_loop.plan", "return 6 * W_0 / (gamma * eps) + 1",
        "return 3 * W_0 / (gamma * eps) + 1", "half of the iterations in the derived count", ("hf-zoba",),
        protocols=("P6c",),
    ),
)  # fmt: skip

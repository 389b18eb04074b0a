"""The adapter on functions of jax: mapped over points, in single precision by default."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from .conftest import times

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy


@pytest.fixture
def objective():
    rng = np.random.default_rng(0)
    A, B = (jnp.asarray(rng.standard_normal((12, 3))) for _ in range(2))

    def rows_of(data, sign):
        @functools.partial(jax.jit, static_argnames="batch_size")
        def f(inner_var, outer_var, start=0, batch_size=1):
            rows = jax.lax.dynamic_slice(data, (start, 0), (batch_size, 3))
            tail = sign * jnp.sum(outer_var**2)
            return 0.5 * jnp.mean(jnp.sum((inner_var - rows - jnp.sum(outer_var)) ** 2, axis=1)) + tail

        return f

    return {
        "f_inner": rows_of(A, 0.0), "f_outer": rows_of(B, 0.5), "n_inner_samples": 12, "n_outer_samples": 12,
        "inner_var0": jnp.zeros(3), "outer_var0": -2 * jnp.ones(2),
    }  # fmt: skip


@pytest.mark.parametrize("batch_size", ["full", 5])
def test_mapped_values_are_those_of_single_calls(solver_class, objective, batch_size):
    solver = solver_class("zoba").get_instance(l1=4, batch_size=batch_size)
    with pytest.warns(UserWarning, match="the benchmark's values are float32: h=0.019 in place of 0.001"):
        solver.set_objective(**objective)
    inner, _ = solver.levels
    rng = np.random.default_rng(1)
    z, x = rng.standard_normal((2, 7, 3)), rng.standard_normal((1, 7, 2))
    sample = rng.integers(inner.samples, size=(2, 7)) if inner.samples else None
    values = inner(z, x, sample)
    assert values.shape == (2, 7)
    assert values.dtype == np.float64
    starts = np.zeros((2, 7), dtype=int) if sample is None else np.minimum(5 * sample, 7)
    size = 12 if sample is None else 5
    for i in np.ndindex(2, 7):
        alone = objective["f_inner"](z[i], x[0, i[1]], start=int(starts[i]), batch_size=size)
        assert values[i] == pytest.approx(float(alone), rel=1e-5)
    assert inner.rows_read == 14 * size


def test_a_run_in_single_precision_makes_progress(solver_class, objective):
    solver = solver_class("hf_zoba_shared").get_instance(l1=8, rho=0.2, eval_freq=100, schedule="constant")
    with pytest.warns(UserWarning, match="float32"):
        solver.set_objective(**objective)
    solver.warm_up()
    solver.run(times(2))
    z, x = solver.get_result().values()
    start = objective["f_outer"](jnp.zeros(3), -2 * jnp.ones(2), start=0, batch_size=12)
    assert objective["f_outer"](z, x, start=0, batch_size=12) < 0.5 * start

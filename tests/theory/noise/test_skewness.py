"""Third cumulants of one iteration against quadrature of the surrogates that run."""

from __future__ import annotations

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.skewness import iteration_skewness

from ..support import PRESET_NAMES, gauss_hermite, random_blocks, run_surrogates

H, ETA, H_BAR = 0.3, 0.2, 0.4


def stacked(found):
    d_z, hv, cv, f_z, f_x = found
    return np.concatenate([d_z, hv + f_z, cv + f_x], axis=-1)


def third(samples, weights):
    centred = samples - weights @ samples
    return np.einsum("k,ka,kb,kc->abc", weights, centred, centred, centred)


def derived(preset, b, l1, l2, outer):
    options = (l1, l2, H / ETA, ETA, outer)
    return iteration_skewness(preset_named(preset), b.matrices, b.vectors, *options)


# Twelve is the degree of a product of three surrogates in one direction: seven nodes are exact.
# Mixed differences draw a second direction: with p = 2 they have five variables, too many for a product rule.
@pytest.mark.parametrize(
    ("preset", "size"),
    [(name, (1, 1)) for name in PRESET_NAMES] + [(name, (2, 1)) for name in PRESET_NAMES if name != "zoba-mixed"],
)
def test_one_shared_direction_equals_quadrature(preset, size):
    p, d = size
    b = random_blocks(p, d, seed=1)
    mixed = preset == "zoba-mixed"
    points, weights = gauss_hermite(2 * p + d if mixed else p + d, 7)
    w, u, t = points[:, :p], points[:, p : p + d], points[:, p + d :]
    w, u = w[:, None], u[:, None]
    t = t[:, None] if mixed else np.zeros_like(w)
    expected = third(stacked(run_surrogates(preset, b, H, ETA, H_BAR, w, u, t)), weights)
    found = derived(preset, b, 1, 1, "shared")
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("counts", [(2, 1), (1, 2)])
@pytest.mark.parametrize("outer", ["shared", "independent"])
def test_unequal_numbers_of_directions_equal_quadrature(counts, outer):
    l1, l2 = counts
    b = random_blocks(1, 1, seed=2)
    if outer == "shared":
        points, weights = gauss_hermite(4, 7)
        w, u = points[:, :2, None], points[:, 2:, None]
        w, u, ow, ou = w[:, :l1], u[:, :l1], w[:, :l2], u[:, :l2]
    else:
        points, weights = gauss_hermite(6, 7)
        columns = np.split(points[:, :, None], np.cumsum([l1, l1, l2]), axis=1)
        w, u, ow, ou = columns
    samples = stacked(run_surrogates("hf-zoba", b, H, ETA, H_BAR, w, u, np.zeros_like(w), ow, ou))
    expected = third(samples, weights)
    found = derived("hf-zoba", b, l1, l2, outer)
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())


def test_it_falls_with_the_square_of_the_directions():
    b = random_blocks(2, 2, seed=3)
    assert np.allclose(derived("zoba", b, 6, 6, "shared") * 36, derived("zoba", b, 1, 1, "shared"), rtol=1e-12)

"""Derived moments of one-direction surrogates: printed values, quadrature, worst cases, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators import surrogates as module
from zoba_bench.theory.estimators.isserlis import form
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.estimators.radius import best_ratio
from zoba_bench.theory.estimators.surrogates import SurrogateError
from zoba_bench.theory.proof.algebra import require_nonnegative
from zoba_bench.theory.symbols import L_xx, L_xz, L_zz, d, eta, h_bar, p, ratio

from zoba_bench import estimators

from ..support import PRESET_NAMES, gauss_hermite, identity_blocks, random_blocks, run_surrogates

ALL = {name: s for preset in PRESETS for name, s in preset_named(preset).surrogates.items()}
H, ETA, H_BAR = 0.3, 0.2, 0.4


def invariants():
    real = {name: sp.Symbol(name, real=True) for name in ("tr(A)", "tr(A^2)", "tr(B)", "tr(B^2)", "|C|_F^2")}
    vectors = {"vv": form("v", "v"), "vAv": form("v", "A", "v"), "AvAv": form("v", "A", "A", "v")}
    return real["tr(A)"], real["tr(A^2)"], real["tr(B)"], real["tr(B^2)"], real["|C|_F^2"], *vectors.values()


@pytest.mark.parametrize("name", ALL)
def test_every_surrogate_is_unbiased_with_bounded_moments(name):
    ALL[name].check()
    assert ALL[name].mean == ALL[name].required_mean


def test_second_moment_of_the_second_difference_hessian():
    tr, tr2, _, _, _, vv, v_a_v, av2 = invariants()
    expected = 2 * (p + 4) * av2 + (p + 4) * tr * v_a_v + (p + 5) / 4 * vv * tr**2 + (p + 5) / 2 * vv * tr2
    assert sp.expand(ALL["Hv second difference"].second_moment - expected) == 0


def test_second_moment_of_the_second_difference_cross():
    tr, tr2, trb, trb2, c2, vv, v_a_v, av2 = invariants()
    cv2 = form("v", "C'", "C", "v")
    r2 = ratio**2
    quartic = r2 * d * ((tr**2 + 2 * tr2) * vv + 4 * tr * v_a_v + 8 * av2)
    quartic += 2 * (d + 2) * trb * (tr * vv + 2 * v_a_v) + (d + 4) * (trb**2 + 2 * trb2) * vv / r2
    expected = quartic / 4 + (d + 2) * (c2 * vv + 2 * cv2)
    assert sp.expand(ALL["Cv second difference"].second_moment - expected) == 0


def test_second_moments_of_mixed_differences_and_differences_along_v():
    _, tr2, _, _, c2, vv, _, av2 = invariants()
    cv2 = form("v", "C'", "C", "v")
    expected = {
        "Cv mixed difference": (d + 2) * (c2 * vv + 2 * cv2),
        "Hv mixed difference": (p + 2) * (tr2 * vv + 2 * av2),
        "Hv difference along v": (p + 2) * av2,
        "Cv difference along v": (d + 2) * cv2,
        "D_z central": (p + 2) * form("G_z", "G_z"),
    }
    for name, value in expected.items():
        assert sp.expand(ALL[name].second_moment - value) == 0, name


AT_IDENTITY = {
    "Cv second difference": {
        (2, 2): 56, (4, 4): 204, (8, 8): 980, (16, 16): 5796, (32, 32): 39236,
        (2, 8): 488, (2, 32): 12296, (2, 128): 583688,
    },
    "Cv mixed difference": {(2, 8): 40, (2, 32): 136, (2, 128): 520},
    "Cv difference along v": {(2, 8): 10, (2, 32): 34, (2, 128): 130},
}  # fmt: skip


@pytest.mark.parametrize("name", AT_IDENTITY)
def test_values_at_identity_blocks(name):
    for size, value in AT_IDENTITY[name].items():
        found = ALL[name].second_moment_value(identity_blocks(*size))
        assert found == pytest.approx(value, rel=1e-12), size


@pytest.mark.parametrize(("dimension", "best", "tuned"), [(8, 414.7, 2.08), (32, 5054.3, 2.204), (128, 74871.8, 2.238)])
def test_values_at_identity_blocks_with_the_best_and_the_tuned_ratio(dimension, best, tuned):
    surrogate, blocks = ALL["Cv second difference"], identity_blocks(2, dimension)
    fourth_power = best_ratio().subs({p: 2, d: dimension, L_xx: 1, L_zz: 1})
    assert surrogate.second_moment_value(blocks, ratio=float(fourth_power) ** 0.25) == pytest.approx(best, rel=2e-4)
    r = preset_named("zoba-tuned").ratio(2, dimension)
    published = 2 * (dimension + 2) ** 2
    assert surrogate.second_moment_value(blocks, ratio=r) / published == pytest.approx(tuned, rel=5e-4)


@pytest.mark.parametrize("preset", PRESET_NAMES)
@pytest.mark.parametrize("size", [(1, 2), (2, 1), (2, 2)])
def test_moments_equal_quadrature_of_the_contractions_that_run(preset, size):
    b = random_blocks(*size, seed=3)
    points, weights = gauss_hermite(2 * b.p + b.d if preset == "zoba-mixed" else b.p + b.d, 5)
    w, u = points[:, : b.p], points[:, b.p : b.p + b.d]
    t = points[:, b.p + b.d :] if preset == "zoba-mixed" else np.zeros_like(w)
    found = run_surrogates(preset, b, H, ETA, H_BAR, w[:, None], u[:, None], t[:, None])
    d_z, f_z, f_x, hv, cv = preset_named(preset).surrogates.values()
    targets = (b.G_z, b.A @ b.v, b.C @ b.v, b.F_z, b.F_x)
    for surrogate, value, target in zip((d_z, hv, cv, f_z, f_x), found, targets, strict=True):
        assert np.allclose(weights @ value, target, rtol=1e-11, atol=1e-11), surrogate.name
        second = weights @ np.vecdot(value, value)
        exact = surrogate.second_moment_value(b, h=H, eta=ETA, h_bar=H_BAR)
        assert second == pytest.approx(exact, rel=1e-12), surrogate.name


def test_v_may_be_given_apart_from_the_blocks():
    b = random_blocks(3, 2)
    surrogate = ALL["Hv second difference"]
    assert surrogate.second_moment_value(b, v=2 * b.v) == pytest.approx(4 * surrogate.second_moment_value(b))


def test_worst_case_of_the_second_difference_hessian():
    found = ALL["Hv second difference"].worst_case({"A": L_zz, "v": sp.Integer(1)})
    assert sp.expand(found - L_zz**2 * (p + 2) * (p**2 + 9 * p + 16) / 4) == 0


def test_worst_case_of_the_cross_surrogate_is_below_the_bound_for_any_function():
    found = ALL["Cv second difference"].worst_case({"A": L_zz, "B": L_xx, "C": L_xz, "v": sp.Integer(1)})
    one, two = L_zz + L_xz, L_xx + L_xz
    every = ratio**2 * one**2 * (p + 2) * (p + 4) + 2 * one * two * (p + 2) * (d + 2)
    every = d / 4 * (every + two**2 * (d + 2) * (d + 4) / ratio**2)
    require_nonnegative((every - found).subs(ratio, 1), (p, d))


@pytest.mark.parametrize("name", ["Hv second difference", "Cv second difference", "Hv mixed difference"])
def test_worst_case_dominates_random_blocks(name):
    b = random_blocks(3, 4, seed=8)
    norms = {letter: np.linalg.norm(getattr(b, letter), 2) for letter in "ABC"}
    worst = ALL[name].worst_case(norms | {"v": np.linalg.norm(b.v)})
    assert ALL[name].second_moment_value(b) <= float(worst.subs({p: 3, d: 4, ratio: 1})) * (1 + 1e-12)


# Wrong estimators are refused.


def without_the_half(plus, minus, centre, r1, r2):
    return (plus + minus - 2 * centre) / (r1 * r2)


def test_a_wrong_factor_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(estimators, "second_difference", without_the_half)
    surrogate = module.zoba_surrogates()["Hv second difference"]
    with pytest.raises(SurrogateError, match=r"Hv second difference: derived mean 2\*A v, required A v"):
        surrogate.check()


def test_the_original_is_back_after_a_mutation():
    module.zoba_surrogates()["Hv second difference"].check()


@pytest.mark.parametrize(("projected", "direction", "mean"), [("u", "w", "C' v"), ("u", "u", "B v"), ("w", "w", "A v")])
def test_a_swapped_projection_is_refused(projected, direction, mean):
    swapped = module.cross_second(estimators.second_difference, projected, direction)
    with pytest.raises(SurrogateError, match="required C v") as error:
        swapped.check()
    assert mean in str(error.value)


def test_unshared_directions_diverge_with_the_step_along_v():
    functions = (estimators.forward_difference, estimators.difference_along)
    unshared = module.action_along(*functions, "w", shared=False)
    assert unshared.mean == "A v"
    with pytest.raises(SurrogateError, match="grows without bound as h_bar -> 0"):
        unshared.check()
    leading = sp.limit(unshared.second_moment.subs(eta, 0) * h_bar**2, h_bar, 0)
    assert sp.expand(leading - 2 * (p + 1) * form("G_z", "G_z")) == 0, leading


def test_a_radius_ratio_must_be_positive():
    with pytest.raises(ValueError, match="ratio"):
        ALL["Cv second difference"].second_moment_value(identity_blocks(2, 2), ratio=-1.0)


def test_values_do_not_depend_on_a_common_scale_of_the_radii():
    b = random_blocks(3, 2)
    values = [ALL["Cv second difference"].second_moment_value(b, h=2 * s, eta=s) for s in (1e-3, 1.0)]
    assert math.isclose(*values, rel_tol=1e-12)

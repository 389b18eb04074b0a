"""The sum-of-squares certificate, the one-step inequalities and what refuses a wrong one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from zoba_bench.theory.estimators.presets import PRESETS, preset_named
from zoba_bench.theory.proof.algebra import require_nonnegative
from zoba_bench.theory.single_loop import weights as module
from zoba_bench.theory.single_loop.inequalities import one_step_inequalities
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.single_loop.weights import (
    Certificate,
    check_explicit_choice,
    equal_shares,
    explicit_step_ratio,
    explicit_weights,
)
from zoba_bench.theory.symbols import L_xz, M_v, M_x, c, k_v, k_z, mu, p, w_a, w_b

from ..support import random_blocks

QUARTER = sp.Rational(1, 4)


@pytest.mark.parametrize("independent", [True, False])
@pytest.mark.parametrize("adjoint", module.KINDS)
def test_the_certificate_is_a_sum_of_squares(independent, adjoint):
    assert "residual 0" in Certificate(independent, adjoint).verify()


@pytest.mark.parametrize("adjoint", module.KINDS)
def test_a_smaller_right_hand_side_is_refused(monkeypatch, adjoint):
    whole = Certificate.bias.fget
    monkeypatch.setattr(Certificate, "bias", property(lambda self: whole(self) * 9 / 10))
    with pytest.raises(ValueError, match="residual"):
        Certificate(False, adjoint).verify()


def test_a_forgotten_young_term_is_refused(monkeypatch):
    whole = Certificate.split_v
    monkeypatch.setattr(Certificate, "split_v", lambda self, share: whole(self, share) - 1)
    with pytest.raises(ValueError, match="residual"):
        Certificate(False, "rough").verify()


def test_explicit_weights_are_those_of_the_published_shape():
    weights = explicit_weights()
    assert weights[w_b] == 3 * L_xz**2
    assert sp.expand(weights[w_a] - 3 * M_x**2 - 24 * L_xz**2 * M_v**2 / mu**2) == 0


def choice(weights, adjoint="rough"):
    certificate = Certificate(False, adjoint)
    return check_explicit_choice(certificate, QUARTER, weights, explicit_step_ratio(certificate, QUARTER))


@pytest.mark.parametrize("adjoint", module.KINDS)
def test_explicit_weights_leave_half_for_the_variances(adjoint):
    assert "half of" in choice(explicit_weights(), adjoint)


@pytest.mark.parametrize("factor", [1, 2, sp.Rational(29, 10)])
def test_a_weight_below_its_threshold_is_refused(factor):
    weights = explicit_weights()
    with pytest.raises(ValueError, match=r"weight of v: .* below its threshold"):
        choice(weights | {w_b: factor * L_xz**2})


def test_the_coupling_is_the_published_shape():
    coarse = c**2 * (3 * w_a * k_z**2 + 4 * w_b * k_v**2) / mu**2
    assert sp.expand(coarse - equal_shares(Certificate(False, "rough").coupling)) == 0


@pytest.mark.parametrize("independent", [True, False])
def test_the_algebra_of_every_inequality_is_verified(independent):
    for step in one_step_inequalities(independent):
        result = step.check()
        assert result.ok, result


@pytest.mark.parametrize("name", PRESETS)
def test_noises_of_zv_and_x_are_independent_for_hf_zoba_only(name):
    assert VarianceModel(preset_named(name)).independent == name.startswith("hf")


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", PRESETS)
def test_variance_bounds_dominate_the_exact_variances(name):
    """At random states, with every constant at the value these blocks have."""
    preset = preset_named(name)
    l = 7
    for seed in range(5):
        rng = np.random.default_rng(seed)
        blocks = random_blocks(3, 2, seed=seed, stationary=True)
        e_a, e_b = rng.standard_normal((2, 3))
        # State (z* + e_a, v* + e_b): F_z and F_x move with e_a, G_z is A e_a.
        shifted = replace(
            blocks,
            v=blocks.v + e_b,
            G_z=blocks.A @ e_a,
            F_z=blocks.F_z + blocks.F_zz @ e_a,
            F_x=blocks.F_x + blocks.F_xz @ e_a,
        )
        values = {
            "L_zz": np.linalg.norm(blocks.A, 2),
            "L_xz": np.linalg.norm(blocks.C, 2),
            "L_xx": np.linalg.norm(blocks.B, 2),
            "m_zz": np.linalg.norm(blocks.F_zz, 2),
            "m_xx": np.linalg.norm(blocks.F_xx, 2),
            "M_v": np.linalg.norm(blocks.F_zz, 2),
            "C_z": np.linalg.norm(blocks.F_z),
            "C_x": np.linalg.norm(shifted.F_x),
            "R": np.linalg.norm(blocks.v),
            "a": np.linalg.norm(e_a),
            "b": np.linalg.norm(e_b),
            "D": np.linalg.norm(shifted.C @ shifted.v + shifted.F_x),
            "y_v": 0.7,
            "y_f": 0.2,
            "y_s": 1.3,
            "h": 0.3,
            "eta": 0.2,
            "l1": l,
            "l2": l,
            "p": 3,
            "d": 2,
        }
        from zoba_bench.theory.noise.covariance import iteration_noise

        exact = iteration_noise(preset, shifted, l, l, h=0.3, eta=0.2)
        slots = {"inner_gradient": slice(0, 3), "adjoint": slice(3, 6), "outer_gradient": slice(6, 8)}
        model = VarianceModel(preset, any_ratio=True)
        for attribute, slot in slots.items():
            bound = getattr(model, attribute)
            number = float(bound.subs({s: values[str(s)] for s in bound.free_symbols}))
            variance = np.trace(exact[slot, slot])
            assert variance <= number * (1 + 1e-12), (name, attribute, variance, number)


def test_a_negative_coefficient_is_refused():
    with pytest.raises(ValueError, match="may be negative"):
        require_nonnegative(p - 2, (p,))

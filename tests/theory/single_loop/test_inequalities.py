"""One step from random states of a quadratic problem, where every expectation is exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from zoba_bench.theory.estimators.presets import preset_named
from zoba_bench.theory.noise.covariance import iteration_noise
from zoba_bench.theory.single_loop.inequalities import after_v, after_z
from zoba_bench.theory.single_loop.variance import VarianceModel
from zoba_bench.theory.single_loop.weights import COEFFICIENTS, Certificate
from zoba_bench.theory.symbols import SHARES, YOUNG

from ..support import PRESET_NAMES, random_blocks

P, DIM, L = 3, 2, 20_000
SEEDS = range(6)


def norm(matrix):
    return float(np.linalg.norm(matrix, 2))


class Step:
    """Exact one-step expectations of a preset on a quadratic problem whose solution is the origin."""

    def __init__(self, name, seed, l=L, gamma=2e-4, rho=0.05, state=None):
        rng = np.random.default_rng(100 + seed)
        base = random_blocks(P, DIM, seed=seed, stationary=True)
        e = rng.standard_normal(2 * P + DIM) if state is None else state
        z, v, x = e[:P], e[P : 2 * P], e[2 * P :]
        at = replace(
            base,
            v=base.v + v,
            G_z=base.A @ z + base.C.T @ x,
            F_z=base.F_z + base.F_zz @ z + base.F_xz.T @ x,
            F_x=base.F_x + base.F_xz @ z + base.F_xx @ x,
        )
        cov = iteration_noise(preset_named(name), at, l, l)
        slope_z = -np.linalg.solve(base.A, base.C.T)
        slope_v = -np.linalg.solve(base.A, base.F_xz.T + base.F_zz @ slope_z)
        lift = np.vstack([slope_z, np.eye(DIM)])
        outer = np.block([[base.F_zz, base.F_xz.T], [base.F_xz, base.F_xx]])
        hessian = lift.T @ outer @ lift
        mean_z, mean_v, mean_x = at.G_z, at.A @ at.v + at.F_z, at.C @ at.v + at.F_x

        def psi(x):
            return x @ hessian @ x / 2

        def error(start, slope, mean, block):
            # q+ - q*(x+), linear in the noise.
            deviation = start - slope @ x
            moved = deviation - rho * mean + gamma * slope @ mean_x
            noise = np.zeros((P, 2 * P + DIM))
            noise[:, block] = -rho * np.eye(P)
            noise[:, 2 * P :] = gamma * slope
            return np.linalg.norm(deviation), moved @ moved + np.trace(noise @ cov @ noise.T)

        self.a, self.next_a = error(z, slope_z, mean_z, slice(0, P))
        self.b, self.next_b = error(v, slope_v, mean_v, slice(P, 2 * P))
        self.gradient = float(np.linalg.norm(hessian @ x))
        x_cov = cov[2 * P :, 2 * P :]
        self.psi = psi(x)
        self.next_psi = psi(x - gamma * mean_x) + gamma**2 * np.trace(hessian @ x_cov) / 2
        slots = (slice(0, P), slice(P, 2 * P), slice(2 * P, None))
        variances = [float(np.trace(cov[slot, slot])) for slot in slots]
        eigenvalues = np.linalg.eigvalsh(base.A)
        self.values = {
            **dict(zip(("V_z", "V_v", "V_x"), variances, strict=True)),
            "a": self.a,
            "b": self.b,
            "D": float(np.linalg.norm(mean_x)),
            "mu": eigenvalues[0],
            "L_zz": eigenvalues[-1],
            "L_xz": norm(base.C),
            "L_xx": norm(base.B),
            "L_Psi": norm(hessian),
            "m_zz": norm(base.F_zz),
            "m_xz": norm(base.F_xz),
            "m_xx": norm(base.F_xx),
            # |F_z(z*(x), x)| and |v*(x)| at this x; |F_x| here.
            "C_z": float(np.linalg.norm(base.F_z + base.F_zz @ slope_z @ x + base.F_xz.T @ x)),
            "C_x": float(np.linalg.norm(at.F_x)),
            "R": float(np.linalg.norm(base.v + slope_v @ x)),
            "M_v": norm(base.F_zz),
            "M_x": norm(base.F_xz),
            "k_z": norm(slope_z),
            "k_v": norm(slope_v),
            "rho": rho,
            "gamma": gamma,
            "c": gamma / rho,
            "h": 0.0,
            "eta": 0.0,
            "p": P,
            "d": DIM,
            "l1": l,
            "l2": l,
            "bias_z": 0.0,
            "bias_v": 0.0,
            "moved_z": 0.0,
            "moved_v": 0.0,
            "bias_x": 0.0,
            **{str(symbol): 1.0 for symbol in (*YOUNG, *SHARES)},
        }

    def number(self, expression, **changes):
        values = self.values | changes
        return float(expression.subs({s: values[str(s)] for s in expression.free_symbols}))


@pytest.mark.parametrize("name", PRESET_NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_errors_after_a_step_are_within_their_inequalities(name, seed):
    step = Step(name, seed)
    independent = VarianceModel(preset_named(name)).independent
    for after, right in ((step.next_a, after_z(independent)), (step.next_b, after_v(independent))):
        bound = step.number(right)
        assert after <= bound * (1 + 1e-12), (after, bound)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", PRESET_NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_lyapunov_function_falls_as_the_certificate_says(name, seed):
    preset = preset_named(name)
    step = Step(name, seed)
    model = VarianceModel(preset)
    certificate = Certificate(model.independent, "flat")
    replaced = {symbol: model.coefficients[key] for key, symbol in COEFFICIENTS.items()}
    v = step.values
    w_b = 3 * v["L_xz"] ** 2
    weights = {"w_b": w_b, "w_a": 3 * v["m_xz"] ** 2 + 8 * w_b * v["m_zz"] ** 2 / v["mu"] ** 2}
    for condition, value in certificate.conditions.items():
        assert step.number(value.subs(replaced), **weights) >= 0, condition
    phi = {key: v["c"] * weight / v["mu"] for key, weight in weights.items()}
    change = step.next_psi - step.psi
    change += phi["w_a"] * (step.next_a - step.a**2) + phi["w_b"] * (step.next_b - step.b**2)
    residual = step.number(certificate.residual.subs(replaced), **weights)
    assert change / v["gamma"] + step.gradient**2 / 2 <= residual * (1 + 1e-9) + 1e-9


def test_twice_the_strong_convexity_is_seen_in_one_step():
    """With the error along the smallest eigenvector and little noise, mu doubled is a false claim."""
    base = random_blocks(P, DIM, seed=0, stationary=True)
    direction = np.linalg.eigh(base.A)[1][:, 0]
    state = np.concatenate([direction, np.zeros(P + DIM)])
    step = Step("zoba", 0, l=10**9, gamma=1e-7, state=state)
    bound = after_z(False)
    assert step.next_a <= step.number(bound)
    assert step.next_a > step.number(bound, mu=2 * step.values["mu"])

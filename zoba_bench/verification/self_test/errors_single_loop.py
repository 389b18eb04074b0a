"""Errors planted in ZOBA, its variants, and the estimators that they share."""

from __future__ import annotations

from zoba_bench.verification.self_test.planted import PlantedError

__all__ = ["ERRORS"]

_LOOP, _ZOBA, _HF, _MIXED = (f"zoba_bench.solvers.{name}" for name in ("single_loop", "zoba", "hf_zoba", "zoba_mixed"))
_DRAWING = "zoba_bench.solvers.drawing"
_ESTIMATORS = "zoba_bench.estimators"
_ALL = ("hf-zoba", "zoba", "zoba-mixed", "zoba-tuned", "hf-zoba-shared")
_HFS = ("hf-zoba", "hf-zoba-shared")

ERRORS: tuple[PlantedError, ...] = (
    PlantedError(
        "single-loop/slow-adjoint", _LOOP, "v = state.v - rho * d_v", "v = state.v - gamma * d_v",
        "v moves with the step of x", _ALL,
    ),
    PlantedError(
        "single-loop/late-schedule", _LOOP,
        "scale = sqrt_decay(self.schedule, k)", "scale = sqrt_decay(self.schedule, min(k, 10))",
        "the steps stop to decrease at iteration 10", _ALL,
    ),
    PlantedError(
        "single-loop/v-radius-doubled", _LOOP, "self.v_radius / np.maximum(norm, self.v_radius)",
        "2 * self.v_radius / np.maximum(norm, self.v_radius)", "v is projected onto a ball of twice the radius", _ALL,
    ),
    PlantedError(
        "single-loop/x-not-projected", _LOOP, "state.oracle.project_x(state.x - gamma * d_x)",
        "state.x - gamma * d_x", "x is not projected onto X", _ALL,
    ),
    PlantedError(
        "single-loop/default-rho", _LOOP, "rho: float = 0.01", "rho: float = 0.02",
        "the default of rho is twice the published one", _ALL,
    ),
    PlantedError(
        "single-loop/default-gamma", _LOOP, "gamma = self.rho / 2 if self.gamma is None", "gamma = self.rho if "
        "self.gamma is None", "the default of gamma is rho in place of rho / 2", _ALL,
    ),
    PlantedError(
        "single-loop/equal-pairs", _DRAWING,
        "drawn = [law.draw(rng, shape, n, basis) for",
        "drawn = [np.repeat(law.draw(rng, shape, n, basis)[::2], 2, axis=0)[: shape[0]] for",
        "replicates have the same directions in pairs", _ALL,
    ),
    PlantedError(
        "single-loop/ninth-coordinate", _LOOP, "d_x = estimates.cross_v + estimates.outer_gradient_x",
        "d_x = (estimates.cross_v + estimates.outer_gradient_x) * np.where(np.arange(state.x.shape[1]) == 8, 1.5, 1.0)",
        "the ninth coordinate of x moves by 1.5 times its step", _ALL,
    ),
    PlantedError(
        "single-loop/shared-for-independent", _LOOP, 'self.batches(oracle), self.outer_directions == "shared"',
        "self.batches(oracle), True",
        "outer directions are shared where independent ones are asked for", _ALL,
    ),
    PlantedError(
        "single-loop/one-sample-repeated", _DRAWING, "inner_sample = oracle.draw_inner(rng, self.b1)",
        "inner_sample = oracle.draw_inner(rng, 1)\n"
        "        inner_sample = None if inner_sample is None else np.repeat(inner_sample, self.b1, axis=1)",
        "one sample of G is used b1 times", _ALL,
    ),
    PlantedError(
        "single-loop/default-batches", _LOOP, "ClassVar[tuple[int, int]] = (25, 10)",
        "ClassVar[tuple[int, int]] = (10, 25)", "the published batches are exchanged", _ALL,
    ),
    PlantedError(
        "single-loop/outer-radius", _LOOP, "yield z, x + eta * directions.outer_u",
        "yield z, x + self.h * directions.outer_u", "F is moved in x by h in place of eta", _ALL,
    ),
    PlantedError(
        "single-loop/tuned-ratio", _LOOP, "return math.sqrt(curvature_ratio * (d + 2) / (p + 2))",
        "return math.sqrt(curvature_ratio * (p + 2) / (d + 2))", "the tuned ratio of the radii is inverted",
        ("zoba-tuned",),
    ),
    PlantedError(
        "single-loop/adjoint-without-outer-gradient", _LOOP,
        "d_v = estimates.hessian_v + estimates.outer_gradient_z",
        "d_v = estimates.hessian_v - estimates.outer_gradient_z", "the sign of f_z in D_v is wrong", _ALL,
    ),
    PlantedError(
        "zoba/hessian-factor", _ZOBA, "hessian_v=hessian_action(", "hessian_v=2.0 * hessian_action(",
        "1/h^2 in place of 1/(2 h^2) in the Hessian surrogate", ("zoba", "zoba-tuned"),
    ),
    PlantedError(
        "zoba/cross-sign", _ZOBA, "yield z_minus, x - eta_u", "yield z_minus, x + eta_u",
        "x moves up in both points of the cross surrogate", ("zoba", "zoba-tuned"),
    ),
    PlantedError(
        "zoba/cross-radius", _ZOBA, "second_difference(g_both_plus, g_both_minus, g, h, eta)",
        "second_difference(g_both_plus, g_both_minus, g, eta, eta)", "1/eta^2 in place of 1/(h eta)",
        ("zoba-tuned", "zoba"),
    ),
    PlantedError(
        "hf-zoba/undisplaced", _HF, "yield z_v + hw, x", "yield z + hw, x",
        "one point of the Hessian action is not displaced along v", _HFS,
    ),
    PlantedError(
        "hf-zoba/h-for-h-bar", _HF, "forward_difference(g_v_u, g_v, eta), along_u, h_bar)",
        "forward_difference(g_v_u, g_v, eta), along_u, h)", "the cross action is divided by h in place of h_bar", _HFS,
    ),
    PlantedError(
        "zoba-mixed/doubled", _MIXED, "mixed_difference(g_w_w2, g_plus, g_w2, g, h, h)",
        "2 * mixed_difference(g_w_w2, g_plus, g_w2, g, h, h)", "the mixed difference of the Hessian is doubled",
        ("zoba-mixed",),
    ),
    PlantedError(
        "zoba-mixed/no-cross", _MIXED, "yield z_w, x_u",
        "yield z, x_u", "the cross surrogate's point is not moved in z", ("zoba-mixed",),
    ),
    PlantedError(
        "estimators/second-difference", _ESTIMATORS, "/ (2 * first_radius * second_radius)",
        "/ (first_radius * second_radius)", "second differences are doubled", ("zoba", "zoba-tuned"),
    ),
    PlantedError(
        "estimators/mean-over-samples", _ESTIMATORS, "mean: Array = sums.sum(axis=-2) / (b * l)",
        "mean: Array = sums.sum(axis=-2) / l", "a sum over samples in place of their mean", _ALL,
    ),
    PlantedError(
        "estimators/hessian-shift", _ESTIMATORS, "- mean[..., None] * v", "+ mean[..., None] * v",
        "the shift of the Hessian surrogate has the wrong sign", ("zoba", "zoba-tuned"),
    ),
    PlantedError(
        "single-loop/one-direction", _DRAWING, "drawn = [law.draw(rng, shape, n, basis) for",
        "drawn = [np.repeat(law.draw(rng, shape, n, basis)[:, :, :1], shape[2], axis=2) for",
        "one direction is used l times", _ALL,
    ),
    PlantedError(
        "single-loop/projection-first", _LOOP, "state.oracle.project_x(state.x - gamma * d_x)",
        "state.oracle.project_x(state.x) - gamma * d_x", "x is projected before its step, not after it", _ALL,
    ),
    PlantedError(
        "zoba/single-precision", _ZOBA, "second_difference(g_plus, g_minus, g, h, h)",
        'second_difference(*(values.astype("float32") for values in (g_plus, g_minus, g)), h, h)',
        "second differences are taken of values in single precision", ("zoba", "zoba-tuned"),
    ),
    PlantedError(
        "estimators/one-point", _ESTIMATORS, "(shifted - centre) / radius", "shifted / radius",
        "forward differences lack the value at their centre", _ALL,
    ),
    PlantedError(
        "single-loop/default-radius", _LOOP, "h: float = 1e-3", "h: float = 2e-3",
        "the default of h is twice the published one", _ALL,
    ),
    PlantedError(
        "single-loop/outer-radius-ignored", _LOOP, "            return self.eta\n", "            return self.h\n",
        "the radius eta that is chosen is not used", _ALL,
    ),
    PlantedError(
        "hf-zoba/h-bar-doubled", _HF, "if self.normalize_h_bar else self.h_bar\n",
        "if self.normalize_h_bar else 2 * self.h_bar\n", "the point along v is twice as far as h_bar says", _HFS,
    ),
    PlantedError(
        "single-loop/same-draws", _DRAWING, "drawn = [law.draw(rng, shape, n, basis) for",
        "rng = np.random.default_rng(0)\n        drawn = [law.draw(rng, shape, n, basis) for",
        "every iteration draws the same directions", _ALL,
    ),
)  # fmt: skip

"""Mutants in the theorems on directions that do not grow: noise of a step, decreasing steps, plan and count."""

from __future__ import annotations

from .planting import table

__all__ = ["MUTANTS"]

_FOLDER = "single_loop/fixed_directions"

_NOISE = table(
    f"{_FOLDER}/noise.py",
    ("none = {\"s_xa\", \"s_xb\"} if self.kind == \"smooth\" else set()",
     "none = {\"s_xa\", \"s_xb\"} if self.kind != \"flat\" else set()",
     "V_x does not grow with the errors of a free v"),
    ("none |= {\"s_xD\"} if self.spare == 0 else set()", "none |= {\"s_xD\"}", "no noise is proportional to D^2"),
    ("\"smooth\": (3, 4), \"free\": (3, 4)}", "\"smooth\": (2, 3), \"free\": (3, 4)}",
     "a share is not counted in kappa"),
    ("shares[1] * w_b * s_v**2) / (4 * mu**2)", "shares[1] * w_b * s_v**2) / (4 * mu)", "kappa over mu"),
    ("curved = c**2 * (shares[0] * w_a * s_z**2 + shares[1] * w_b * s_v**2)",
     "curved = c**2 * (shares[0] * w_a * s_z**2)", "v* is not curved"),
    ("\"X_1\": L_Psi / 2 + factor * c *", "\"X_1\": L_Psi / 2 + c *", "the factor of dependent noise in X_1 is lost"),
    ("\"X_1\": L_Psi / 2 + factor", "\"X_1\": factor", "X_1 without L_Psi"),
    ("return X_1 * x + factor * (w_a * z + w_b * v) / (c * mu)", "return X_1 * x + factor * (w_a * z + w_b * v) / mu",
     "the noise of z and v without 1/c"),
    ("return s[\"s_x0\"] + s[\"s_xD\"] * (L_xz * R_v + C_x) ** 2", "return s[\"s_x0\"]",
     "V_x along a run without what is proportional to D^2"),
    ("\"smooth\": self.largest * s_x0, \"free\": 4 * s_x0**2", "\"smooth\": self.largest * s_x0, \"free\": s_x0**2",
     "a quarter of the free second-order noise"),
    ("\"smooth\": self.largest * s_x0, \"free\": 4 * s_x0**2", "\"smooth\": 0, \"free\": 4 * s_x0**2",
     "no second-order noise where v is projected"),
    ("\"weight of z\": 8 * self.coupling * s[\"s_xa\"] / w_a", "\"weight of z\": 4 * self.coupling * s[\"s_xa\"] / w_a",
     "half of the directions for the weight of z"),
    ("\"weight of v\": 8 * self.coupling * s[\"s_xb\"] / w_b", "\"weight of v\": 2 * self.coupling * s[\"s_xb\"] / w_b",
     "a quarter of the directions for the weight of v"),
    ("\"steps\": 2 * L_Psi + (mu + L_zz) / (2 * c),", "\"steps\": 2 * L_Psi,", "rho may exceed 2/(mu + L_zz)"),
    ("\"steps\": 2 * L_Psi + (mu", "\"steps\": L_Psi + (mu", "gamma up to 1/L_Psi"),
    ("\"weight of v\": 4 * self.column(\"b\") / w_b", "\"weight of v\": self.column(\"b\") / w_b",
     "the whole weight of v is given to the noise"),
    ("terms[\"step of x\"] = 2 * self.column(\"D\") / self.spare",
     "terms[\"step of x\"] = self.column(\"D\") / self.spare",
     "the whole spare is given to the noise per gamma"),
    ("root_kappa * (self.largest + 2 * self.coefficients[\"s_xD\"] / self.spare) / 2",
     "root_kappa * self.largest / 2", "the mean motion does not couple to D"),
    ("\"noise\": 12 * self.linear / eps", "\"noise\": 6 * self.linear / eps", "the noise may take a third of eps"),
    ("already + 12 * s_x0 / eps) / 2", "already + s_x0 / eps) / 2",
     "the projected motion may take more than its share"),
    ("root_kappa * s_x0 * (2 + 6 / eps)", "root_kappa * s_x0 * (2 + 1 / eps)",
     "the free motion may take more than its share"),
    tests=("single_loop/test_fixed_directions.py",),
)  # fmt: skip

_STEPS = table(
    f"{_FOLDER}/noise_steps.py",
    ("sp.sqrt(N_1 * K / W_0))", "sp.sqrt(N_1 * K / W_0) / 2)", "twice the step for a horizon"),
    ("+ 4 * sp.sqrt(W_0 * N_1 / K)", "+ 2 * sp.sqrt(W_0 * N_1 / K)", "half of the rate"),
    ("+ 2 * gamma**2 * N_2 + 2 * B),", "+ 2 * B),", "the average without the second-order noise"),
    tests=("single_loop/test_fixed_directions.py",),
)  # fmt: skip

_DECREASING = table(
    f"{_FOLDER}/decreasing.py",
    ("_SUMS = {1: 2 * sp.sqrt(K), 2:", "_SUMS = {1: sp.sqrt(K), 2:", "half of the sum of steps"),
    ("2: 1 + sp.log(K)", "2: sp.log(K)", "the sum of 1/(k + 1) without its first term"),
    ("3: sp.Integer(3)", "3: sp.Integer(2)", "a smaller sum of the third powers"),
    ("_LEAST = 2 * (sp.sqrt(K + 1) - 1)", "_LEAST = 2 * sp.sqrt(K + 1)", "too large a sum of steps"),
    ("noise = 2 * first_step**2 * N_1 * log +", "noise = first_step**2 * N_1 * log +", "half of the noise in the mean"),
    ("largest = W_0 + first_step**2 * N_1 * log + 3 * first_step**3 * N_2", "largest = W_0", "W does not grow"),
    ("+ 4 * first_step * N_1 / sp.sqrt(K)", "+ 2 * first_step * N_1 / sp.sqrt(K)", "half of the noise of the steps"),
    ("+ 6 * B\n    )", "+ 2 * B\n    )", "the biases count once"),
    ("(_largest - _last) * _inverse", "_last * _inverse", "a sum by parts without the largest W"),
    tests=("single_loop/test_fixed_directions.py",),
)  # fmt: skip

_ROUTE = table(
    f"{_FOLDER}/route.py",
    ("projected=self.kind == \"smooth\"", "projected=self.kind != \"flat\"",
     "a free v is bounded like a projected one"),
    ("return l if not self.size_terms else sp.Add(l, *self.size_terms.values())", "return l",
     "the conditions ask for no directions"),
    ("(6 * W_0 / eps *", "(3 * W_0 / eps *", "half of the iterations"),
    ("(quiet * self.size + noisy)", "(quiet + noisy)", "more directions cost nothing"),
    ("+ self.size))", "))", "no iteration for rounding up"),
    ("limits = radius_limit(radius_share * eps)", "limits = radius_limit(radius_share * eps / 2)",
     "the count at smaller radii than the plan's"),
    tests=("single_loop/test_fixed_directions.py",),
)  # fmt: skip

MUTANTS = (*_NOISE, *_STEPS, *_DECREASING, *_ROUTE)

"""Mutants in what is derived of one direction, and in what decides every proof."""

from __future__ import annotations

from .planting import table

__all__ = ["MUTANTS"]

_SURROGATES = table(
    "estimators/surrogates.py",
    ("return self.along(f\"y{index}{self.space}\").subs(h, ratio * eta)",
     "return self.along(f\"y{index}{self.space}\").subs(h, eta)", "one radius in every moment"),
    ("return value * (d if set(item.word) <= {\"B\", \"F_xx\"} else p)", "return value",
     "a trace is at most one eigenvalue"),
    ("return value * (d if set(item.word) <= {\"B\", \"F_xx\"} else p)",
     "return value * (d if \"B\" in item.word else p)", "traces of F_xx count p eigenvalues"),
    ("expectation(sp.expand(self.tested(1) * self.tested(2) - one * two)).contracted()",
     "expectation(sp.expand(self.tested(1) * self.tested(2) - 2 * one * two)).contracted()",
     "the mean is taken off twice"),
    ("lambda at: central(at(w=h), at(w=-h), h),", "lambda at: central(at(w=h), at(w=h), h),",
     "both points of the central difference on one side"),
    ("lambda y: form(\"w\", \"v\") * form(y, \"w\") - form(y, \"v\"),",
     "lambda y: form(\"w\", \"v\") * form(y, \"w\"),",
     "Hv without its shift"),
    ("lambda at: second(at(w=h, u=eta), at(w=-h, u=-eta), at(), h, eta),",
     "lambda at: second(at(w=h, u=eta), at(w=-h, u=-eta), at(), h, h),", "1/h^2 in place of 1/(h eta)"),
    ("lambda at: mixed(at(w=h, t=h), at(w=h), at(t=h), at(), h, h),",
     "lambda at: mixed(at(w=h, t=h), at(w=h), at(w=h), at(), h, h),", "a point of the mixed difference is wrong"),
    ("lambda at: difference(*pair(at, direction), h_bar),", "lambda at: difference(*pair(at, direction), h),",
     "the difference along v over h"),
    tests=("estimators/test_surrogates.py",),
)  # fmt: skip

_REMAINDERS = table(
    "estimators/remainders.py",
    ("weight = sp.integrate((1 - s) * s, (s, 0, 1))", "weight = sp.integrate((1 - s) * s**2, (s, 0, 1))",
     "1/12 in place of 1/6"),
    ("weight * (H_zz * z**3 + 3 * H_xz * z**2 * x + 3 * H_zx * z * x**2 + H_xx * x**3)",
     "weight * (H_zz * z**3 + H_xz * z**2 * x + H_zx * z * x**2 + H_xx * x**3)", "mixed third derivatives count once"),
    ("weight * (H_zz * z**3 + 3 * H_xz * z**2 * x + 3 * H_zx * z * x**2 + H_xx * x**3)",
     "weight * (H_zz * z**3 + 3 * H_xz * z**2 * x + 3 * H_zx * z * x**2)", "third derivatives in x alone do not count"),
    ("weight = sp.integrate(scale, (s, 0, 1), (t, 0, 1))", "weight = sp.integrate(scale**2, (s, 0, 1), (t, 0, 1))",
     "1/3 in place of 1/2"),
    ("for scale, moved in ((s, first), (t, second)):", "for scale, moved in ((s, first),):",
     "the second move does not move the Hessian"),
    ("total += weight * _BLOCKS[sum(chosen)] * sp.Mul(*sizes)", "total += weight * _BLOCKS[0] * sp.Mul(*sizes)",
     "all blocks have the constant H_zz"),
    ("sizes = {name: sp.Abs(radius) * NORMS[name]", "sizes = {name: sp.Abs(radius) ** 2 * NORMS[name]",
     "squares of radii"),
    ("bound = sum(sp.Abs(factor) * third_order_bound(moves) for factor, moves in terms if moves)",
     "bound = sum(factor * third_order_bound(moves) for factor, moves in terms if moves)",
     "remainders of two points cancel"),
    ("per_square, power = (sp.cancel(moment / norm), 1) if", "per_square, power = (sp.cancel(moment / norm), 0) if",
     "a remainder without |v|"),
    ("* sp.sqrt(sp.factor(per_square)), power + monomial[3]))",
     "* sp.sqrt(sp.factor(per_square)) / 2, power + monomial[3]))",
     "half of every remainder"),
    ("weight = sp.Mul(*(moves.get(name, 0) for name in directions)) * factor",
     "weight = sp.Mul(*(2 * moves.get(name, 0) for name in directions)) * factor", "Stein's identity with a factor 2"),
    tests=("estimators/test_remainders.py",),
)  # fmt: skip

_ISSERLIS = table(
    "estimators/isserlis.py",
    ("SYMMETRIC = frozenset({\"A\", \"B\", \"F_zz\", \"F_xx\"})",
     "SYMMETRIC = frozenset({\"A\", \"B\", \"C\", \"F_zz\", \"F_xx\"})",
     "C is taken to be symmetric"),
    ("for turned in (other, other.reversed()) if other.left == other.right else (other,):", "for turned in (other,):",
     "half of the pairings with w'Aw"),
    ("        add(expectation_of_forms(rest), (closed,))\n",
     "        add(expectation_of_forms(rest[:-1]), (closed,))\n",
     "a form is lost beside a trace"),
    ("total[key] = total.get(key, 0) + count", "total[key] = count", "equal matchings count once"),
    tests=("estimators/test_isserlis.py",),
)  # fmt: skip

_OTHERS = (
    *table(
        "estimators/taylor.py",
        ("value += radius * other_radius * factor / 2", "value += radius * other_radius * factor",
         "a quadratic without its half"),
        ("value += radius * form(name, grad_x if name == \"u\" else grad_z)",
         "value += radius * form(name, grad_z if name != \"u\" else grad_x) / 2", "half of the gradient"),
        ("(l1, b1) if level == \"inner\" else (l2, b2)", "(l1, b1) if level == \"inner\" else (l1, b2)",
         "the values of F are counted with l1"),
        tests=("estimators/test_surrogates.py", "single_loop/test_complexity.py"),
    ),
    *table(
        "estimators/radius.py",
        ("return L_xx / L_zz * (d + 2) / (p + 2)", "return L_xx / L_zz * d / (p + 4)", "another tuned ratio"),
        ("for difference in (5 * y - 3 * x, 5 * x - 3 * y):", "for difference in (5 * y - 4 * x, 5 * x - 4 * y):",
         "a smaller loss of the tuned ratio"),
        tests=("single_loop/test_estimator_table.py",),
    ),
    *table(
        "single_loop/estimator_table.py",
        ("return order_of(sp.cancel(sp.together(quadratic.subs(unit))))",
         "return order_of(sp.cancel(sp.together(quadratic.subs(unit)))) * p", "an order with a power of p too many"),
        tests=("single_loop/test_estimator_table.py",),
    ),
    *table(
        "proof/algebra.py",
        ("product *= bounds[factor]", "product = bounds[factor]", "a product is bounded by its last factor"),
        ("    require_equal(step(closed), closed.subs(n, n + 1))\n", "", "induction without its step"),
        ("            if not term.is_nonnegative:\n", "            if False:\n",
         "every coefficient counts as non-negative"),
        tests=("proof/test_algebra.py",),
    ),
)  # fmt: skip

MUTANTS = (*_SURROGATES, *_REMAINDERS, *_ISSERLIS, *_OTHERS)

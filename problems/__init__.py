"""The catalogue of bilevel problems: name -> "module:factory", loaded when asked for.

A factory takes ``(p, d, *, seed, ...)``, returns a :class:`zoba_bench.problem.BilevelProblem` and
carries its card as the attribute ``card``, which can be read without building a problem.
A new problem is one file and one line here. Importing this module loads no problem.
"""

PROBLEMS: dict[str, str] = {
    "quad_general": "zoba_bench.problems.quadratic:quad_general",
    "quad_tracking": "zoba_bench.problems.quadratic:quad_tracking",
    "minimax_quad": "zoba_bench.problems.quadratic:minimax_quad",
    "logistic_bregman": "zoba_bench.problems.links:logistic_bregman",
    "logcosh_ripple": "zoba_bench.problems.links:logcosh_ripple",
    "reference": "zoba_bench.problems.reference:reference",
    "diabetes_ridge": "zoba_bench.problems.real_data:diabetes_ridge",
}

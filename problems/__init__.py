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
    "nesterov_chain": "zoba_bench.problems.structured:nesterov_chain",
    "cournot": "zoba_bench.problems.structured:cournot",
    "imaml_quad": "zoba_bench.problems.structured:imaml_quad",
    "smd6": "zoba_bench.problems.classical:smd6",
    "quad_sum": "zoba_bench.problems.finite_sum:quad_sum",
    "bolib_henrion_surowiec_2011": "zoba_bench.problems.bolib:bolib_henrion_surowiec_2011",
    "bolib_lampariello_sagratella_2017_ex32": "zoba_bench.problems.bolib:bolib_lampariello_sagratella_2017_ex32",
    "bolib_macal_hurter_1997": "zoba_bench.problems.bolib:bolib_macal_hurter_1997",
    "bolib_allende_still_2013": "zoba_bench.problems.bolib:bolib_allende_still_2013",
    "bolib_de_silva_1978": "zoba_bench.problems.bolib:bolib_de_silva_1978",
    "bolib_falk_liu_1995": "zoba_bench.problems.bolib:bolib_falk_liu_1995",
    "bolib_gumus_floudas_2001_ex4": "zoba_bench.problems.bolib:bolib_gumus_floudas_2001_ex4",
    "bolib_yezza_1996_ex41": "zoba_bench.problems.bolib:bolib_yezza_1996_ex41",
    "l1_meha": "zoba_bench.problems.nonsmooth:l1_meha",
    "l1_tracking": "zoba_bench.problems.nonsmooth:l1_tracking",
    "group_lasso": "zoba_bench.problems.nonsmooth:group_lasso",
    "bda_lls": "zoba_bench.problems.degenerate:bda_lls",
    "pl_rankdef": "zoba_bench.problems.degenerate:pl_rankdef",
    "bome_minmax": "zoba_bench.problems.degenerate:bome_minmax",
    "bvfsm_sin": "zoba_bench.problems.multivalued:bvfsm_sin",
    "iaptt_toy": "zoba_bench.problems.multivalued:iaptt_toy",
    "entropic_simplex": "zoba_bench.problems.simplex:entropic_simplex",
    "two_task": "zoba_bench.problems.tasks:two_task",
    "softmax_bregman": "zoba_bench.problems.softmax_link:softmax_bregman",
    "xdep_curvature": "zoba_bench.problems.xdep_link:xdep_curvature",
    "quartic_cardano": "zoba_bench.problems.curved_links:quartic_cardano",
    "poisson_bregman": "zoba_bench.problems.curved_links:poisson_bregman",
    "rosenbrock": "zoba_bench.problems.rosenbrock:rosenbrock",
    "rastrigin": "zoba_bench.problems.classic_outer:rastrigin",
    "logistic_outer": "zoba_bench.problems.classic_outer:logistic_outer",
}

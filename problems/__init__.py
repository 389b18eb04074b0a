"""The catalogue of bilevel problems: name -> "module:factory", loaded when asked for.

A factory takes ``(p, d, *, seed, ...)``, returns a :class:`zoba_bench.problem.BilevelProblem` and
carries its card as the attribute ``card``, which can be read without building a problem.
A new problem is one file and one line here. Importing this module loads no problem.

The folders are the groups of the catalogue, and each says in its ``__init__`` what its files are: ``quadratic``,
``links``, ``regression``, ``classical``, ``games``, ``meta``, ``entropic``, ``nonsmooth``, ``multivalued``, ``tasks``
and ``transformed``. A family's symbolic form stands beside it, in a file that is loaded for proofs alone. ``_base`` is
what families share, and ``combinators`` what users build problems from. ``games/cournot`` is a good family to read
first.
"""

__all__ = ["PROBLEMS", "combinators"]

_MODULES = {
    "quadratic.general": (
        "quad_general",
        "quad_tracking",
        "minimax_quad",
    ),
    "quadratic.reference": ("reference",),
    "quadratic.structured": (
        "nesterov_chain",
        "imaml_quad",
    ),
    "quadratic.finite_sum": ("quad_sum",),
    "quadratic.hidden": ("hidden_curvature",),
    "links.linear": (
        "logistic_bregman",
        "logcosh_ripple",
    ),
    "links.softmax": ("softmax_bregman",),
    "links.xdep": ("xdep_curvature",),
    "links.curved": (
        "quartic_cardano",
        "poisson_bregman",
    ),
    "links.rosenbrock": ("rosenbrock",),
    "links.classic_outer": (
        "rastrigin",
        "logistic_outer",
    ),
    "regression.real_data": ("diabetes_ridge",),
    "games.cournot": ("cournot",),
    "regression.ridge": (
        "ridge_ortho",
        "ridge_scalar",
    ),
    "regression.cleaning": (
        "dataclean_ortho",
        "dataclean_linear",
    ),
    "regression.coresets": (
        "coreset_bome",
        "coreset_attained",
    ),
    "classical.smd6": ("smd6",),
    "classical.bolib": (
        "bolib_henrion_surowiec_2011",
        "bolib_lampariello_sagratella_2017_ex32",
        "bolib_macal_hurter_1997",
        "bolib_allende_still_2013",
        "bolib_de_silva_1978",
        "bolib_falk_liu_1995",
        "bolib_gumus_floudas_2001_ex4",
        "bolib_yezza_1996_ex41",
    ),
    "classical.smd": (
        "smd1",
        "smd2",
        "smd7",
    ),
    "classical.tp9": ("tp9",),
    "entropic.simplex": ("entropic_simplex",),
    "nonsmooth.penalties": (
        "l1_meha",
        "l1_tracking",
        "group_lasso",
    ),
    "multivalued.degenerate": (
        "bda_lls",
        "pl_rankdef",
        "bome_minmax",
    ),
    "multivalued.sines": (
        "bvfsm_sin",
        "iaptt_toy",
    ),
    "meta.two_task": ("two_task",),
    "tasks.attack": ("universal_attack", "margin_attack"),
    "tasks.cleaning": ("digit_cleaning",),
    "tasks.few_shot": ("few_shot",),
    "tasks.penalties": (
        "feature_penalties",
        "class_penalties",
    ),
    "transformed.tilted": ("tilted",),
    "transformed.perturbed": ("perturbed",),
}

PROBLEMS: dict[str, str] = {
    name: f"zoba_bench.problems.{module}:{name}" for module, names in _MODULES.items() for name in names
}


def __dir__() -> list[str]:
    return sorted(__all__)

"""P1: the counter of every solver against the derived count, in every column, at default and at other options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoba_bench.verification.claim import Claim
from zoba_bench.verification.claims._instances import BATCHES, DIABETES, SMALL
from zoba_bench.verification.claims._later import LATER
from zoba_bench.verification.claims._pairs import Control, build, sharing_controls, with_controls

__all__ = ["of_levels", "quick_claims", "standard_claims"]

_PARAMETERS: dict[str, Any] = {
    "problems": [*SMALL.values(), DIABETES, BATCHES],
    "options": [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 3}, {"l1": 3, "l2": 5}],
    "stochastic_options": [{"l1": 4, "l2": 2, "b1": 3, "b2": 2}, {"l1": 2, "l2": 3, "b1": 2, "b2": 5}],
}
_SOLVERS = ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba")
# Shared directions are as many at both levels.
_SHARED: dict[str, Any] = {
    **_PARAMETERS,
    "options": [{"l1": 1, "l2": 1}, {"l1": 7, "l2": 7}],
    "stochastic_options": [{"l1": 3, "l2": 3, "b1": 2, "b2": 3}],
}

_EXACT: dict[str, Any] = {"name": "quad_general", "p": 3, "d": 2}
_SUM: dict[str, Any] = {"name": "quad_sum", "p": 3, "d": 2, "n_inner": 16, "n_outer": 8}
_TASKS: dict[str, Any] = {"name": "imaml_quad", "p": 6, "d": 2, "lam": 5.0}
_TOY: dict[str, Any] = {"name": "two_task", "steps": 4}
_LASSO: dict[str, Any] = {"name": "l1_meha", "d": 4}
_BOX: dict[str, Any] = {"name": "iaptt_toy"}
_PROX: dict[str, Any] = {"name": "l1_tracking"}

_BOTH = (_EXACT, _SUM)
_GRADIENTS = ("stored", "recomputed", "forward")
# Two steps with the published ones leave the range of numbers, of a few solvers on these problems.
_SLOW: dict[str, Any] = {"gamma": 1e-6}


def _every(problems: Sequence[dict[str, Any]], *options: dict[str, Any]) -> list[dict[str, Any]]:
    """The same sets of options, the published ones first, on several problems."""
    return [{"problem": problem, "options": [{}, *options]} for problem in problems]


def _unrolled(**sure: Any) -> list[dict[str, Any]]:
    """Settings of UFOM, whose coin always falls on the exact gradient, so that its count is one number."""
    options: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (_EXACT, {"inner_steps": 4}), (_SUM, {"inner_steps": 4}), (_TASKS, {"batch": 2}), (_TOY, {"batch": 3}),
    ]  # fmt: skip
    return [
        {
            "problem": problem,
            "options": [{**_SLOW, **sure}, *({**_SLOW, **sure, **more, "gradient": how} for how in _GRADIENTS)],
        }
        for problem, more in options
    ]


def _sums(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Settings of a method with a random series, whose sum has one number of products, and none where N = 1."""
    every: dict[str, Any] = {"series": "sum"}
    return [
        {"problem": problem, "options": [every, {**every, **options, **more}, {**options, **more, "N": 1}]}
        for problem, more in ((_EXACT, {}), (_SUM, {"b1": 3, "b2": 2}))
    ]


#: Problems and options by solver.
_SETTINGS: dict[str, list[dict[str, Any]]] = {
    **{name: _every(_BOTH) for name in (*_SOLVERS, "hf-zoba-shared")},
    "soba": _every((_EXACT,)) + _every((_SUM,), {"b1": 3, "b2": 2}),
    "saba": _every((_SUM,), {"b1": 3, "b2": 2}),
    "aid-bio": _every(_BOTH, {"D": 3, "N": 2}),
    "itd-bio": _every(_BOTH, {"D": 3}, {"D": 1}),
    "stocbio": [
        {"problem": problem, "options": [
            {"eta": 0.01}, {"eta": 0.01, "D": 2, "Q": 3, "S": 4, "D_f": 3, "D_g": 2, "B": 8},
            {"eta": 0.01, "D": 2, "Q": 3, "S": 4, "D_f": 3, "D_g": 2, "B": 8, "B_ratio": 0.25},
        ]}
        for problem in _BOTH
    ],
    "fom": [
        {"problem": problem, "options": [_SLOW, {**_SLOW, **more}]}
        for problem, more in ((_EXACT, {"inner_steps": 4}), (_SUM, {"inner_steps": 4}), (_TASKS, {"batch": 2}),
                              (_TOY, {"batch": None}))
    ],
    "ufom": _unrolled(q=1.0),
    "ufom-adaptive": _unrolled(q=1.0, q_min=1.0),
    "f2sa": _every((_EXACT, _PROX), {"inner_steps": 3}) + _every((_SUM,), {"inner_steps": 3, "b1": 3, "b2": 2}),
    "meha": [*_every((*_BOTH, _LASSO, _PROX)), {"problem": _BOX, "options": [{"eta": 0.01, "beta": 0.001}]}],
    "zmdsba": _every(_BOTH, {"t_k": 3, "b_k": 2, "s_k": 4}),
    "zdsba": _every(_BOTH, {"t_k": 3, "b_k": 2}),
    "zo-penalty": _every(_BOTH, {"T_b": 3, "l": 4}),
    "pzobo": _every((_EXACT,), {"N": 3, "Q": 4}) + _every((_SUM,), {"N": 3, "Q": 4}, {"N": 3, "Q": 4, "batch": 2}),
    "hozog": _every(_BOTH, {"q": 2, "inner_steps": 4}, {"q": 2, "inner_steps": 4, "training": "values"}),
    "implicit": _every(_BOTH, {"curvature": "measured"}),
    "amigo": _every((_EXACT,), {"inner_steps": 3}) + _every((_SUM,), {"inner_steps": 3, "b1": 3, "b2": 2}),
    "bsa": _sums({"inner_steps": 3, "N": 4}),
    "ttsa": _sums({"N": 4}),
    "sustain": _sums({"N": 4}),
    "mrbo": _every((_EXACT,), {"N": 3}) + _every((_SUM,), {"N": 3, "b1": 3, "b2": 2}),
    "srba": _every((_SUM,), {"b1": 3, "b2": 2}, {"b1": 3, "b2": 2, "period": 1},
                   {"b1": 3, "b2": 2, "period": 2}, {"b1": 9, "b2": 6}),
    # The last options make the published period, samples over both batches, end within the iterations.
    "vrbo": _every((_SUM,), {"inner_steps": 2, "N": 3, "b1": 3, "b2": 2}, {"inner_steps": 2, "N": 2, "b1": 9, "b2": 6}),
    "bome": _every(_BOTH, {"inner_steps": 3}, {"phi": "value"}),
    "iaptt-gm": [{"problem": problem, "options": [{"inner_steps": 1}]} for problem in _BOTH],
    "fsla": _every((_EXACT,)) + _every((_SUM,), {"b1": 3, "b2": 2}),
    "zo-sogd": _every(_BOTH, {"l1": 3, "l2": 2}, {"l1": 2, "gamma": 1.0, "lam": 1.0, "eta": 1.0}),
    "gfm": _every(_BOTH, {"q": 2, "inner_steps": 4}, {"inner_steps": 3, "training": "gradients"})
    + _every((_SUM,), {"q": 2, "inner_steps": 3, "batch": 3}, {"inner_steps": 3, "batch": 3, "training": "gradients"}),
    **dict.fromkeys(("s-szd", "o-zd"), _every(_BOTH, {"l": 2, "inner_steps": 4}, {"training": "gradients"})),
    **dict.fromkeys(("mezo-bcd", "lozo"), _every(_BOTH, {"inner_steps": 4}, {"training": "gradients"})),
    "vrzsbo-like": [*_every((_EXACT,)), {"problem": _SUM, "options": [{"q": 1.0}, {"q": 1.0, "nu": 0.01}]}],
    "fednest": _every(
        (_SUM,), {"clients": 4, "T": 2, "tau": 3, "tau_x": 2, "N": 4},
        {"clients": 2, "T": 2, "tau": 3, "tau_x": 2, "N": 4, "batch": 1},
    ),
}  # fmt: skip

#: The columns that a control of each solver leaves out; every column of the counter is among them.
_LEFT_OUT: dict[str, tuple[str, ...]] = {
    "zoba": ("outer",), "zoba-tuned": ("outer",), "zoba-mixed": ("inner",), "hf-zoba": ("inner",),
    "hf-zoba-shared": ("inner",), "soba": ("inner_jvp_xz",), "saba": ("inner_jvp_xz",), "aid-bio": ("inner_hvp_zz",),
    "itd-bio": ("inner_grad_z",), "stocbio": ("inner_hvp_zz",), "fom": ("outer_grad_x",), "ufom": ("inner_jvp_zx",),
    "ufom-adaptive": ("inner_jvp_zx",), "f2sa": ("outer_grad_z",), "meha": ("inner_grad_x", "prox", "projection"),
    "zmdsba": ("inner",), "zdsba": ("outer",), "zo-penalty": ("outer",), "pzobo": ("outer_grad_z",),
    "hozog": ("outer",), "fednest": ("communication",), "implicit": ("inner",),
    "amigo": ("inner_hvp_zz",), "bsa": ("inner_hvp_zz",), "ttsa": ("inner_jvp_xz",), "sustain": ("outer_grad_z",),
    "mrbo": ("inner_hvp_zz",), "fsla": ("outer_grad_x",), "srba": ("inner_jvp_xz",),
    "vrbo": ("outer_grad_z",), "bome": ("inner_grad_x",), "iaptt-gm": ("outer",),
    "zo-sogd": ("inner", "outer"), "vrzsbo-like": ("inner", "outer"),
    **dict.fromkeys(("gfm", "s-szd", "o-zd", "mezo-bcd", "lozo"), ("inner", "outer")),
}  # fmt: skip


def quick_claims() -> list[Claim]:
    """Both levels of the single loop on many problems, then every column of every solver but those of ``LATER``."""
    return of_levels() + [claim for solver in _SETTINGS if solver not in LATER for claim in _columns(solver)]


def standard_claims() -> list[Claim]:
    """Every column of every solver."""
    return of_levels() + [claim for solver in _SETTINGS for claim in _columns(solver)]


def of_levels() -> list[Claim]:
    """The values that the single loop asks for, on problems of any kind; the control does not count the centre."""
    words = "the evaluation at the centre is not counted"
    return sharing_controls(
        [*(_count(s, _PARAMETERS) for s in _SOLVERS), _count("hf-zoba-shared", _SHARED)],
        Control("P1/zoba/control-no-centre", words, {"omit_centre": True}),
    )


def _count(solver: str, parameters: dict[str, Any]) -> Claim:
    statement = "The counter equals the derived evaluations of both levels, exactly."
    return build(f"P1/{solver}/counts", statement, "exact", 0.0, parameters, problem="all")


def _columns(solver: str) -> list[Claim]:
    """Every column of one solver; without samples and with, at published options and at others."""
    statement = "Every column of the counter equals what is derived for it, exactly."
    claim = build(
        f"P1/{solver}/columns", statement, "exact", 0.0, {"settings": _SETTINGS[solver]}, problem="all"
    )  # fmt: skip
    controls = [
        Control(f"P1/{solver}/control-{column}", f"the count leaves out {column}", {"left_out": column})
        for column in _LEFT_OUT[solver]
    ]
    return with_controls(claim, *controls)

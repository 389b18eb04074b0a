"""The declared grids: what is tried for each solver, before anything is measured. Twelve settings for every one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GRIDS", "STEPS", "Entry"]


@dataclass(frozen=True)
class Entry:
    """A solver's place in the comparison.

    Attributes
    ----------
    loops : "single" or "two"
        Whether an iteration contains an inner loop.
    oracle : "values", "gradients" or "second"
        What it may query: values alone, first derivatives, or products with second derivatives too.
    options : the settings that are tried; everything else is the solver's default.
    """

    loops: str
    oracle: str
    options: tuple[Mapping[str, Any], ...]


def _grid(fixed: Mapping[str, Any], **axes: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    return tuple({**fixed, **dict(zip(axes, point, strict=True))} for point in itertools.product(*axes.values()))


def _single(**axes: Sequence[Any]) -> tuple[dict[str, Any], ...]:
    """Constant steps with gamma a share of rho."""
    made = _grid({"schedule": "constant"}, **axes)
    return tuple({**{k: v for k, v in point.items() if k != "share"}, "gamma": point["rho"] * point["share"]}
                 for point in made)  # fmt: skip


_RHO = (0.02, 0.1, 0.4)
_SHARE = (0.03, 0.3)

GRIDS: dict[str, Entry] = {
    name: Entry("single", "values", _single(rho=_RHO, share=_SHARE, l1=l1))
    for name, l1 in (
        ("zoba", (16, 64)), ("zoba-tuned", (16, 64)), ("zoba-mixed", (16, 64)), ("hf-zoba", (4, 16)),
        ("hf-zoba-shared", (4, 16)),
    )
}  # fmt: skip

_INNER = (0.1, 0.4)
_OUTER = (0.03, 0.1, 0.4)

GRIDS |= {
    "zdsba": Entry("two", "values", _grid({"t_k": 5, "b_k": 5}, alpha=(0.003, 0.01, 0.1), beta=(0.03, 0.1),
                                          gamma=(0.03, 0.1))),
    "zmdsba": Entry("two", "values", _grid({"t_k": 5, "b_k": 5, "s_k": 16}, alpha=(0.01, 0.1, 0.4), beta=(0.03, 0.1),
                                           gamma=(0.03, 0.1))),
    "zo-penalty": Entry("two", "values", _grid({"T_b": 5, "l": 8}, lam=(3.0, 10.0), alpha=(0.01, 0.05, 0.2),
                                               beta=(0.02, 0.1))),
    # Of the steps of differences h matters with noise alone; a radius for every size of x.
    "implicit": Entry("single", "values", _grid({}, radius=(0.1, 1.0, 10.0), h2=(1e-4, 1e-3),
                                                curvature=("secant", "measured"))),
    # v moves with the step of z.
    "zo-sogd": Entry("single", "values", tuple(
        {**point, "delta": point["beta"], "l2": point["l1"]} for point in
        _grid({}, beta=_RHO, alpha=(0.003, 0.03), l1=(5, 20))
    )),
    "vrzsbo-like": Entry("single", "values", tuple(
        {**point, "rho_v": point["rho"]} for point in _grid({}, rho=_RHO, gamma=(0.003, 0.03), q=(0.1, 0.5))
    )),
    **dict.fromkeys(("gfm", "o-zd", "mezo-bcd", "lozo"), Entry(
        "two", "values", _grid({}, inner_steps=(3, 10), alpha=_INNER, gamma=_OUTER)
    )),
    "s-szd": Entry("two", "values", _grid({}, power=(0.0, 0.6), alpha=_INNER, gamma=_OUTER)),
    "pzobo": Entry("two", "gradients", _grid({"Q": 1}, N=(3, 10), alpha=_INNER, beta=_OUTER)),
    # eta is the radius of its differences and gamma its outer step.
    "hozog": Entry("two", "gradients", _grid({"q": 1, "eta": 0.01}, inner_steps=(10, 40), alpha=_INNER, gamma=_OUTER)),
    "f2sa": Entry("two", "gradients", _grid({"inner_steps": 5}, alpha=_OUTER, gamma=_INNER, lam=(1.0, 10.0))),
    "meha": Entry("single", "gradients", _grid({"power": 0.0}, alpha=_OUTER, beta=_INNER, eta=_INNER)),
    "aid-bio": Entry("two", "second", _grid({"N": 3}, D=(1, 5), alpha=_INNER, beta=_OUTER)),
    "itd-bio": Entry("two", "second", _grid({}, D=(5, 10), alpha=_INNER, beta=_OUTER)),
    "stocbio": Entry("two", "second", _grid({"S": 10, "D_f": 10, "D_g": 10, "B": 10, "D": 5, "Q": 5}, alpha=_INNER,
                                            eta=_INNER, beta=_OUTER)),
    "soba": Entry("single", "second", _grid({}, rho=_RHO, ratio=(1.0, 10.0), schedule=("constant", "inverse-sqrt"))),
    "saba": Entry("single", "second", tuple({**point, "b2": point["b1"]} for point in
                                            _grid({}, rho=_RHO, ratio=(1.0, 10.0), b1=(1, 16)))),
    "amigo": Entry("two", "second", _grid({}, rho=_RHO, ratio=(1.0, 10.0), inner_steps=(1, 5))),
    "bsa": Entry("two", "second", _grid({"inner_steps": 5, "N": 5}, rho=(0.1, 0.4), ratio=(1.0, 4.0, 16.0),
                                        eta=(0.1, 0.4))),
    **dict.fromkeys(("ttsa", "sustain", "mrbo"),
                    Entry("single", "second", _grid({"N": 5}, rho=(0.1, 0.4), ratio=(1.0, 4.0, 16.0), eta=(0.1, 0.4)))),
    "srba": Entry("single", "second", tuple({**point, "b2": point["b1"]} for point in
                                            _grid({}, rho=_RHO, ratio=(1.0, 10.0), b1=(1, 16)))),
    "vrbo": Entry("two", "second", _grid({"inner_steps": 3, "N": 5, "b1": 16, "b2": 16}, rho=(0.1, 0.4),
                                         ratio=(1.0, 4.0, 16.0), eta=(0.1, 0.4))),
    "iaptt-gm": Entry("two", "second", _grid({}, inner_steps=(5, 10), alpha=_INNER, gamma=_OUTER)),
    "bome": Entry("two", "gradients", _grid({"schedule": "inverse-sqrt"}, rho=(0.1, 0.4), ratio=(1.0, 4.0, 16.0),
                                            alpha=(0.1, 0.4))),
    "fsla": Entry("single", "second", _grid({}, rho=_RHO, ratio=(1.0, 10.0), schedule=("constant", "published"))),
    "fednest": Entry("two", "second", _grid({"N": 3}, alpha=_OUTER, beta=(0.03, 0.1), eta=(0.03, 0.1))),
    "fom": Entry("two", "gradients", _grid({}, inner_steps=(5, 10), alpha=_INNER, gamma=(0.1, 1.0, 10.0))),
    "ufom": Entry("two", "second", _grid({"q": 0.2}, inner_steps=(5, 10), alpha=_INNER, gamma=(0.1, 1.0, 10.0))),
    "ufom-adaptive": Entry("two", "second", _grid({}, inner_steps=(5, 10), alpha=_INNER, gamma=(0.1, 1.0, 10.0))),
}  # fmt: skip

#: The steps that each solver has, every one of which its grid moves. A step that is a multiple of another one stands
#: here by the name of the multiple.
STEPS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared"), ("rho", "gamma")),
    **dict.fromkeys(("zdsba", "zmdsba"), ("alpha", "beta", "gamma")),
    **dict.fromkeys(("zo-penalty", "pzobo", "aid-bio", "itd-bio"), ("alpha", "beta")),
    **dict.fromkeys(("hozog", "f2sa", "fom", "ufom", "ufom-adaptive"), ("alpha", "gamma")),
    **dict.fromkeys(("meha", "stocbio", "fednest"), ("alpha", "beta", "eta")),
    **dict.fromkeys(("soba", "saba"), ("rho", "ratio")),
    **dict.fromkeys(("amigo", "fsla", "srba"), ("rho", "ratio")),
    **dict.fromkeys(("bsa", "ttsa", "sustain", "mrbo", "vrbo"), ("rho", "ratio", "eta")),
    "bome": ("rho", "ratio", "alpha"),
    "iaptt-gm": ("alpha", "gamma"),
    "implicit": ("radius",),
    **dict.fromkeys(("gfm", "s-szd", "o-zd", "mezo-bcd", "lozo"), ("alpha", "gamma")),
    "zo-sogd": ("beta", "alpha"), "vrzsbo-like": ("rho", "gamma"),
}  # fmt: skip

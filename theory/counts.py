"""What an iteration of each solver queries, symbolically, by the columns of the oracle's counter.

Symbols are the solver's options by name, p and d, and n_G and n_F: the evaluations behind an exact value or derivative
of each level, which is its number of samples, or 1 without samples. Where a theorem counts an iteration, its count is
taken; the other algorithms are added up over their loops here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import sympy as sp

from . import THEOREMS
from .proof.boxes import Loop, count

__all__ = ["SETTINGS", "iteration_counts"]

Counts = Mapping[str, Any]

_NAMES = "p d n_G n_F b1 b2 q Q B B_ratio inner_steps clients T tau tau_x N batch tasks size cross direct"
p, d, n_G, n_F, b1, b2, q, Q, B, B_ratio, r, clients, T, tau, tau_x, N, batch, tasks, size, cross, direct = sp.symbols(
    _NAMES
)
l, l1, l2 = sp.symbols("l l1 l2")
_i, _j = sp.symbols("i j", integer=True)


def iteration_counts(solver: str, setting: str = "") -> dict[str, Any]:
    """Queries of one iteration by column, as sympy expressions; a column that is not named is zero.

    Parameters
    ----------
    solver : a registered name.
    setting : one of ``SETTINGS[solver]``, "" for the others: what an option or the problem's kind changes in the
        formulas.

    Notes
    -----
    Counts of ``ufom``, ``ufom-adaptive`` and ``vrzsbo-like`` are means over the coin, those of ``bsa``, ``ttsa`` and
    ``sustain`` with a random series over its length. A setting "start" is queried once before the first iteration,
    "first" in that iteration. On a distribution of tasks, ``tasks`` of them
    are drawn (all that there are with ``batch=None``) and ``size`` is the dimension of phi; ``cross`` is 1 where L_in
    depends on theta, else 0, and ``direct`` likewise for L_out. Projections, and proximal maps with them, are counted
    where a problem declares them.
    """
    if solver not in _COUNTS:
        raise ValueError(f"no counts of solver {solver!r}; there are those of {', '.join(sorted(_COUNTS))}")
    if setting not in SETTINGS[solver]:
        known = ", ".join(map(repr, SETTINGS[solver]))
        raise ValueError(f"{solver} has no setting {setting!r}; it has {known}")
    return {column: sp.expand(total) for column, total in _COUNTS[solver](setting).items() if total != 0}


def _theorem(name: str) -> Any:
    """A theorem of this package."""
    module, _, factory = THEOREMS[name].partition(":")
    return getattr(import_module(module), factory)()


def _of_theorem(name: str) -> Callable[[str], Counts]:
    return lambda setting: _theorem(name).evaluations_per_iteration


def _of_means(name: str) -> Callable[[str], Counts]:
    """The theorem counts exact derivatives once; each is a mean over its level's samples."""
    return lambda setting: _times(_theorem(name).evaluations_per_iteration, n_G, n_F)


def _times(counts: Counts, inner: Any, outer: Any) -> Counts:
    factors = {"inner": inner, "outer": outer}
    return {column: factors.get(column.partition("_")[0], 1) * total for column, total in counts.items()}


def _added(box: tuple[Any, ...]) -> Counts:
    """The calls of a box, summed over its loops."""
    return {column: count(box, column) for column in sorted(_columns(box))}


def _columns(box: tuple[Any, ...]) -> set[str]:
    return {
        name for entry in box for name in (_columns(entry.body) if isinstance(entry, Loop) else {entry[0]})
    }  # fmt: skip


def _zdsba(setting: str) -> Counts:
    known = _theorem("zmdsba")
    return {column: total.subs(known.symbols["s_k"], 1) for column, total in known.evaluations_per_iteration.items()}


def _pzobo(setting: str) -> Counts:
    known = _theorem("pzobo").evaluations_per_iteration
    return _times(known, batch, batch) if setting == "batch" else _times(known, n_G, n_F)


def _hozog(setting: str) -> Counts:
    known = dict(_theorem("hozog").evaluations_per_iteration)
    trainings = known.pop("trainings")
    if setting == "values":  # central differences along every axis
        return _times({**known, "inner": trainings * r * 2 * p}, n_G, n_F)
    return _times({**known, "inner_grad_z": trainings * r}, n_G, n_F)


def _saba(setting: str) -> Counts:
    """The five derivatives of each sample drawn, or once of every sample."""
    inner, outer = (n_G, n_F) if setting == "start" else (b1, b2)
    return {
        "inner_grad_z": inner, "inner_hvp_zz": inner, "inner_jvp_xz": inner, "outer_grad_z": outer,
        "outer_grad_x": outer,
    }  # fmt: skip


def _implicit(setting: str) -> Counts:
    """Differences along coordinates; a matrix of second differences takes the value, single and double steps.

    A gradient of n components takes n values and the one they start from; a product with v along n coordinates n
    values at z, n at z + h v, and the one there. The value at z is shared.
    """
    second = p + p * (p + 1) / 2
    if setting == "start":
        return {"inner": (1 + second) * n_G}
    gradient, products = 1 + p, 1 + (2 * p + 1) + (2 * d + 1)
    measured = second if setting == "measured" else 0
    return {"inner": (gradient + products + measured) * n_G, "outer": (1 + p + d) * n_F}


def _zo_sogd(setting: str) -> Counts:
    """A point takes two values of G in z, and four in z and in x for the differences along v; of F two in each."""
    points = 2 if setting == "" else 1
    return {"inner": points * (2 + 4 + 4) * l1, "outer": points * (2 + 2) * l2}


def _vrzsbo(setting: str) -> Counts:
    """The same along every coordinate: at all samples with probability q, else with a batch at two points."""
    inner, outer = 2 * p + 4 * p + 4 * d, 2 * p + 2 * d
    return {"inner": (q * n_G + (1 - q) * 2 * b1) * inner, "outer": (q * n_F + (1 - q) * 2 * b2) * outer}


def _black_box(runs: Any) -> Callable[[str], Counts]:
    """So many inner runs an iteration, of r steps each, and as many values of F: exact, or of a batch."""

    def counts(setting: str) -> Counts:
        inner = {"inner_grad_z": runs * r * n_G} if "gradients" in setting else {"inner": runs * r * 2 * p * n_G}
        return {**inner, "outer": runs * (batch if "batch" in setting else n_F)}

    return counts


def _f2sa(setting: str) -> Counts:
    step_of_y, step_of_z = (("outer_grad_z", b2), ("inner_grad_z", b1)), (("inner_grad_z", b1),)
    return _added((
        Loop(_i, 1, r, (*step_of_y, *step_of_z)),
        ("outer_grad_x", b2), ("inner_grad_x", b1), ("inner_grad_x", b1),
    ))  # fmt: skip


def _fednest(setting: str) -> Counts:
    """A local step asks for a gradient at y_i, and with batches at y too; all samples of a client are known at y."""
    local_y, local_x = (2 * clients * batch,) * 2 if setting == "batch" else (n_G, n_F)
    talk = ("communication", 1)
    inn = (("inner_grad_z", n_G), talk, Loop(_j, 1, tau, (("inner_grad_z", local_y),)), talk)
    ihgp = (("outer_grad_z", n_F), talk, Loop(_j, 1, N, (("inner_hvp_zz", n_G), talk)))
    out = (
        ("outer_grad_x", n_F), ("inner_jvp_xz", n_G), talk, Loop(_j, 1, tau_x, (("outer_grad_x", local_x),)), talk,
    )  # fmt: skip
    return _added((Loop(_i, 1, T, inn), *ihgp, *out))


def _of_sums(setting: str) -> Any:
    """Products of a Neumann series of N terms: N - 1 for their sum, half as many in the mean for a random one."""
    return (N - 1) * b1 if setting == "sum" else (N - 1) * b1 / 2


#: The methods of benchopt's bilevel benchmark, one gradient of F at a point for both blocks.
_F_BOTH: dict[str, Any] = {"outer_grad_z": b2, "outer_grad_x": b2}


def _amigo(setting: str) -> Counts:
    return _F_BOTH | {"inner_grad_z": r * b1, "inner_hvp_zz": r * b1, "inner_jvp_xz": b1}


def _bsa(setting: str) -> Counts:
    return _F_BOTH | {"inner_grad_z": r * b1, "inner_hvp_zz": _of_sums(setting), "inner_jvp_xz": b1}


def _ttsa(setting: str) -> Counts:
    return _F_BOTH | {"inner_grad_z": b1, "inner_hvp_zz": _of_sums(setting), "inner_jvp_xz": b1}


def _sustain(setting: str) -> Counts:
    """TTSA's estimate at two points."""
    return {column: 2 * total for column, total in _ttsa(setting).items()}


def _mrbo(setting: str) -> Counts:
    """The same with N products in every series."""
    return {**_sustain(setting), "inner_hvp_zz": 2 * N * b1}


def _fsla(setting: str) -> Counts:
    """F_z once, for v; G_xz v and F_x at two points."""
    return {
        "inner_grad_z": b1, "inner_hvp_zz": b1, "inner_jvp_xz": 2 * b1, "outer_grad_z": b2, "outer_grad_x": 2 * b2,
    }  # fmt: skip


def _srba(setting: str) -> Counts:
    """SOBA's queries: of all samples at a refresh, else of one batch at two points."""
    inner, outer = (n_G, n_F) if setting == "refresh" else (2 * b1, 2 * b2)
    return {
        "inner_grad_z": inner, "inner_hvp_zz": inner, "inner_jvp_xz": inner, "outer_grad_z": outer,
        "outer_grad_x": outer,
    }  # fmt: skip


def _vrbo(setting: str) -> Counts:
    """T times MRBO's queries; at a refresh those of one point of all samples too."""
    one = {
        "inner_grad_z": n_G, "inner_hvp_zz": N * n_G, "inner_jvp_xz": n_G, "outer_grad_z": n_F, "outer_grad_x": n_F,
    }  # fmt: skip
    return {column: r * total + (one[column] if setting else 0) for column, total in _mrbo("").items()}


def _bome(setting: str) -> Counts:
    """T steps of y, the first of them at z; values of G at z and y where they say how far to go."""
    values = {"inner": 2 * n_G} if setting == "value" else {}
    return {**values, "inner_grad_z": r * n_G, "inner_grad_x": 2 * n_G, "outer_grad_z": n_F, "outer_grad_x": n_F}


def _iaptt(setting: str) -> Counts:
    """The path with a value of F at each step, and back from step ``cut``, the one at which F is largest."""
    cut = sp.Symbol("cut")
    return {
        "inner_grad_z": r * n_G, "outer": r * n_F, "inner_hvp_zz": cut * n_G, "inner_jvp_xz": cut * n_G,
        "outer_grad_z": n_F, "outer_grad_x": n_F,
    }  # fmt: skip


def _stocbio(setting: str) -> Counts:
    """The theorem's batches fall without rounding; a run rounds each of them up."""
    products = sp.Sum(sp.ceiling(B * B_ratio**_j), (_j, 0, Q - 1))
    return {**_theorem("stocbio").evaluations_per_iteration, "inner_hvp_zz": products}


def _unrolled(correction: Any) -> Callable[[str], Counts]:
    """``correction`` is the probability of the exact gradient."""

    def counts(setting: str) -> Counts:
        kind, _, gradient = setting.partition(", ")
        first = {**_FIRST[kind]}
        if correction == 0:
            return first
        known = _CORRECTION[kind, gradient]
        return {
            column: first.get(column, 0) + correction * known.get(column, 0) for column in first.keys() | known.keys()
        }

    return counts


#: The first-order gradient: of a bilevel problem as one task phi_0 is constant, so that F_z is not asked for.
_FIRST: dict[str, Counts] = {
    "one task": {"inner_grad_z": r * n_G, "outer_grad_x": n_F},
    "tasks": {"inner_grad_z": tasks * r, "outer_grad_z": tasks, "outer_grad_x": tasks * direct},
}
_again = r * (r - 1) / 2  # phi_{j-1} from phi_0, for j = r..1
#: What the exact gradient adds; a constant phi_0 has no product and no tangent of its own.
_CORRECTION: dict[tuple[str, str], Counts] = {
    ("one task", "stored"): {"outer_grad_z": n_F, "inner_hvp_zz": (r - 1) * n_G, "inner_jvp_xz": r * n_G},
    ("one task", "recomputed"): {
        "outer_grad_z": n_F, "inner_hvp_zz": (r - 1) * n_G, "inner_jvp_xz": r * n_G, "inner_grad_z": _again * n_G,
    },
    ("one task", "forward"): {
        "outer_grad_z": n_F, "inner_hvp_zz": d * (r - 1) * n_G, "inner_jvp_zx": d * r * n_G,
    },
    ("tasks", "stored"): {"inner_hvp_zz": tasks * r, "inner_jvp_xz": tasks * r * cross},
    ("tasks", "recomputed"): {
        "inner_hvp_zz": tasks * r, "inner_jvp_xz": tasks * r * cross, "inner_grad_z": tasks * _again,
    },
    # Tasks offer products with v only; the mixed derivatives take one for each component of phi.
    ("tasks", "forward"): {"inner_hvp_zz": tasks * d * r, "inner_jvp_xz": tasks * size * r * cross},
}  # fmt: skip

_COUNTS: dict[str, Callable[[str], Counts]] = {
    **{name: _of_theorem(name) for name in
       ("zoba", "zoba-tuned", "zoba-mixed", "hf-zoba", "hf-zoba-shared", "soba", "zmdsba", "zo-penalty")},
    **{name: _of_means(name) for name in ("aid-bio", "itd-bio", "meha")},
    "zdsba": _zdsba, "pzobo": _pzobo, "hozog": _hozog, "saba": _saba, "f2sa": _f2sa, "fednest": _fednest,
    "implicit": _implicit,
    "amigo": _amigo, "bsa": _bsa, "ttsa": _ttsa, "sustain": _sustain, "mrbo": _mrbo, "fsla": _fsla,
    "srba": _srba, "vrbo": _vrbo, "bome": _bome, "iaptt-gm": _iaptt,
    "zo-sogd": _zo_sogd, "vrzsbo-like": _vrzsbo,
    "gfm": _black_box(2 * q), "s-szd": _black_box(l + 1), "o-zd": _black_box(2 * l),
    **dict.fromkeys(("mezo-bcd", "lozo"), _black_box(sp.Integer(2))),
    "stocbio": _stocbio, "fom": _unrolled(sp.Integer(0)), "ufom": _unrolled(q), "ufom-adaptive": _unrolled(q),
}  # fmt: skip

_BOTH = tuple(f"{kind}, {gradient}" for kind, gradient in _CORRECTION)

#: The settings of each solver.
SETTINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_COUNTS, ("",)),
    "pzobo": ("", "batch"), "hozog": ("", "values"), "saba": ("", "start"), "implicit": ("", "measured", "start"),
    "fednest": ("", "batch"),
    **dict.fromkeys(("bsa", "ttsa", "sustain"), ("", "sum")),
    **dict.fromkeys(("srba", "vrbo"), ("", "refresh")), "bome": ("", "value"),
    "zo-sogd": ("", "no memory", "first"),
    **dict.fromkeys(("s-szd", "o-zd", "mezo-bcd", "lozo"), ("", "gradients")),
    "gfm": ("", "gradients", "batch", "gradients, batch"),
    "fom": tuple(_FIRST), "ufom": _BOTH, "ufom-adaptive": _BOTH,
}  # fmt: skip

"""What stands behind every declared constant, and what becomes of those behind which nothing but samples stands."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product

import pytest
import sympy as sp
from zoba_bench.problems import PROBLEMS
from zoba_bench.problems.quadratic.reference import reference

from zoba_bench.certification.identities import vanishes
from zoba_bench.problem import BilevelProblem, Constants
from zoba_bench.registry import list_problems, missing_requirements, theorem

from .support import factory

# Constants that no expression in `symbolic` gives and that no derivative of it shows to be zero, with where their
# argument is written down. A new one has to be argued for in its family and entered here, or be marked as sampled.
ARGUED = {
    "bolib_gumus_floudas_2001_ex4": {"C_z R": "quadratic._affine._constants: v* is constant"},
    "bvfsm_sin": {"H_zz H_xz m_zz m_xx": "the comment on N = (I, 1), and F is a sum of squares"},
    "dataclean_linear": {"H": "regression._bounds.cleaning_constants: the norm of the largest of its terms"},
    "dataclean_ortho": {"H R k_v s_z s_v L_Psi": "_base.separable._constants: maxima of polynomials"},
    "diabetes_ridge": {"H": "regression.real_data._constants: e^x z^2/2 is separable"},
    "hidden_curvature": {"C_z R": "quadratic._affine._constants: v* is constant"},
    "iaptt_toy": {
        "L_zz L_xz L_xx H_zz H_xz H_zx H_xx m_xz C_z C_x": "the comment on u = xz, with 1 <= x <= 10 and |z| <= 2",
    },
    "l1_meha": {"L_xz": "G_x = (|z_i|)"},
    "minimax_quad": {"C_z R": "zero, as G = -F and G_z vanishes at z*"},
    "pl_rankdef": {"L_xx": "the Hessian of G is constant: a spectral norm"},
    "ridge_ortho": {"H k_v s_v L_Psi": "_base.separable._constants: maxima of polynomials"},
    "ridge_scalar": {
        "H C_z R k_z k_v s_z s_v L_Psi": "regression._bounds.scalar_constants: a grid, and bounds on slopes between",
    },
    "smd1": {"H m_zz m_xz C_x s_z": "the comment on t = tan z"},
    "smd2": {"L_xx H m_zz m_xz m_xx C_x": "classical.smd._logarithmic"},
    "smd7": {"L_xx H H_xx m_zz m_xz m_xx C_x": "classical.smd._logarithmic, and the comment on the Hessian of W"},
    "tp9": {"L_zz L_xz L_xx H H_zz H_xz H_zx H_xx": "classical.tp9._constants"},
}


def instance(name: str) -> BilevelProblem:
    """The one whose symbols are proved: that of the card."""
    if missing_requirements(name):
        pytest.skip(f"{name} needs {missing_requirements(name)}")
    return factory(name)(**factory(name).card.small)


def unargued(problem: BilevelProblem) -> set[str]:
    """Declared constants that are neither given by an expression, nor proved to be zero, nor sampled."""
    declared = {n for n in problem.constants.known() if n != "radius"}
    if not declared:
        return set()
    symbols = problem.symbolic()
    rest = declared - set(symbols.constants) - set(problem.constants.sampled)
    return rest - proved_zeros(symbols, {name for name in rest if getattr(problem.constants, name) == 0})


def proved_zeros(symbols, names: set[str]) -> set[str]:
    """Those of the names that vanish identically, by differentiating G, F and the closed forms."""

    def derivatives(expressions, *groups) -> Iterator[sp.Expr]:
        for expression, along in product(expressions, product(*groups)):
            yield functools.reduce(sp.diff, along, expression)

    G, F, z, x = [symbols.inner], [symbols.outer], symbols.z, symbols.x
    solution, adjoint = symbols.inner_solution, symbols.adjoint
    blocks = {
        "L_zz": (G, z, z), "L_xz": (G, x, z), "L_xx": (G, x, x),
        "H_zz": (G, z, z, z), "H_xz": (G, x, z, z), "H_zx": (G, z, x, x), "H_xx": (G, x, x, x),
        "m_zz": (F, z, z), "m_xz": (F, x, z), "m_xx": (F, x, x), "C_x": (F, x),
        "k_z": (solution, x), "s_z": (solution, x, x), "R": (adjoint,), "k_v": (adjoint, x), "s_v": (adjoint, x, x),
        "L_Psi": (symbols.hypergradient, x),
    }  # fmt: skip

    def zero(name: str) -> bool:
        if name == "H":
            return all(map(zero, ("H_zz", "H_xz", "H_zx", "H_xx")))
        if name == "C_z":
            at = dict(zip(z, solution, strict=True))
            return all(vanishes(sp.diff(F[0], s).subs(at, simultaneous=True)) for s in z)
        if name not in blocks or blocks[name][0] is None:
            return False
        return all(entry == 0 or vanishes(entry) for entry in derivatives(*blocks[name]))

    return {name for name in names if zero(name)}


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_declared_constant_is_argued_for_or_marked_as_sampled(name):
    problem = instance(name)
    argued = {constant for names in ARGUED.get(name, {}) for constant in names.split()}
    found = unargued(problem)
    silent, stale = found - argued, argued - found
    assert not silent, (
        f"{name} declares {sorted(silent)}, for which nothing argues: give an expression in `symbolic`, write the "
        "argument down and say here where it stands, or name them in `sampled`"
    )
    assert not stale, f"ARGUED exempts {sorted(stale)} of {name}, which are not declared, or shown otherwise"


def test_a_constant_behind_which_nothing_stands_would_be_seen():
    problem = instance("smd1")
    assert "s_z" in unargued(problem)
    # A zero that is none: s_z is not among the derivatives that vanish, as H_zx is.
    wrong = replace(problem, constants=replace(problem.constants, s_z=0.0))
    assert "s_z" in unargued(wrong)
    assert "H_zx" not in unargued(wrong)
    sampled = replace(problem, constants=replace(problem.constants, sampled=("s_z",)))
    assert "s_z" not in unargued(sampled)


# Theory does not use what is only sampled.

ALL = sorted(f.name for f in fields(Constants) if f.name not in ("radius", "sampled"))
START = {"gap": 2.0, "z_error": 0.1, "v_error": 0.5}
# Constants that a bound of any method needs, and those that a plan needs.
NEEDED = ("mu", "L_zz", "L_xz", "m_zz", "m_xz", "k_z", "k_v", "L_Psi")
# One for each way in which a theorem reads constants.
METHODS = ("hf-zoba", "hf-zoba-shared", "soba")


@dataclass(frozen=True)
class Setting:
    """What a theorem reads of a solver."""

    rho: float = 0.01
    gamma: float = 0.0005
    h: float = 1e-4
    eta: float = 1e-4
    h_bar: float = 1e-4
    l1: int = 10**6
    l2: int = 10**6
    normalize_h_bar: bool = True
    v_radius: float | None = None


@functools.cache
def quadratic(*sampled: str, **changes: float) -> Constants:
    return replace(reference(2, 2).constants, sampled=sampled, **changes)


def refused(ask, name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' is only sampled .* as a bound; declare .* out of `sampled`"):
        ask()


@pytest.mark.sample(1)
@pytest.mark.parametrize("method", METHODS)
def test_a_bound_a_certificate_and_a_plan_refuse_a_sampled_constant_by_name(method):
    proved = theorem(method)
    for name in NEEDED:
        constants = quadratic(name)
        refused(lambda c=constants: proved.bound(c, 2, 2, Setting(), 100, START), name)
        refused(lambda c=constants: proved.certificate(c, 2, 2, Setting(), 100, START), name)
        refused(lambda c=constants: proved.plan(c, 2, 2, 0.1, START), name)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_that_is_sampled_changes_a_bound(method):
    """With all that a bound does not need sampled, it is what it is where those are unknown."""
    proved, optional = theorem(method), tuple(n for n in ALL if n not in (*NEEDED, "L_xx", "m_xx", "H", "R"))
    optional = tuple(n for n in optional if not n.startswith("sigma"))
    marked, unknown = quadratic(*optional), quadratic(**dict.fromkeys(optional))
    wrong = quadratic(*optional, **dict.fromkeys(optional, 1e-9))
    expected = proved.bound(unknown, 2, 2, Setting(), 100, START)
    assert proved.bound(marked, 2, 2, Setting(), 100, START) == expected
    assert proved.bound(wrong, 2, 2, Setting(), 100, START) == expected


def test_a_bound_on_slopes_that_is_sampled_is_done_without_and_a_plan_refuses_it():
    constants = quadratic("C_z")
    expected = theorem("hf-zoba").bound(replace(constants, C_z=None, sampled=()), 2, 2, Setting(), 100, START)
    assert theorem("hf-zoba").bound(constants, 2, 2, Setting(), 100, START) == expected
    refused(lambda: theorem("hf-zoba").plan(constants, 2, 2, 0.1, START), "C_z")
    assert theorem("hf-zoba-shared").plan(constants, 2, 2, 0.1, START).bound <= 0.1  # it never needs C_z


@pytest.mark.parametrize("method", METHODS)
def test_a_hessian_that_is_constant_by_samples_alone_counts_as_curved(method):
    """With H = 0 sampled nothing is known of the blocks, unless they are declared apart."""
    blocks = ("H_zz", "H_xz", "H_zx", "H_xx")
    proved = theorem(method)
    with pytest.raises(ValueError, match=r"'H_.*' is only sampled"):
        proved.bound(quadratic("H", *blocks), 2, 2, Setting(), 100, START)
    apart = proved.bound(quadratic("H"), 2, 2, Setting(), 100, START)
    assert apart >= proved.bound(quadratic(), 2, 2, Setting(), 100, START)
    with pytest.raises(ValueError, match="'H' is only sampled"):
        quadratic("H").require("H")


def test_a_ball_for_the_adjoint_needs_a_bound_on_it():
    constants = quadratic("R", R_0=1.0, R_g=1.0)
    assert theorem("hf-zoba").bound(constants, 2, 2, Setting(), 100, START) > 0
    refused(lambda: theorem("hf-zoba").bound(constants, 2, 2, Setting(v_radius=2.0), 100, START), "R")
    refused(lambda: theorem("hf-zoba").bound(quadratic("R"), 2, 2, Setting(), 100, START), "R")


def test_exact_values_that_are_sampled_are_no_exact_values():
    for name in ("sigma_gz", "sigma_zz", "sigma_xz", "sigma_fz", "sigma_fx"):
        refused(lambda n=name: theorem("hf-zoba-shared").bound(quadratic(n), 2, 2, Setting(), 100, START), name)


def test_every_registered_problem_that_p5_bounds_is_free_of_sampled_constants():
    """The suites' bounds rest on these."""
    installed = [name for name in list_problems() if not missing_requirements(name)]
    assert {name: factory(name)().constants.sampled for name in installed} == dict.fromkeys(installed, ())

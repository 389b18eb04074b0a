"""Certificates that travel: written by ``derive --export``, checked by ``derive --verify``."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np

from zoba_bench.problem import Constants
from zoba_bench.suggestions import unknown

__all__ = ["export", "outward", "verified"]

_START = ("gap", "z_error", "v_error")
#: Of these the safe side is below; of all other numbers it is above.
_LOWER = ("mu", "eps")
#: Above the relative error of a start, whose few operations are computed in floating point.
_COMPUTED = 1 + 2.0**-40


def outward(name: str, text: str) -> float:
    """The float nearest to a number on the safe side: not below it, or not above it for mu and eps."""
    try:
        exact = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise click.UsageError(f"{name} must be a number such as 0.3 or 1/3, got {text!r}") from None
    value = float(exact)
    if name in _LOWER:
        return math.nextafter(value, -math.inf) if Fraction(value) > exact else value
    return math.nextafter(value, math.inf) if Fraction(value) < exact else value


def export(theorem: Any, path: Path, p: int, d: int, eps: str, settings: tuple[str, ...]) -> None:
    """Write the certificate of a theorem's plan for the reference problem, with numbers of one's own."""
    constants, start = _reference(p, d)
    given = _given(settings)
    if theorem.name.endswith("-samples") and not any(name.startswith("sigma") for name in given):
        given |= {name: 1.0 for name in _known() if name.startswith("sigma")}
    start |= {name: value for name, value in given.items() if name in _START}
    own: dict[str, Any] = {name: value for name, value in given.items() if name not in _START}
    constants = replace(constants, **own)
    words = f"reference(p={p}, d={d})" + "".join(f", {name}={value!r}" for name, value in sorted(given.items()))
    text = theorem.exported(constants, p, d, outward("eps", eps), start, words)
    path.write_text(text, encoding="utf-8")


def verified(path: Path) -> int:
    """Check a certificate as ``check_certificate`` does, and its count once more; 0, or 1 where a check fails."""
    from zoba_bench import check_certificate, check_count

    if not path.is_file():
        raise click.UsageError(f"there is no file {str(path)!r}")
    if check_certificate.main([str(path)]):
        return 1
    same = check_count.same_count(path.read_text(encoding="utf-8"))
    click.echo(f"{'ok   ' if same else 'FAIL '}count from the constants")
    return 0 if same else 1


def _known() -> list[str]:
    return [field.name for field in fields(Constants) if field.name not in ("radius", "sampled")]


def _given(settings: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in (known := [*_known(), *_START]):
            raise click.UsageError(unknown("constant", name, known))
        found[name] = outward(name, text)
    return found


def _reference(p: int, d: int) -> tuple[Constants, dict[str, float]]:
    """Constants of the reference problem, and its start with v = 0."""
    from zoba_bench.registry import load_problem

    problem = load_problem("reference", p=p, d=d)
    assert problem.value is not None
    assert problem.inner_solution is not None
    assert problem.adjoint is not None
    z, x = problem.initial_point(np.random.default_rng(0))
    found = {
        "gap": float(problem.value(x)) - float(problem.minimum or 0.0),
        "z_error": float(np.linalg.norm(z - problem.inner_solution(x))),
        "v_error": float(np.linalg.norm(problem.adjoint(x))),
    }
    return problem.constants, {name: value * _COMPUTED for name, value in found.items()}

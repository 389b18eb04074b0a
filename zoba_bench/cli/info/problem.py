"""What is known of a problem."""

from __future__ import annotations

from typing import Any

from zoba_bench.cli.info.card import Card, shown

__all__ = ["problem_card"]


def problem_card(name: str) -> Card:
    """Of a registered problem, or of one in a file."""
    from zoba_bench.problem.card import MEANING
    from zoba_bench.problem.file import is_file
    from zoba_bench.registry import entry, load_problem, missing_requirements

    known = None if is_file(name) else getattr(entry("problems", name), "card", None)
    card = Card(name, "problem", known.summary if known else "")
    if known:
        card.text = known.source
        card.content = {
            "source": known.source, "dimensions": known.dimensions, "assumptions": dict(known.assumptions),
            "quadratic_inner": known.quadratic_inner, "psi_convexity": known.psi_convexity, "smooth": known.smooth,
            "scalable": known.scalable, "group": known.group, "errata": list(known.errata),
        }  # fmt: skip
        card.add("", {
            "source": known.source, "dimensions": known.dimensions, "group": known.group or "none",
            "Psi": known.psi_convexity, "G is quadratic": _yes(known.quadratic_inner), "smooth": _yes(known.smooth),
            "p or d can be chosen": _yes(known.scalable),
        })  # fmt: skip
        card.add("Errata of its source", {str(number): text for number, text in enumerate(known.errata, start=1)})
        card.add(
            "Assumptions",
            {key: f"{known.assumptions.get(key, 'not said')}: {MEANING[key]}" for key in known.assumptions},
        )
    missing = {} if is_file(name) else missing_requirements(name)
    if missing:
        card.content["missing"] = {module: f'pip install "zoba-bench[{extra}]"' for module, extra in missing.items()}
        card.add("Not installed", card.content["missing"])
        return card
    from zoba_bench.timing import evaluation_cost

    problem = load_problem(name)
    built: dict[str, Any] = {
        "p": problem.p, "d": problem.d,
        "parameters": {k: v for k, v in problem.parameters.items() if not callable(v)}, "minimum": problem.minimum,
        "minimizer": None if problem.minimizer is None else problem.minimizer.tolist(),
        "constants": problem.constants.known(), "sampled": list(problem.constants.sampled),
        "microseconds an evaluation": evaluation_cost(problem),
    }  # fmt: skip
    card.content |= built
    card.add("As built by default", {
        "p, d": f"{problem.p}, {problem.d}", "infimum of Psi": shown(built["minimum"]),
        "minimiser": shown(built["minimizer"]), "an evaluation takes": _each(built["microseconds an evaluation"]),
    })  # fmt: skip
    card.add("Parameters", {key: shown(value) for key, value in built["parameters"].items()})
    card.add("Constants", {
        key: shown(value) + ("  sampled: no bound uses it" if key in built["sampled"] else "")
        for key, value in built["constants"].items()
    })  # fmt: skip
    return card


def _each(microseconds: dict[str, float]) -> str:
    return ", ".join(f"{value:.2g} us for {level}" for level, value in microseconds.items())


def _yes(value: bool) -> str:
    return "yes" if value else "no"

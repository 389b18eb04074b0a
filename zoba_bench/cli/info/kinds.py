"""The kinds of things that have names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zoba_bench.cli.info import measuring
from zoba_bench.cli.info.card import Card
from zoba_bench.cli.info.problem import problem_card
from zoba_bench.cli.info.solver import solver_card
from zoba_bench.cli.info.theory import assumption_card, theorem_card
from zoba_bench.suggestions import nearest

__all__ = ["KINDS", "cards", "no_such_name"]


def _registered(kind: str) -> Callable[[], Iterable[str]]:
    def names() -> Iterable[str]:
        from zoba_bench.registry import names

        return names(kind)

    return names


def _comparisons() -> Iterable[str]:
    from zoba_bench.comparison.applications.settings import APPLICATIONS
    from zoba_bench.comparison.ratios.settings import RATIOS
    from zoba_bench.comparison.suites import SUITES

    return [*SUITES, *APPLICATIONS, *RATIOS]


def _protocols() -> Iterable[str]:
    from zoba_bench.verification.protocols import PROTOCOLS

    return PROTOCOLS


def _assumptions() -> Iterable[str]:
    from zoba_bench.problem.card import MEANING

    return MEANING


def _tasks() -> Iterable[str]:
    from zoba_bench.tasks import TASKS

    return TASKS


#: Kind -> the names of that kind, and what describes one. Claims come last: their suites have to be built.
KINDS: dict[str, tuple[Callable[[], Iterable[str]], Callable[[str], Card]]] = {
    "solver": (_registered("solvers"), solver_card),
    "problem": (_registered("problems"), problem_card),
    "theorem": (_registered("theorems"), theorem_card),
    "suite": (_registered("claims"), measuring.suite_card),
    "comparison": (_comparisons, measuring.comparison_card),
    "protocol": (_protocols, measuring.protocol_card),
    "assumption": (_assumptions, assumption_card),
    "task": (_tasks, measuring.task_card),
}


def cards(name: str) -> list[Card]:
    """A description for each kind that the name is of; none where there is no such name."""
    if ".py" in name:
        return [_of_file(name)]
    found = [describe(name) for names, describe in KINDS.values() if name in names()]
    if not found and "/" in name and measuring.find_claim(name) is not None:
        return [measuring.claim_card(name)]
    return found


def _of_file(name: str) -> Card:
    """A solver of a file where it is one, else a problem."""
    import inspect

    from zoba_bench.problem.file import is_file
    from zoba_bench.solver_file import load_solver_class

    try:
        solver = inspect.isclass(load_solver_class(name))
    except TypeError:  # a class or an object that is no solver
        solver = False
    return solver_card(name) if solver or not is_file(name) else problem_card(name)


def no_such_name(name: str) -> str:
    """What an error says of a name of no kind: the nearest of every kind, and where all of them are."""
    kinds = {kind: list(names()) for kind, (names, _) in KINDS.items()}
    if "/" in name:
        kinds["claim"] = measuring.claim_ids()
    owner: dict[str, str] = {}
    for kind, names in kinds.items():
        for each in names:
            owner.setdefault(each, kind)
    close = [f"{each!r} ({owner[each]})" for each in nearest(name, owner)]
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    listed = "; ".join(
        f"{kind}s {', '.join(names)}" for kind, names in kinds.items() if kind not in ("task", "claim", "problem")
    )
    return (
        f"unknown name {name!r}; {hint}known: {listed}; problems: see `zoba-bench list`; claims: see "
        "`zoba-bench verify --list`"
    )

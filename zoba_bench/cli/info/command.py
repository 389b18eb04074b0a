"""The verb ``info``."""

from __future__ import annotations

import click

from zoba_bench.cli.options import AS_JSON, Completed
from zoba_bench.cli.terminal import new_console, print_json

__all__ = ["info"]


@click.command()
@click.argument("name", type=Completed("solvers", "problems", "theorems", "claims", "comparisons"))
@click.option(
    "--bibtex", "as_bibtex", is_flag=True, help="Print the BibTeX entries of its papers and of this software."
)
@AS_JSON
def info(name: str, as_bibtex: bool, as_json: bool) -> int:
    """What a name stands for: a solver with its options, a problem, theorem, suite, protocol, assumption or claim.

    NAME is one of those that `zoba-bench list` prints, a protocol (P0 to P14), an assumption (A1 to A7), a suite, a
    claim's id, a task of a ledger, or file.py:name.

    \b
    Examples:
      zoba-bench info hf-zoba
      zoba-bench info A3
      zoba-bench info zmdsba --bibtex
    """
    from zoba_bench.about import VERSION
    from zoba_bench.cli.info.kinds import cards, no_such_name
    from zoba_bench.papers import bibtex, papers_named
    from zoba_bench.registry import UnknownNameError

    found = cards(name)
    if not found:
        raise UnknownNameError(no_such_name(name))
    if as_bibtex:
        ids = papers_named(" ".join(card.text for card in found))
        entries = bibtex(ids, VERSION)
        if as_json:
            print_json({"name": name, "papers": ids, "bibtex": entries})
        else:
            click.echo(entries)
        return 0
    if as_json:
        first, *others = (card.row() for card in found)
        print_json({**first, "also": others} if others else first)
        return 0
    console = new_console()
    for number, card in enumerate(found):
        if number:
            console.print()
        card.print(console)
    return 0

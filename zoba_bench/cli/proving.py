"""Proofs: ``check`` of problems, ``derive`` of theorems."""

from __future__ import annotations

import click

from zoba_bench.cli.options import AS_JSON, JOBS, SEED
from zoba_bench.cli.terminal import print_json, progress_bar

__all__ = ["check", "derive"]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--problem", "own", multiple=True, metavar="FILE.PY:NAME", help="A problem of your own; repeatable.")
@JOBS
@SEED
@AS_JSON
def check(names: tuple[str, ...], own: tuple[str, ...], jobs: int, seed: int, as_json: bool) -> int:
    """Certify problems: symbolic proofs, residuals of closed forms, constants against sampled values.

    All registered problems where none is named; with a name every check is printed. Exit code 1 if one fails.
    """
    from zoba_bench.certification.catalogue import certify_all, installed

    chosen, left_out = installed((*names, *own))
    with progress_bar(quiet=as_json, word="checking", things="problems") as progress:
        certificates = certify_all(chosen, seed, jobs=jobs, progress=progress)
    failed = sum(not certificate.ok for certificate in certificates)
    if as_json:
        rows = [certificate.row() for certificate in certificates]
        print_json({"ok": not failed, "seed": seed, "problems": rows, "left_out": left_out})
        return 1 if failed else 0
    for certificate in certificates:
        for line in certificate.lines(whole=bool(names or own)):
            click.echo(line)
    for name, hint in left_out.items():
        click.echo(f"left out  {name}: needs {hint}")
    click.echo(f"{len(certificates) - failed} of {len(certificates)} certificates ok (seed {seed})")
    return 1 if failed else 0


@click.command()
@click.argument("name", required=False)
@click.option(
    "--check", is_flag=True, help="Verify every step again; exit code 1 if one fails. Without NAME: all theorems."
)
@click.option("--markdown", is_flag=True, help="Markdown with LaTeX instead of plain text.")
def derive(name: str | None, check: bool, markdown: bool) -> int:
    """The derivation of a theorem, step by step."""
    from zoba_bench.registry import list_theorems, theorem

    if check:
        failed = 0
        for each in [name] if name is not None else list_theorems():
            results = theorem(each).check()
            for result in results:
                failed += not result.ok
                if name is not None or not result.ok:
                    click.echo(f"{'ok  ' if result.ok else 'FAIL'}  {result.step}: {result.detail}")
            if name is None:
                good = sum(result.ok for result in results)
                click.echo(
                    f"{'ok  ' if good == len(results) else 'FAIL'}  {each}: {good} of {len(results)} steps verified"
                )
        return 1 if failed else 0
    if name is None:
        raise click.UsageError(f"which theorem? One of {', '.join(list_theorems())}; --check alone verifies all.")
    chosen = theorem(name)
    click.echo(chosen.render_markdown() if markdown else chosen.render_text())
    return 0 if all(result.ok for result in chosen.results) else 1

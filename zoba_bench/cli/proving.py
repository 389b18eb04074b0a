"""Proofs: ``check`` of problems, ``derive`` of theorems."""

from __future__ import annotations

from pathlib import Path

import click

from zoba_bench.certification.certificate import Certificate
from zoba_bench.cli.options import AS_JSON, JOBS, QUIET, SEED, Completed
from zoba_bench.cli.progress import Progress
from zoba_bench.cli.terminal import print_json
from zoba_bench.cli.whole import Whole

__all__ = ["check", "derive"]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=Completed("problems"))
@click.option("--problem", "own", multiple=True, metavar="FILE.PY:NAME", help="A problem of your own; repeatable.")
@JOBS
@SEED
@QUIET
@AS_JSON
def check(names: tuple[str, ...], own: tuple[str, ...], jobs: int, seed: int, quiet: bool, as_json: bool) -> int:
    """Certify problems: symbolic proofs, residuals of closed forms, constants against sampled values.

    All registered problems where none is named; with a name every check is printed. What fails is printed again at
    the end. Exit code 1 if one fails.

    \b
    Examples:
      zoba-bench check reference
      zoba-bench check --jobs 2
    """
    from zoba_bench.certification.catalogue import certify_all, installed

    chosen, left_out = installed((*names, *own))
    with Progress(quiet) as show:
        step = show.begin("checking", "problems", total=len(chosen), jobs=jobs)

        def tell(certificate: Certificate) -> None:
            with show.paused():
                for line in certificate.lines(whole=bool(names or own)):
                    click.echo(line)

        certificates = certify_all(chosen, seed, jobs=jobs, progress=step, tell=None if as_json else tell)
    failed = [certificate for certificate in certificates if not certificate.ok]
    if as_json:
        rows = [certificate.row() for certificate in certificates]
        print_json({"ok": not failed, "seed": seed, "problems": rows, "left_out": left_out})
        return 1 if failed else 0
    for name, hint in left_out.items():
        click.echo(f"left out  {name}: needs {hint}")
    if failed:
        click.echo("\nFailed:")
    for certificate in failed:
        for one in certificate.failed:
            click.echo(f"  {certificate.problem}: {one.name}: {one.detail}")
    named = f"; failed: {', '.join(certificate.problem for certificate in failed)}" if failed else ""
    click.echo(f"{len(certificates) - len(failed)} of {len(certificates)} certificates ok (seed {seed}){named}")
    return 1 if failed else 0


@click.command()
@click.argument("name", required=False, type=Completed("theorems"))
@click.option(
    "--check", is_flag=True, help="Verify every step again; exit code 1 if one fails. Without NAME: all theorems."
)
@click.option("--markdown", is_flag=True, help="Markdown with LaTeX instead of plain text.")
@click.option(
    "--export",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the exact certificate of a plan, which check_certificate.py checks with Python alone.",
)
@click.option(
    "--verify",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Check a certificate that --export wrote; exit code 1 if a check fails.",
)
@click.option("--p", type=Whole(min=1), default=4, show_default=True, help="Dimension of z, for --export.")
@click.option("--d", type=Whole(min=1), default=4, show_default=True, help="Dimension of x, for --export.")
@click.option("--eps", default="1/10", show_default=True, help="Accuracy of the plan, for --export.")
@click.option(
    "--constant",
    "constants",
    multiple=True,
    metavar="NAME=VALUE",
    help="A number in place of the reference problem's, for --export: L_zz, gap, sigma_fz, ...; repeatable.",
)
@QUIET
def derive(
    name: str | None,
    check: bool,
    markdown: bool,
    export: Path | None,
    verify: Path | None,
    p: int,
    d: int,
    eps: str,
    constants: tuple[str, ...],
    quiet: bool,
) -> int:
    """The derivation of a theorem, step by step.

    With --export the certificate of its plan as a file, for the reference problem and with numbers of one's own;
    --verify checks such a file.

    \b
    Examples:
      zoba-bench derive hozog
      zoba-bench derive hozog --check
      zoba-bench derive soba --export cert.json --eps 1/100
    """
    from zoba_bench.cli import certificates
    from zoba_bench.contracts import HasExport
    from zoba_bench.registry import list_theorems, theorem

    if verify is not None:
        return certificates.verified(verify)
    if name is None and not check:
        raise click.UsageError(
            f"no theorem is named; give one of {', '.join(list_theorems())}, or --check alone to verify all"
        )
    with Progress(quiet) as show:
        if check:
            return 1 if _verified([name] if name is not None else list_theorems(), show, name is not None) else 0
        assert name is not None
        show.begin(f"deriving {name}")
        chosen = theorem(name)
        if export is not None:
            if not isinstance(chosen, HasExport):
                raise click.UsageError(
                    f"theorem {name!r} has no certificate of a plan: those of the single loop have one"
                )
            certificates.export(chosen, export, p, d, eps, constants)
            click.echo(
                f"the certificate of {chosen.name} is in {export}; zoba-bench derive --verify {export} checks it"
            )
            return 0
        text = chosen.render_markdown() if markdown else chosen.render_text()
    click.echo(text)
    return 0 if all(result.ok for result in chosen.results) else 1


def _verified(names: list[str], show: Progress, every: bool) -> int:
    """Verify theorems, print every step or those that fail with a count, and return how many fail."""
    from zoba_bench.registry import UnknownNameError, theorem

    failed = 0
    step = show.begin("verifying", "theorems", total=len(names))
    for number, name in enumerate(names, start=1):
        try:
            results = theorem(name).check()
        except UnknownNameError:
            raise
        except Exception as error:  # a derivation that cannot even be stated is one that fails
            failed += 1
            with show.paused():
                click.echo(f"FAIL  {name}: the derivation ended with {type(error).__name__}: {error}")
            step(number, len(names), name)
            continue
        good = sum(result.ok for result in results)
        failed += len(results) - good
        with show.paused():
            for result in results:
                if every or not result.ok:
                    click.echo(f"{'ok  ' if result.ok else 'FAIL'}  {result.step}: {result.detail}")
            if not every:
                word = "ok  " if good == len(results) else "FAIL"
                click.echo(f"{word}  {name}: {good} of {len(results)} steps verified")
        step(number, len(names), name)
    return failed

"""Certificates of many problems at once, in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from zoba_bench.certification.certificate import Certificate, Check
from zoba_bench.certification.certify import certify_registered
from zoba_bench.problem.file import is_file, load_file
from zoba_bench.processes import Failure, Workers
from zoba_bench.registry import RegistryError, list_problems, missing_requirements
from zoba_bench.validation import check_dimension

__all__ = ["certify_all", "installed"]

Progress = Callable[[int, int, str], None]


def installed(names: Iterable[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Names of problems to be checked (all registered ones by default), and how to install what each other needs.

    Raises
    ------
    UnknownNameError, ValueError, TypeError
        For a name that is not registered, or a file that is not there or holds no such problem.
    """
    chosen = list(dict.fromkeys(names)) or list_problems()
    left_out = {}
    for name in chosen:
        if is_file(name):
            load_file(name, checked=False)
            continue
        try:
            missing = missing_requirements(name)
        except RegistryError:  # it cannot be loaded: its certificate will say so
            continue
        for extra in missing.values():
            left_out[name] = f'pip install "zoba-bench[{extra}]"'
    return [name for name in chosen if name not in left_out], left_out


def certify_all(
    names: Sequence[str],
    seed: int = 0,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    tell: Callable[[Certificate], None] | None = None,
) -> list[Certificate]:
    """Certificates of problems by name ("file.py:name" too), in the given order.

    Parameters
    ----------
    names : sequence of str
    seed : int
        Of the random points. The certificates do not depend on ``jobs``.
    jobs : int
        Processes.
    progress : callable(done, total, name), optional
    tell : callable(certificate), optional
        Told each as soon as it and those before it are there.

    Returns
    -------
    list of Certificate
        A problem that cannot be built gets one with a single check that says why.
    """
    check_dimension("jobs", jobs)
    found: dict[str, Certificate] = {}
    waiting = list(dict.fromkeys(names))
    for name, certificate in _stream(names, seed, jobs):
        found[name] = certificate
        while tell is not None and waiting and waiting[0] in found:
            tell(found[waiting.pop(0)])
        if progress is not None:
            progress(len(found), len(names), name)
    return [found[name] for name in names]


def _one(name: str, seed: int) -> tuple[str, Certificate]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        try:
            return name, certify_registered(name, seed)
        except (Exception, SystemExit) as error:  # a factory may raise anything: that is a finding, not a crash
            check = Check("the problem is built", False, "computed", f"{type(error).__name__}: {error}")
            return name, Certificate(name, (check,))


def _stream(names: Sequence[str], seed: int, jobs: int) -> Iterator[tuple[str, Certificate]]:
    if jobs == 1 or len(names) < 2:
        yield from (_one(name, seed) for name in names)
        return
    with Workers(min(jobs, len(names))) as workers:
        for index, answer in workers.run(f"{__name__}:_one", ((name, seed) for name in names)):
            if isinstance(answer, Failure):
                check = Check("the problem is built", False, "computed", answer.message)
                yield names[index], Certificate(names[index], (check,))
            else:
                yield answer

"""``python -m benchmarks.minimize``: the table of ``zb.minimize`` against its peers."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from fnmatch import fnmatch
from multiprocessing import get_context
from pathlib import Path

from .classes import CLASSES, QUICK
from .methods import METHODS, OWN, missing
from .page import page
from .race import TRIED, Task, class_of
from .referee import Run
from .scores import class_score
from .tables import as_json, classes_table, conclusion, methods_table

STORE = Path("zoba-results") / "minimize-runs.jsonl"


def main(arguments: list[str] | None = None) -> int:
    """Run, and write the table to standard output, progress to standard error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.minimize", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="eleven small classes, two problems each")
    parser.add_argument("--classes", nargs="+", metavar="PATTERN", help="classes by name, * matches anything")
    parser.add_argument("--methods", nargs="+", metavar="NAME", choices=list(METHODS), help="peers; default all")
    parser.add_argument("--problems", type=int, help="problems a class; default 20, at most 2 where p is 100 or more")
    parser.add_argument("--seed", type=int, default=0, help="of the problems, their noise and the methods")
    parser.add_argument(
        "--full", action="store_true",
        help="let each peer run to its end on each problem; otherwise it stops where it cannot be the best any more, "
        f"and one that was first in nothing on the first {TRIED} problems of a class leaves that class",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="everything as JSON on standard output")
    parser.add_argument("--page", type=Path, help="also write the page of the documentation to this file")
    parser.add_argument(
        "--store", type=Path, default=STORE,
        help="file of runs: those that it has of the same sources and versions are taken from there, so that a "
        f"command that was ended goes on [{STORE}]",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="neither read nor write stored runs")
    parser.add_argument("--jobs", type=int, default=1, help="classes at a time, a process each")
    parser.add_argument("--list", action="store_true", help="the names of the classes, and nothing else")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        print("\n".join(CLASSES))
        return 0

    names = list(QUICK) if chosen.quick and not chosen.classes else list(CLASSES)
    if chosen.classes:
        names = [name for name in CLASSES if any(fnmatch(name, pattern) for pattern in chosen.classes)]
        if not names:
            parser.error(f"no class matches {chosen.classes}; --list shows them")
    problems = chosen.problems if chosen.problems is not None else (2 if chosen.quick else 20)
    if problems < 1:
        parser.error("--problems must be 1 or more")
    if chosen.jobs < 1:
        parser.error("--jobs must be 1 or more")
    methods = [OWN, *(name for name in METHODS if name != OWN and name in (chosen.methods or METHODS))]
    skipped = [name for name in methods if missing(name)]
    for name in skipped:
        _say(f"skipped {name}: {METHODS[name].module} is not installed (pip install 'zoba-bench[peers]')")
    methods = [name for name in methods if name not in skipped]

    store = None if chosen.fresh else chosen.store
    tasks = [(name, chosen.seed, methods, min(problems, CLASSES[name].most), chosen.full, store) for name in names]
    runs: dict[str, list[dict[str, Run]]] = {}
    scores, begun = {}, time.perf_counter()
    for name, of_class, reused in _classes(tasks, chosen.jobs):
        runs[name] = of_class
        starts = [CLASSES[name].problem(chosen.seed, index).start_error for index in range(len(of_class))]
        scores[name] = class_score(name, of_class, starts)
        made = sum(map(len, of_class)) - reused
        _say(
            f"[{len(scores)} of {len(names)}, {time.perf_counter() - begun:.0f} s, {made} new runs, {reused} stored] "
            f"{classes_table([scores[name]]).splitlines()[-1]}"
        )
    runs, listed = {name: runs[name] for name in names}, [scores[name] for name in names]
    about = {"seed": chosen.seed, "methods": methods, "skipped": skipped, "full": chosen.full}
    if chosen.page:
        command = ["python", "-m", "benchmarks.minimize", *(sys.argv[1:] if arguments is None else arguments)]
        chosen.page.write_text(page(listed, runs, methods, skipped, shlex.join(command)), encoding="utf-8")
    if chosen.json:
        print(json.dumps(as_json(listed, runs, about)))
    else:
        print(classes_table(listed), conclusion(listed), methods_table(runs), sep="\n\n")
    return 0


def _classes(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[str, list[dict[str, Run]], int]]:
    """Name, runs, and how many of them were stored, of each class as it is done."""
    if jobs == 1:
        yield from map(class_of, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        futures = [executor.submit(class_of, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

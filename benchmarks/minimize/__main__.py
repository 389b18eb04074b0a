"""``python -m benchmarks.minimize``: the table of ``zb.minimize`` against its peers."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from fnmatch import fnmatch
from pathlib import Path

from threadpoolctl import threadpool_limits

from .classes import CLASSES, QUICK
from .methods import METHODS, OWN, missing
from .page import page
from .race import TRIED, run_class
from .scores import class_score
from .tables import as_json, classes_table, conclusion, methods_table


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
    methods = [OWN, *(name for name in METHODS if name != OWN and name in (chosen.methods or METHODS))]
    skipped = [name for name in methods if missing(name)]
    for name in skipped:
        _say(f"skipped {name}: {METHODS[name].module} is not installed (pip install 'zoba-bench[peers]')")
    methods = [name for name in methods if name not in skipped]

    runs, scores = {}, []
    with threadpool_limits(1):
        for name in names:
            kind = CLASSES[name]
            count = min(problems, kind.most)
            runs[name] = run_class(kind, chosen.seed, methods, count, full=chosen.full)
            starts = [kind.problem(chosen.seed, index).start_error for index in range(count)]
            scores.append(class_score(name, runs[name], starts))
            _say(classes_table(scores[-1:]).splitlines()[-1])
    about = {"seed": chosen.seed, "methods": methods, "skipped": skipped, "full": chosen.full}
    if chosen.page:
        command = ["python", "-m", "benchmarks.minimize", *(sys.argv[1:] if arguments is None else arguments)]
        chosen.page.write_text(page(scores, runs, methods, skipped, shlex.join(command)), encoding="utf-8")
    if chosen.json:
        print(json.dumps(as_json(scores, runs, about)))
    else:
        print(classes_table(scores), conclusion(scores), methods_table(runs), sep="\n\n")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

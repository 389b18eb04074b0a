"""Cost of an iteration: seconds, memory, and the ratio to the floor."""

from __future__ import annotations

import itertools

from .floor import Case

SOLVERS = ["zoba", "hf-zoba"]
SIZES = [5, 20, 100]
REPLICATES = [1, 16]
Times = dict[tuple[str, int, int], tuple[float, float, int] | None]
PENALTY = 100.0  # finite and far above any ratio: a run that failed must not look fast


class Iteration:
    """Iterations on dense quad_general, l1 = 100."""

    params = (SOLVERS, SIZES, REPLICATES)
    param_names = ("solver", "p = d", "replicates R")

    def setup(self, solver: str, size: int, replicates: int) -> None:
        self.case = Case(solver, size, replicates)

    def time_iterations(self, solver: str, size: int, replicates: int) -> None:
        """Seconds of max(10, 20000 / (p R)) iterations."""
        self.case.solve()

    time_iterations.pretty_name = "Time of a run of max(10, 20000 / (p R)) iterations (quad_general, l1 = 100)"  # type: ignore[attr-defined]
    time_iterations.unit = "seconds"  # type: ignore[attr-defined]

    def peakmem_iterations(self, solver: str, size: int, replicates: int) -> None:
        """Peak memory of the same."""
        self.case.solve()

    peakmem_iterations.pretty_name = "Peak memory of the same run"  # type: ignore[attr-defined]
    peakmem_iterations.unit = "bytes"  # type: ignore[attr-defined]


class Overhead:
    """The solver's time over its floor; all pairs are timed once, for both numbers."""

    params = (SOLVERS, SIZES, REPLICATES)
    param_names = ("solver", "p = d", "replicates R")
    timeout = 120.0

    def setup_cache(self) -> Times:
        """Seconds of the solver and of its floor, and iterations times replicates; None for a run that failed."""
        found: Times = {}
        for solver, size, replicates in itertools.product(*self.params):
            case = Case(solver, size, replicates)
            case.iterations = max(3, case.iterations // 16)
            done = case.iterations * replicates
            found[solver, size, replicates] = (*case.seconds(5), done) if case.solve() else None
        return found

    setup_cache.timeout = 120.0  # type: ignore[attr-defined]

    def track_over_floor(self, times: Times, solver: str, size: int, replicates: int) -> float:
        """Time of an iteration divided by that of its draws, query points and oracle calls."""
        found = times[solver, size, replicates]
        return PENALTY if found is None else found[0] / found[1]

    track_over_floor.pretty_name = "Time of an iteration over that of its draws and oracle calls alone; 1 is the least"  # type: ignore[attr-defined]
    track_over_floor.unit = "ratio"  # type: ignore[attr-defined]
    track_over_floor.version = "2"  # type: ignore[attr-defined]

    def track_microseconds(self, times: Times, solver: str, size: int, replicates: int) -> float:
        """Microseconds an iteration and replicate."""
        found = times[solver, size, replicates]
        return 1e6 * (PENALTY if found is None else found[0] / found[2])

    track_microseconds.pretty_name = "Time of an iteration and replicate"  # type: ignore[attr-defined]
    track_microseconds.unit = "microseconds"  # type: ignore[attr-defined]
    track_microseconds.version = "2"  # type: ignore[attr-defined]

"""Cost of an iteration: seconds, memory, and the ratio to the floor."""

from __future__ import annotations

from .floor import Case

SOLVERS = ["zoba", "hf-zoba"]
SIZES = [5, 20, 100]
REPLICATES = [1, 16]
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
    """The solver's time over its floor."""

    params = (SOLVERS, SIZES, REPLICATES)
    param_names = ("solver", "p = d", "replicates R")
    timeout = 120.0

    def track_over_floor(self, solver: str, size: int, replicates: int) -> float:
        """Time of an iteration divided by that of its draws, query points and oracle calls."""
        case = Case(solver, size, replicates)
        if not case.solve():
            return PENALTY
        solved, floor = case.seconds()
        return solved / floor

    track_over_floor.pretty_name = "Time of an iteration over that of its draws and oracle calls alone; 1 is the least"  # type: ignore[attr-defined]
    track_over_floor.unit = "ratio"  # type: ignore[attr-defined]

    def track_microseconds(self, solver: str, size: int, replicates: int) -> float:
        """Microseconds an iteration and replicate."""
        case = Case(solver, size, replicates)
        if not case.solve():
            return 1e6 * PENALTY
        return case.seconds()[0] / (case.iterations * case.replicates) * 1e6

    track_microseconds.pretty_name = "Time of an iteration and replicate"  # type: ignore[attr-defined]
    track_microseconds.unit = "microseconds"  # type: ignore[attr-defined]

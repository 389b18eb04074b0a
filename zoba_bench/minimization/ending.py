"""How a run is ended from within: a status, and what to say."""

from __future__ import annotations

from zoba_bench.minimization.outcome import Exhausted
from zoba_bench.result import Status

__all__ = ["BudgetExhausted", "Ended", "TimeIsUp"]


class Ended(Exception):
    """The run ends here, with a status and what to say."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class BudgetExhausted(Ended, Exhausted):
    """The next evaluations do not fit into the budget; none of them was made."""

    def __init__(self, cost: int, left: int) -> None:
        super().__init__(Status.BUDGET, f"the next {cost} evaluations would exceed the budget; {left} are left")


class TimeIsUp(Ended):
    """``max_seconds`` have passed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Status.STOPPED, f"stopped: max_seconds={seconds:g} have passed")

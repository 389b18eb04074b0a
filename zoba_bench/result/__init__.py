"""What a run returns, and how it can end.

``status`` has the ends, ``run_result`` the result of R replicates; ``printing`` writes it as scipy writes its results,
and ``picture`` draws it.
"""

from zoba_bench.result.run_result import Result
from zoba_bench.result.status import Status

__all__ = ["Result", "Status"]


def __dir__() -> list[str]:
    return sorted(__all__)

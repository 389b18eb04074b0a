"""Import time, derivations and predictions."""

from __future__ import annotations

from typing import Any

import zoba_bench as zb


class Import:
    """What a user waits for first."""

    def timeraw_import(self) -> str:
        """A fresh interpreter that imports the package."""
        return "import zoba_bench"

    timeraw_import.pretty_name = "Time of `import zoba_bench` in a fresh interpreter"  # type: ignore[attr-defined]
    timeraw_import.unit = "seconds"  # type: ignore[attr-defined]


class Theory:
    """Cost of the derived numbers."""

    params = ([2, 32],)
    param_names = ("p = d",)

    def setup(self, size: int) -> None:
        self.theorem: Any = zb.theorem("zoba")
        problem = zb.load_problem("reference", p=size, d=size)
        self.blocks = self.theorem.Blocks.at(problem, problem.minimizer)
        self.theorem.linear_noise(self.blocks, gamma=0.01, c=0.25, l=1)

    def time_linear_noise(self, size: int) -> None:
        """The stationary mean at constant steps, once the moments are derived."""
        self.theorem.linear_noise(self.blocks, gamma=0.01, c=0.25, l=1)

    time_linear_noise.pretty_name = "Time of predicting one noise floor, once the moments are derived"  # type: ignore[attr-defined]
    time_linear_noise.unit = "seconds"  # type: ignore[attr-defined]

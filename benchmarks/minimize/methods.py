"""The methods by name: which package each needs, and where it is run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import zoba_bench as zb

from . import fd_implicit, peers
from .problems import Instance
from .referee import Report, Task

__all__ = ["METHODS", "OWN", "Method", "missing"]

OWN = "zb.minimize"


@dataclass(frozen=True)
class Method:
    """A way from a task to a report.

    Attributes
    ----------
    run : callable(task) -> Report
    module : str, what has to be installed; empty if nothing more than scipy
    fits : callable(p, d) -> bool, where running it makes sense
    inexact : bool, only for problems whose values are not exact
    """

    run: Callable[[Task], Report]
    module: str = ""
    fits: Callable[[int, int], bool] = lambda p, d: True
    inexact: bool = False

    def takes(self, problem: Instance) -> bool:
        """Whether it is run on the problem."""
        exact = problem.noise_outer == 0 == problem.noise_inner
        return self.fits(len(problem.z0), len(problem.x0)) and not (self.inexact and exact)


def own(task: Task) -> Report:
    """``zb.minimize`` with its default method, told the functions, the start, the tolerance and the budget."""
    result = zb.minimize(
        task.outer, task.inner, x0=task.x0, z0=task.z0, tol=task.tolerance, maxfev=task.budget,
        seed=int(task.rng.integers(2**31)),
    )  # fmt: skip
    status = zb.Status(int(result.status)).label
    return Report(result.x, bool(result.success), status, int(result.nfev), str(result.message))


def _few(p: int, d: int) -> bool:
    """Where methods on Psi alone are run: an inner solve takes ten gradients, and they need hundreds of them."""
    return p < 100 and d <= 50


#: In the order in which they run: who is usually best goes first, since the others then stop at its count.
METHODS = {
    OWN: Method(own),
    "fd-implicit": Method(fd_implicit.fd_implicit),
    "fd-implicit-0.1": Method(fd_implicit.fd_implicit_long_steps, inexact=True),
    "py-bobyqa": Method(peers.bobyqa, "pybobyqa", fits=lambda p, d: d <= 50),
    "powell": Method(peers.powell, fits=lambda p, d: _few(p, d) and d <= 10),
    "nelder-mead": Method(peers.nelder_mead, fits=lambda p, d: _few(p, d) and d <= 10),
    "cma-es": Method(peers.cma_es, "cma", fits=lambda p, d: _few(p, d) and d >= 2),
    "nevergrad": Method(peers.nevergrad_default, "nevergrad", fits=_few),
    "optuna-tpe": Method(peers.tpe, "optuna", fits=lambda p, d: _few(p, d) and d <= 20),
}


def missing(name: str) -> bool:
    """Whether the package of a method is not installed."""
    module = METHODS[name].module
    return bool(module) and importlib.util.find_spec(module) is None

"""Where cells run: in this process, in several of this machine, or on a cluster."""

from __future__ import annotations

from zoba_bench.cluster.client import Cluster
from zoba_bench.memory import check_memory
from zoba_bench.processes import Workers
from zoba_bench.validation import check_dimension, check_real

__all__ = ["workers"]


def workers(
    jobs: int = 1,
    *,
    dask: str | None = None,
    isolated: bool = False,
    cell_timeout: float | None = None,
    max_memory: int | str | None = None,
) -> Workers | Cluster | None:
    """The workers that these arguments of a run ask for, not started yet; None for cells in this process.

    Parameters
    ----------
    jobs : int
        Processes.
    dask : str, optional
        Address of a Dask scheduler, or "local:N" for a cluster of N processes on this machine; in place of ``jobs``.
    isolated : bool
        Another process also where there is one job.
    cell_timeout : float, optional
        Seconds of wall time that a cell may take.
    max_memory : int or str, optional
        Bytes, or text such as "1G", that a cell may allocate at once.

    Raises
    ------
    ValueError
        For a value that cannot be meant.
    """
    check_dimension("jobs", jobs)
    if cell_timeout is not None:
        cell_timeout = check_real("cell_timeout", cell_timeout, above=0.0)
    most = None if max_memory is None else check_memory("max_memory", max_memory)
    if dask is not None:
        if jobs != 1:
            raise ValueError(f"jobs={jobs} and dask={dask!r} exclude each other: a cluster has its own processes")
        return Cluster(dask, cell_timeout, most)
    if jobs > 1 or isolated or cell_timeout is not None or most is not None:
        return Workers(jobs, cell_timeout, most)
    return None

"""Cells on a Dask cluster, with the interface of worker processes on this machine. Read it in this order:

- ``serving``: what runs on a worker of the cluster, which gives each call to a process of its own;
- ``local``: a cluster on this machine, for trying;
- ``client``: hands out calls, takes answers as they come, and survives workers that die;
- ``choice``: this process, processes of this machine, or a cluster, by the arguments of a run.
"""

from zoba_bench.cluster.choice import workers
from zoba_bench.cluster.client import Cluster

__all__ = ["Cluster", "workers"]

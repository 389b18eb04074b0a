"""Worker processes that may fail without taking anything along. Read it in this order:

- ``failure``: how a call can fail, and what is kept of it;
- ``worker``: what runs in a worker process;
- ``guardian``: ends the workers when this process is gone;
- ``workers``: starts workers, hands out calls, and notices what became of each;
- ``runner``: what is asked of these, and of others that run calls elsewhere.
"""

from zoba_bench.processes.failure import Failure, caught
from zoba_bench.processes.runner import Runner
from zoba_bench.processes.workers import WorkerError, Workers, same_places

__all__ = ["Failure", "Runner", "WorkerError", "Workers", "caught", "same_places"]

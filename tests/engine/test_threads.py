"""A run has the same bits whatever number of threads the libraries below numpy would use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import threadpoolctl

import zoba_bench as zb
from zoba_bench.threads import one_thread

#: Digests of a run, of its problem's matrix, and of a product with as many threads as the process likes.
SCRIPT = """
import hashlib
import numpy as np
import zoba_bench as zb

def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

problem = zb.load_problem("quad_general", 120, 90)
x = np.linspace(-1, 1, 90)
found = zb.solve(problem, "hf-zoba", max_iterations=3, l1=300, replicates=2, seed=1)
by_name = zb.solve("quad_tracking", "zoba", max_iterations=2, l1=300, seed=1)
free = np.random.default_rng(0).standard_normal((1200, 1200))
print(digest(problem.hypergradient(x)), digest(found.x, found.z, found.v), digest(by_name.x), digest(free @ free[0]))
"""


def digests(threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_run_has_the_same_bits_whatever_the_number_of_threads():
    one, two = digests(1), digests(2)
    assert one[1:3] == two[1:3]


def test_the_context_limits_what_it_says_and_ends():
    def threads(kind):
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == kind}

    before = threads("blas")
    if not before:
        pytest.skip("numpy's BLAS is not known to threadpoolctl")
    with one_thread("blas"):
        assert threads("blas") == {1}
    assert threads("blas") == before


def test_functions_see_one_thread_and_the_caller_keeps_his(monkeypatch):
    seen = []

    def outer(z, x):
        seen.append({p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"})
        return (z**2).sum(-1) + (x**2).sum(-1)

    problem = zb.Problem.from_functions(outer, lambda z, x: ((z - x) ** 2).sum(-1), 2, 2)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        zb.solve(problem, "hf-zoba", max_iterations=1, l1=2)
        after = {p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"}
    assert seen
    assert all(found <= {1} for found in seen)
    assert after <= {2}

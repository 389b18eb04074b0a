"""Cells on a Dask cluster of real processes: same bits, workers that die, other code, and what is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import zoba_bench
from zoba_bench.cluster import Cluster, client, workers
from zoba_bench.execution import run_cells
from zoba_bench.ledger import Ledger
from zoba_bench.processes import WorkerError
from zoba_bench.sweep import Cell, fingerprint
from zoba_bench.verification.run.verify import verify

from .test_failing_cells import marked, wait_until

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")

HERE = str(Path(__file__).parent)
# Where the cluster is busy and the machine as well, a comm may be closed late.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes that import the planted tasks; a call may kill one worker, not two."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "1")
        with Cluster("local:2", timeout=120.0) as made:
            yield made


def planted(task, n=7):
    return Cell(f"planted_tasks:{task}", {"n": n})


def pids(cluster):
    """Of the worker processes of Dask."""
    return cluster._client.run(os.getpid)


TASK = "zoba_bench.verification.tasks:trajectory"
PARAMETERS = {
    "problem": {"name": "reference", "p": 2, "d": 2}, "solver": "zoba", "start": "solution", "iterations": 20,
    "replicates": 3, "options": {"l1": 4, "l2": 4, "schedule": "constant", "rho": 0.04, "gamma": 0.01},
}  # fmt: skip


def test_a_cluster_gives_the_bits_of_this_process(cluster, tmp_path):
    cells = [Cell(TASK, {**PARAMETERS, "block": i}, 5) for i in range(12)]
    seen = []
    with Ledger(tmp_path / "one.sqlite") as one, Ledger(tmp_path / "two.sqlite") as two:
        here = run_cells(cells, one)
        there = run_cells(cells, two, workers=cluster, progress=lambda done, total, task: seen.append((done, total)))
        assert here == there
        assert seen == [(n, 12) for n in range(1, 13)]
        for cell in cells:
            assert two.origin_of(cell.key, fingerprint(TASK)) == one.origin_of(cell.key, fingerprint(TASK))


def test_results_stream_in_and_the_scheduler_knows_few_calls_at_a_time(cluster):
    """The driver takes calls as answers come, so that a sweep of any length fits."""
    taken = []

    def calls():
        for n in range(200):
            taken.append(n)
            yield (planted("well", n),)

    answers = cluster.run("zoba_bench.execution:work", calls())
    first = next(answers)
    assert len(taken) <= 8 * 2
    rest = list(answers)
    assert sorted(index for index, _ in [first, *rest]) == list(range(200))


def test_a_worker_that_is_killed_in_the_middle_of_its_cells_costs_nothing(cluster, tmp_path):
    """SIGKILL of a worker process of Dask while it runs a cell: the cell runs again elsewhere."""
    cells = [planted("takes_a_while", n) for n in range(12)]
    before = pids(cluster)
    victim = next(iter(before.values()))
    finished = []

    def kill_after_two(done, total, task):
        finished.append(done)
        if done == 2:
            os.kill(victim, signal.SIGKILL)

    failed = {}
    with Ledger(tmp_path / "ledger.sqlite") as ledger, Ledger(tmp_path / "here.sqlite") as here:
        found = run_cells(cells, ledger, workers=cluster, progress=kill_after_two, failed=failed)
        assert not failed
        assert finished[-1] == 12
        assert {key: value["drawn"] for key, value in found.items()} == {
            cell.key: cell.rng().standard_normal(2).tolist() for cell in cells
        }
        assert ledger.failures() == []
        assert here.count() == 0
    end = time.monotonic() + 60
    while len(pids(cluster)) < 2 and time.monotonic() < end:  # Dask starts another one
        time.sleep(0.2)
    assert victim not in pids(cluster).values()


@pytest.mark.slow
def test_each_kind_of_failure_is_a_row_as_on_this_machine(cluster, tmp_path):
    bad = {kind: planted(kind) for kind in ("raises", "exits", "faults", "is_killed", "unstorable", "kills_its_worker")}
    good = [planted("well", n) for n in range(3)]
    failed = {}
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = run_cells([*bad.values(), *good], ledger, workers=cluster, failed=failed)
        assert found.keys() == {cell.key for cell in good}
        rows = {row["task"].partition(":")[2]: (row["status"], row["exception"]) for row in ledger.failures()}
    assert rows == {
        "raises": ("raised", "ZeroDivisionError"), "exits": ("raised", "SystemExit"), "faults": ("killed", "SIGSEGV"),
        "is_killed": ("killed", "SIGKILL"), "unstorable": ("raised", "TypeError"),
        "kills_its_worker": ("killed", "KilledWorker"),
    }  # fmt: skip
    assert "2 workers died while they ran it" in str(failed[bad["kills_its_worker"].key])


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_call_is_run_again_once(cluster, monkeypatch, times):
    answers, lost = Cluster._answers, []

    def losing(self, finished):
        for future, answer in answers(self, finished):
            lose = len(lost) < times
            lost.extend([future] * lose)
            yield future, client._LOST if lose else answer

    monkeypatch.setattr(Cluster, "_answers", losing)
    done = cluster.run("zoba_bench.execution:work", [(planted("well"),)])
    if times == 1:
        assert [i for i, _ in done] == [0]
    else:
        with pytest.raises(WorkerError, match="lost a call twice; finished cells are kept"):
            list(done)


def test_a_cell_that_takes_too_long_is_stopped(cluster, tmp_path):
    with Cluster(cluster._processes.address, timeout=1.0) as impatient, Ledger(tmp_path / "ledger.sqlite") as ledger:
        failed = {}
        run_cells([planted("sleeps")], ledger, workers=impatient, failed=failed)
    (one,) = failed.values()
    assert "stopped after 1 seconds" in one.failure.message


@pytest.mark.slow
def test_a_suite_has_the_same_verdicts_and_cells(cluster, tmp_path):
    chosen = ["P8/hf-zoba/bits"]
    here = verify("smoke", claims=chosen, out=tmp_path / "here")
    there = verify("smoke", claims=chosen, out=tmp_path / "there", dask=cluster._processes.address)
    assert [v.row() for v in here] == [v.row() for v in there]


def test_a_worker_with_other_code_is_refused_and_what_differs_is_said(cluster, tmp_path):
    """A copy of the package with one character changed, on a worker that joins the cluster."""
    copy = tmp_path / "zoba_bench"
    shutil.copytree(Path(zoba_bench.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("problems", "theory"):
        folder = Path(__import__(f"zoba_bench.{name}", fromlist=["x"]).__file__).parent
        shutil.copytree(folder, copy / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    text = (copy / "estimators.py").read_text()
    (copy / "estimators.py").write_text(text.replace("(2 * first_radius", "(3 * first_radius"))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from distributed.cli.dask_worker import main; "
        f"main([{cluster._processes.address!r}, '--nthreads', '1', '--no-dashboard', '--no-nanny', '--name', 'other'])"
    )
    stranger = subprocess.Popen([sys.executable, "-P", "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        cluster._client.wait_for_workers(3, timeout=60)
        message = r"(?s)worker tcp://.* runs other code than this process.*its sources"
        with pytest.raises(WorkerError, match=message), Cluster(cluster._processes.address):
            pass
        # One that joins in mid-run is noticed at its first call.
        with pytest.raises(WorkerError, match="a process of a worker runs other code"):
            list(cluster.run("zoba_bench.execution:work", ((planted("takes_a_while", n),) for n in range(40))))
    finally:
        stranger.kill()
        stranger.wait()
    end = time.monotonic() + 60
    while len(pids(cluster)) > 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert sorted(i for i, _ in cluster.run("zoba_bench.execution:work", [(planted("well"),)])) == [0]


@pytest.mark.slow
def test_a_scheduler_that_is_gone_ends_the_run_with_a_message(monkeypatch):
    monkeypatch.setattr("zoba_bench.cluster.client._PATIENCE", 3.0)
    with Cluster("local:1") as made:
        answers = made.run("zoba_bench.execution:work", ((planted("takes_a_while", n),) for n in range(40)))
        threading.Timer(1.0, made._processes.close).start()
        with pytest.raises(WorkerError, match=r"the Dask cluster at local:1 .*finished cells are kept"):
            list(answers)


DRIVER = """
import sys
sys.path.insert(0, {here!r})
from zoba_bench.cluster import Cluster
from zoba_bench.sweep import Cell

with Cluster("local:1") as made:
    cells = (Cell("planted_tasks:takes_a_while", {{"n": n}}) for n in range(999))
    for _ in made.run("zoba_bench.execution:work", ((cell,) for cell in cells)):
        print("done", flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_a_local_cluster_ends_with_its_driver_also_by_sigkill(tmp_path):
    environment = {**os.environ, "MARK_OF_TEST": str(tmp_path)}
    driver = subprocess.Popen(
        [sys.executable, "-P", "-c", DRIVER.format(here=HERE)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert driver.stdout.readline() == "done\n"
        assert len(marked(tmp_path)) >= 6  # driver, guardian, scheduler, nanny, worker, its process
    finally:
        driver.kill()
        driver.communicate()
    wait_until(lambda: not marked(tmp_path), 5.0)


@pytest.mark.parametrize("address", ["local", "local:0", "local:-1", "local:two", "", "nowhere", "10.0.0.1"])
def test_an_address_that_cannot_be_meant_is_refused(address):
    with pytest.raises(ValueError, match=r"dask must be the address of a scheduler.*or 'local:N'"):
        workers(dask=address)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("zoba_bench.cluster.client._PATIENCE", 1.0)
    message = r"no answer from the Dask cluster at tcp://127\.0\.0\.1:9"
    with pytest.raises(WorkerError, match=message), Cluster("tcp://127.0.0.1:9"):
        pass


def test_processes_and_a_cluster_exclude_each_other():
    with pytest.raises(ValueError, match="jobs=2 and dask='local:2' exclude each other"):
        workers(2, dask="local:2")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(WorkerError, match=r"--dask needs the extra dask: pip install 'zoba-bench\[dask\]'"):
        Cluster("local:1").__enter__()

"""Names of tasks: they enter keys and seeds, so they stay as they are wherever their functions move."""

from __future__ import annotations

import pytest

from zoba_bench.sweep import Cell, run_cell
from zoba_bench.tasks import TASKS, resolve, target

PARAMETERS = {"problem": {"name": "reference", "p": 2, "d": 2}, "solver": "zoba", "options": {"l1": 2, "l2": 2}}
# Recorded before the first of these functions moved.
KEYS = {
    "zoba_bench.verification.tasks:count": "54900e7b7abfc18b3fe334c23be6f8a3",
    "zoba_bench.verification.tasks:trajectory": "5ca3e88b4977d669248561e801c369a8",
    "zoba_bench.verification.tasks:crossing": "224c01a66424c107c33453f5ead77f6c",
    "zoba_bench.verification.tasks:one_step": "ec0747d43597f8269dd4b6533a600a86",
    "zoba_bench.verification.protocols.calibration:simulate": "e8210932bbf587e890a21e7ebdbc6842",
    "zoba_bench.verification.protocols.moments:measure": "8802e3298d74ed861f9b7e3dd5ee2385",
    "zoba_bench.verification.protocols.update:mean_move": "2583ddfd772c4bed1fa7402d74a419f4",
    "zoba_bench.verification.protocols.inequalities:one_steps": "37260abbb3a706a343948639f11ecc0f",
    "zoba_bench.verification.protocols.bounds:trajectory": "d2c45495b88a3c7762c5fd64e1b17e78",
    "zoba_bench.verification.protocols.accuracy:final": "0c8d3caa1409508f9f3096d55d2ada1f",
    "zoba_bench.verification.protocols.determinism:orders": "9528bfd8c202635f2d8f911c85a1679c",
    "zoba_bench.verification.protocols.determinism:digests": "7c41abb7c4cd6f475974acac8e5275fe",
}


@pytest.mark.parametrize("name", KEYS)
def test_the_key_of_a_cell_is_the_recorded_one(name):
    assert Cell(name, PARAMETERS, 5).key == KEYS[name]


@pytest.mark.parametrize("name", TASKS)
def test_every_name_stands_for_a_function(name):
    assert callable(resolve(name))


def test_another_packages_task_is_found_by_its_place():
    assert target("some_package.module:function") == "some_package.module:function"


def test_a_cell_draws_the_numbers_that_its_name_gives():
    cell = Cell("zoba_bench.verification.tasks:one_step", {**PARAMETERS, "replicates": 4, "blocks": 1}, 5)
    assert run_cell(cell) == run_cell(cell)
    assert float(cell.rng().standard_normal()) == -0.7569579581783279

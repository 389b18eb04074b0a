"""The wheel holds what the repository holds: every module and every data file."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = {
    "zoba_bench": "zoba_bench", "problems": "zoba_bench/problems", "theory": "zoba_bench/theory",
    "integrations": "zoba_bench/integrations",
}  # fmt: skip


def listed() -> list[str]:
    """Files git knows or would add; those that were deleted but not yet committed are left out."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> tuple[set[str], set[str]]:
    """Files expected in the wheel and files in it; built from a copy, free of stale build directories."""
    files = listed()
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in files:
        if name.startswith(
            (*(f"{root}/" for root in ROOTS), "setup.py", "pyproject.toml", "README", "LICENSE", "MANIFEST")
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", "--wheel-dir", str(target), str(source)],
        cwd=target, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = set()
    for name in files:
        root, _, rest = name.partition("/")
        if rest and root in ROOTS:
            expected.add(f"{ROOTS[root]}/{rest}")
    return expected, inside


def test_wheel_holds_every_file_of_the_packages(wheel):
    expected, inside = wheel
    assert expected - inside == set(), "in the repository, not in the wheel"


def test_wheel_holds_nothing_else(wheel):
    expected, inside = wheel
    assert inside - expected == set(), "in the wheel, not in the repository"


@pytest.mark.parametrize("package", ROOTS.values())
def test_wheel_marks_each_package_as_typed(wheel, package):
    assert f"{package}/py.typed" in wheel[1]

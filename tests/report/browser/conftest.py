"""Debian's chromium, driven by playwright (extra ``browser``), and the reports that it is shown."""

from __future__ import annotations

import shutil

import pytest

from zoba_bench.ledger import Ledger
from zoba_bench.report.html import write_report

from .. import comparing, large
from ..conftest import CONTENT

#: What each folder reports.
CONTENTS = {
    "tiny": lambda: CONTENT, "whole": large.suite, "failing": large.with_failures,
    "one problem": comparing.two_solvers, "comparison": comparing.several,
}  # fmt: skip


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Folders of reports by name; each is written when it is first asked for."""
    written = {}

    def folder(name):
        if name not in written:
            where = tmp_path_factory.mktemp(name.replace(" ", "-"))
            with Ledger(where / "ledger.sqlite") as opened:
                opened.add_run(name, 7, CONTENTS[name]())
                written[name] = write_report(opened, where).parent
        return written[name]

    return folder


@pytest.fixture(scope="session")
def browser():
    """The browser; without playwright or chromium the test is skipped for that reason."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra 'browser')")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium is installed (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


def watch(page, root, trouble):
    """Note errors and warnings of a page, requests that fail, and those that leave the folder."""
    page.on("console", lambda said: trouble.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    # A picture that is still loading when the next page is asked for is given up, and does not fail.
    page.on("requestfailed", lambda asked: trouble.append(f"failed: {asked.url} {asked.failure}")
            if asked.failure != "net::ERR_ABORTED" else None)  # fmt: skip
    page.on("request", lambda asked: None if asked.url.startswith(root) else trouble.append(f"outside: {asked.url}"))


@pytest.fixture
def visit(browser, folders):
    """Opens a page of a report; whatever fails or leaves the folder fails the test."""
    trouble, opened = [], []

    def go(name, width=1280, scheme="light", of="tiny", **settings):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **settings)
        opened.append(context)
        page = context.new_page()
        root = folders(of).as_uri()
        watch(page, root, trouble)
        page.goto(f"{root}/{name}")
        return page

    yield go
    for context in opened:
        context.close()
    assert trouble == []

"""Every Python and shell block of every page runs, or says on the page that it does not, and is read all the same."""

from __future__ import annotations

import ast
import tomllib

import click
import pytest

from zoba_bench.cli import cli

from .blocks import NOT_RUN, PAGES, ROOT, Block, blocks, exit_code, run, words

#: Pages whose commands measure claims, which takes longer than a few seconds.
SLOW = {
    "README.md",
    "docs/explanation/verification.md",
    "docs/how_to/compare_solvers.md",
    "docs/how_to/own_claim.md",
    "docs/how_to/own_problem.md",
    "docs/how_to/own_solver.md",
    "docs/how_to/reading_a_verdict.md",
    "docs/reference/problems.md",
    "docs/reference/solvers.md",
    "docs/tutorial/first_report.md",
}
#: Pages whose blocks are run by tests that also look at what they print and draw.
ELSEWHERE = {
    "docs/how_to/black_box.md",
    "docs/how_to/ecosystem.md",
    "docs/how_to/ledger.md",
    *(f"docs/gallery/{path.name}" for path in (ROOT / "docs/gallery").iterdir()),
}


def name(page):
    return page.relative_to(ROOT).as_posix()


def to_run(page):
    return [b for b in blocks(page.read_text(encoding="utf-8")) if b.language in ("python", "sh") and not b.skipped]


RUN = [
    pytest.param(page, id=name(page), marks=[pytest.mark.slow] if name(page) in SLOW else [])
    for page in PAGES
    if to_run(page) and name(page) not in ELSEWHERE
]


@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run(page, tmp_path):
    run(page.read_text(encoding="utf-8"), tmp_path)


def problems(block: Block) -> list[str]:
    """What is wrong with a block that can be seen without running it."""
    if block.language == "python":
        try:
            ast.parse(block.text)
        except SyntaxError as error:
            return [f"line {block.line + (error.lineno or 0)}: {error.msg}"]
    if block.language == "toml":
        try:
            tomllib.loads(block.text)
        except tomllib.TOMLDecodeError as error:
            return [f"line {block.line}: {error}"]
    return [found for command in block.commands if block.language == "sh" and (found := refused(command))]


def refused(command: str) -> str:
    """What the command line says of a command with a wrong verb or option; empty where it is understood."""
    found = words(command)
    if not found or found[0].rpartition("/")[2] != "zoba-bench":
        return ""
    context = click.Context(cli, info_name="zoba-bench")
    verb = cli.get_command(context, found[1])
    if verb is None:
        return "" if found[1] in ("--version", "--help") else f"there is no verb {found[1]}"
    try:
        verb.make_context(found[1], found[2:], parent=context)
    except click.exceptions.Exit:  # --help
        return ""
    except click.ClickException as error:
        return f"{command}: {error.format_message()}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_can_be_read_as_what_it_says_it_is(page):
    found = [problem for block in blocks(page.read_text(encoding="utf-8")) for problem in problems(block)]
    assert not found, "\n".join(found)


def test_languages_are_those_that_are_run_or_cannot_be():
    """A block of code under another name, as "bash" or "console", would never run."""
    known = {"python", "sh", "toml", "text", "eval-rst"}
    assert {b.language for page in PAGES for b in blocks(page.read_text(encoding="utf-8"))} <= known


def test_no_block_lacks_a_language():
    for page in PAGES:
        fences = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")]
        assert all(fence == "```" for fence in fences[1::2]), page
        assert all(fence != "```" for fence in fences[::2]), page


# The tools themselves.

PAGE = f"""Words.

```python
# mine.py
A = 1
```

```python
from mine import A
B = A + 1
```

These are {NOT_RUN}, they take an hour:

```sh
zoba-bench verify --suite full
```

```python
print(B)
```

```sh
echo one \\
  two    # 0: said
false    # 1: so
```
"""


def test_blocks_share_names_and_files_and_exit_with_their_codes(tmp_path):
    assert run(PAGE, tmp_path) == ["", "", "2\n", "one two\n"]
    assert [b.line for b in blocks(PAGE)][:2] == [3, 8]


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("print(B)", "print(C)", "'C' is not defined"),
        ("print(B)", "import warnings; warnings.warn('old')", "UserWarning: old"),
        ("false    # 1: so", "false", "exit code 1, not 0"),
        ("false    # 1: so", "true     # 1: so", "exit code 0, not 1"),
    ],
)
def test_a_block_that_fails_is_seen(old, new, seen, tmp_path):
    with pytest.raises(AssertionError, match=seen):
        run(PAGE.replace(old, new), tmp_path)


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("zoba-bench verify --suite smoke --jobs 2 --json | python x.py", ""),
        ("zoba-bench verify --sweet smoke", "--sweet"),
        ("zoba-bench verifi", "no verb"),
        (".venv/bin/zoba-bench info", "NAME"),
        ("pip install x", ""),
    ],
)
def test_a_wrong_option_is_seen_without_running(command, seen):
    assert seen in refused(command)
    assert bool(seen) == bool(refused(command))


def test_a_comment_may_name_an_exit_code():
    assert [exit_code(c) for c in ("a", "a  # 0: fine", "a # 3: open", "a # takes 2: minutes")] == [0, 0, 3, 0]

"""Sphinx configuration: ``sphinx-build -W --keep-going -n docs docs/_build`` after ``pip install ".[docs]"``."""

import re
from pathlib import Path

import click

import zoba_bench
from zoba_bench.cli import cli

project = "zoba-bench"
author = "the zoba-bench developers"
release = zoba_bench.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "zoba-bench"
html_static_path = ["_static"]
html_css_files = ["tables.css"]

myst_heading_anchors = 4
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the Parameters say what is meant, in words

# Types of arguments are those of other projects, or plain words. What docstrings mention of this project without an
# entry in the reference is no link; links between pages and to anchors are all checked.
nitpick_ignore_regex = [("py:.*", r".*")]


def _escape_signs(app, what, name, obj, options, lines):
    """Docstrings write |x|, z*(x) and f(*args), which reStructuredText would take for markup."""
    lines[:] = [
        re.sub(r"\||(?<=\b[zvx])\*(?=\()|(?<=[( ])\*(?=(?:args|vectors)\b)", r"\\\g<0>", line) for line in lines
    ]


def _help_texts():
    """Every verb with what its ``--help`` prints."""
    context = click.Context(cli, info_name="zoba-bench", terminal_width=96, max_content_width=96)
    parts = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        text = command.get_help(click.Context(command, info_name=name, parent=context, terminal_width=96))
        parts.append(f"## {name}\n\n```text\n{text}\n```")
    return "\n\n".join(parts)


def _read(app, docname, source):
    """What GitHub shows and a site cannot: files outside of docs become their names; help texts are put in."""
    text = source[0]
    if docname == "reference/command_line":
        text = text.replace("<!-- help texts -->", _help_texts())
    folder = Path(app.srcdir, docname).parent

    def named(found):
        path = (folder / found[2]).resolve()
        outside = not path.is_relative_to(Path(app.srcdir).resolve())
        return f"{found[1]} (`{path.relative_to(Path(app.srcdir).resolve().parent)}`)" if outside else found[0]

    source[0] = re.sub(r"\[([^\]]+)\]\((\.\./[^)#\s]+)(?:#[^)]*)?\)", named, text)


def setup(app):
    """Register the hooks."""
    app.connect("autodoc-process-docstring", _escape_signs, priority=900)
    app.connect("source-read", _read)

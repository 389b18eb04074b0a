"""Sphinx configuration: ``sphinx-build docs docs/_build`` after ``pip install ".[docs]"``."""

import zoba_bench

project = "zoba-bench"
author = "the zoba-bench developers"
release = zoba_bench.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax", "numpydoc", "myst_parser"]
numpydoc_show_class_members = False
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": zoba_bench.__doc__.splitlines()[0]}


def _escape_bars(app, what, name, obj, options, lines):
    """Norms are written |x| in docstrings, which reStructuredText would take for substitutions."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    """Register the hook."""
    app.connect("autodoc-process-docstring", _escape_bars, priority=900)

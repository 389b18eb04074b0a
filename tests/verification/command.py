"""The console script, in this process."""

import sys
from unittest import mock

import pytest
from click.testing import CliRunner

from zoba_bench import cli


def call(*arguments):
    """Exit code, standard output and standard error."""
    runner = CliRunner()
    with mock.patch.object(sys, "argv", ["zoba-bench", *map(str, arguments)]), runner.isolation() as streams:
        with pytest.raises(SystemExit) as stop:
            cli.main()
        sys.stdout.flush()
        output, errors = streams[0].getvalue().decode(), streams[1].getvalue().decode()
    return stop.value.code, output, errors

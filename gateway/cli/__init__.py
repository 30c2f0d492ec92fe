"""The command `baton`. A command's module is imported when it is called: `baton --help` needs none of them."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong input or configuration."""
    from gateway.cli.commands import baton

    sys.exit(baton.main(prog_name="baton", standalone_mode=True))

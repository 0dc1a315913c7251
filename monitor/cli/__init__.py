"""The command `driftwarden`: parsing and printing, nothing else."""

from monitor.cli.app import main

__all__ = ["main"]

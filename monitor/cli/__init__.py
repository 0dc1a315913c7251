"""The `driftwarden` command: argument parsing and printing."""

from monitor.cli.app import main

__all__ = ["main"]

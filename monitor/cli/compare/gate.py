"""Exit status of `driftwarden compare` by its checks, and what decided it."""

from typing import TYPE_CHECKING

import typer

from monitor.cli.shared.output import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.windows.gate.checks import Check

#: Checks that standard error names.
SHOWN = 10


def exit_status_of(checks: "Sequence[Check]") -> ExitStatus:
    """Return the exit status of the checks that the pipeline fails on."""
    from monitor.windows.gate.checks import outcome_of

    return {
        "passed": ExitStatus.NO_DRIFT,
        "failed": ExitStatus.DRIFT,
        "undecided": ExitStatus.NOT_ENOUGH_DATA,
    }[outcome_of(checks)]


def print_deciding(checks: "Sequence[Check]") -> None:
    """Print on standard error which checks failed or are undecided."""
    deciding = [check for check in checks if check.is_gated and check.outcome != "passed"]
    deciding.sort(key=lambda check: check.outcome != "failed")
    for check in deciding[:SHOWN]:
        typer.echo(f"{check.outcome}: {check.kind} {check.name}: {check.sentence}", err=True)
    if len(deciding) > SHOWN:
        typer.echo(f"and {len(deciding) - SHOWN:,} more", err=True)

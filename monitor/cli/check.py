"""`driftwarden check`: readiness of everything that the daemon needs."""

import typer

from monitor.cli.shared.context import ConfigOption, read_settings

MARKS = {"ok": ("ok  ", typer.colors.GREEN), "note": ("note", typer.colors.YELLOW)}
FAILED = ("FAIL", typer.colors.RED)


def check(config: ConfigOption = None) -> None:
    """Check what the daemon needs.

    Checks the configuration, the database, the baseline, the Kafka topic, the encoder, Slack, the
    reviewers, sign-in and what retraining needs. Each line is ok, note or FAIL; the last two say
    what to do. Changes nothing.

    Exit status 0: ready; 1: something failed.
    """
    import logging

    from monitor.daemon.readiness.checks import check_everything
    from monitor.settings import load_secrets
    from monitor.telemetry import configure_logging

    settings = read_settings(config)
    configure_logging(level=logging.ERROR)  # findings are printed, not logged
    typer.secho("ok  ", fg=typer.colors.GREEN, nl=False)
    typer.echo(f" {'configuration':<14} model {settings.model.name!r}")
    failed = False
    for finding in check_everything(settings, load_secrets()):
        mark, colour = MARKS.get(finding.status, FAILED)
        failed |= finding.status not in MARKS
        typer.secho(mark, fg=colour, nl=False)
        typer.echo(f" {finding.name:<14} {finding.message}")
    if failed:
        raise typer.Exit(1)

"""`driftwarden check`: readiness of everything that the daemon needs."""

from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.context import ConfigOption, ModelOption, read_configuration

if TYPE_CHECKING:
    from monitor.settings import Configuration

MARKS = {"ok": ("ok  ", typer.colors.GREEN), "note": ("note", typer.colors.YELLOW)}
FAILED = ("FAIL", typer.colors.RED)


def check(
    *,
    model: ModelOption = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send a test message to each channel of alerts.")
    ] = False,
    load_encoder: Annotated[
        bool,
        typer.Option("--load-encoder", help="Load the encoder, although the traffic shows it."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Check what the daemon needs.

    Checks the configuration, the database, the baseline, the Kafka topic, the channels of alerts,
    the reviewers, sign-in, the gateway, what retraining needs, and the encoder. Each line is ok,
    note or FAIL; the last two say what to do. Changes nothing.

    The encoder is loaded, unless it embedded traffic in the last 24 hours.

    With --send, each channel of alerts also gets a test message, which is taken back: deleted in
    Slack, resolved in PagerDuty and Alertmanager. One by Apprise can't be taken back.

    With --model, prints the settings of a model instead, and where each comes from: its own table,
    the file, the environment, an evaluation file, or the defaults.

    Exit status 0: ready; 1: something failed.
    """
    import logging

    from monitor.daemon.readiness.checks import check_everything
    from monitor.settings import load_secrets
    from monitor.telemetry import configure_logging

    settings = read_configuration(config)
    if model is not None:
        _print_settings(settings, settings.only(model).model.name)
        return
    configure_logging(level=logging.ERROR)  # findings are printed, not logged
    typer.secho("ok  ", fg=typer.colors.GREEN, nl=False)
    names = ", ".join(map(repr, settings.models))
    typer.echo(f" {'configuration':<14} model{'s' if len(settings.models) > 1 else ''} {names}")
    failed = False
    for finding in check_everything(
        settings,
        load_secrets(),
        send=send,
        load=load_encoder,
        announce=lambda text: typer.echo(text, err=True),
    ):
        mark, colour = MARKS.get(finding.status, FAILED)
        failed |= finding.status not in MARKS
        typer.secho(mark, fg=colour, nl=False)
        typer.echo(f" {finding.name:<14} {finding.message}")
    if failed:
        raise typer.Exit(1)


def _print_settings(configuration: "Configuration", model: str) -> None:
    import json

    from monitor.settings.models.origins import origins_of

    for origin in origins_of(configuration, model):
        line = f"{origin.key} = {json.dumps(origin.value, ensure_ascii=False)}"
        typer.echo(f"{line:<60} # {origin.source}")

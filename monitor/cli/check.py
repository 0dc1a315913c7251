"""`driftwarden check`: readiness of everything that the daemon needs, and what is broken now."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.shared.context import ConfigOption, ModelOption, read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.daemon.readiness.finding import Finding
    from monitor.settings import Configuration

MARKS = {"ok": ("ok  ", typer.colors.GREEN), "note": ("note", typer.colors.YELLOW)}
FAILED = ("FAIL", typer.colors.RED)
#: Of a message, which may quote a service.
MAX_CHARACTERS = 4_000


def check(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Only what is broken now, the worst first.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
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
    """Check what the daemon needs, or what is broken now.

    Woken at night, use --now: it prints only what is broken, the worst first, each with the command
    to type next, or one line where nothing is. The checks run at once; none takes longer than 5
    seconds.

    Without --now, checks for the set-up the configuration, the database, the baseline, the Kafka
    topic, the channels of alerts, the reviewers, sign-in, the gateway, what retraining needs, files
    of weights, and the encoder. Each line is ok, note or FAIL; the last two say what to do. Changes
    nothing.

    The encoder is loaded, unless it embedded traffic in the last 24 hours.

    With --send, each channel of alerts also gets a test message, which is taken back: deleted in
    Slack, resolved in PagerDuty and Alertmanager. One by Apprise can't be taken back. The heartbeat
    is sent, too.

    With --json, prints a list of findings, the worst first.

    With --model, prints the settings of a model instead, and where each comes from: its own table,
    the file, the environment, an evaluation file, or the defaults.

    Exit status 0: ready, or nothing is broken; 1: something failed; 78: the configuration is wrong.
    """
    import logging
    import time

    from sqlalchemy import make_url

    from monitor.daemon.readiness.checks import check_everything
    from monitor.daemon.readiness.now import check_now
    from monitor.plurals import pluralize
    from monitor.settings import load_secrets
    from monitor.telemetry import configure_logging

    settings = read_configuration(config)
    if now and (model is not None or send or load_encoder):
        raise typer.BadParameter("--now checks all models, and takes --json and --config only")
    if model is not None:
        _print_settings(settings, settings.only(model).model.name)
        return
    configure_logging(level=logging.ERROR)  # findings are printed, not logged
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    models = settings.names.listed
    began = time.monotonic()
    if now:
        results = check_now(settings, load_secrets())
        if as_json:
            _print_json(results)
        elif results:
            _print_with_command(models, results)
        else:
            _print_mark("ok")
            database = make_url(settings.database.url).render_as_string()
            where = f"{pluralize(len(models), 'model')}, {database}"
            typer.echo(f" nothing is broken: {where} ({time.monotonic() - began:.1f} s)")
    else:
        results = []
        if not as_json:
            _print_mark("ok")
            names = ", ".join(map(repr, models))
            typer.echo(f" {'configuration':<14} model{'s' if len(models) > 1 else ''} {names}")
        for findings in check_everything(
            settings,
            load_secrets(),
            send=send,
            load=load_encoder,
            announce=lambda text: typer.echo(text, err=True),
        ):
            results += findings
            if not as_json:
                _print(models, findings)
        if as_json:
            _print_json(results)
    if any(finding.status not in MARKS for finding in results):
        raise typer.Exit(1)


def _print(models: "Sequence[str]", findings: "Iterable[Finding]") -> None:
    from monitor.daemon.readiness.checks import merge_findings
    from monitor.rendering.excerpts import excerpt

    for finding in merge_findings(models, findings):
        _print_mark(finding.status)
        typer.echo(f" {finding.name:<14} {excerpt(finding.message, MAX_CHARACTERS)}")


def _print_with_command(models: "Sequence[str]", findings: "Iterable[Finding]") -> None:
    for finding in findings:
        _print(models, [finding])
        typer.echo(f"{'':<20}-> {finding.command}")


def _print_mark(status: str) -> None:
    mark, colour = MARKS.get(status, FAILED)
    typer.secho(mark, fg=colour, nl=False)


def _print_json(findings: "Iterable[Finding]") -> None:
    from monitor.cli.shared.output import print_json
    from monitor.daemon.readiness.finding import worst_first

    print_json([_as_dict(finding) for finding in sorted(findings, key=worst_first)])


def _as_dict(finding: "Finding") -> dict[str, Any]:
    facts = {
        "name": finding.name,
        "status": finding.status,
        "message": finding.message,
        "command": finding.command,
        "seconds": finding.seconds,
    }
    return facts | ({"model": finding.model} if finding.model else {})


def _print_settings(configuration: "Configuration", model: str) -> None:
    import json

    from monitor.settings.models.origins import origins_of

    for origin in origins_of(configuration, model):
        line = f"{origin.key} = {json.dumps(origin.value, ensure_ascii=False)}"
        typer.echo(f"{line:<60} # {origin.source}")

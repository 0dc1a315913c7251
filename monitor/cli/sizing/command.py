"""`driftwarden sizing`: the resources that a volume of traffic needs."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from monitor.cli.shared.context import ConfigOption, read_configuration
from monitor.cli.shared.output import print_json


class Window(StrEnum):
    """Lengths of windows."""

    WEEKLY = "weekly"
    DAILY = "daily"


class DatabaseOption(StrEnum):
    """Databases."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


def sizing(
    *,
    requests_per_day: Annotated[
        str, typer.Option(help="Requests of all models a day: 250000, 1e6, 100M or 10G.")
    ],
    prompt_tokens: Annotated[str, typer.Option(help="Tokens of a prompt, on average.")] = "400",
    response_tokens: Annotated[str, typer.Option(help="Tokens of a response, on average.")] = "300",
    record_bytes: Annotated[
        str | None,
        typer.Option(help="Bytes of a record. Default: by the tokens.", show_default=False),
    ] = None,
    sample_rate: Annotated[
        float | None,
        typer.Option(
            help="Share of the traffic that is sampled. Default: monitoring.sample_rate.",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Models, which share the traffic equally. Default: those of the configuration.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        Window | None,
        typer.Option(
            help="Length of windows. Default: monitoring.drift_detection.", show_default=False
        ),
    ] = None,
    retention: Annotated[
        str | None,
        typer.Option(
            help='How long exchanges are kept: "90d", or "forever". Default: retention.exchanges.',
            show_default=False,
        ),
    ] = None,
    peak: Annotated[
        float, typer.Option(min=1.0, help="Requests of the busiest hour over those of a mean hour.")
    ] = 2.0,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Exchanges of a model's baseline. Default: those of a window, 20,000 at most.",
            show_default=False,
        ),
    ] = None,
    dead_letter_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of sampled records that can't be read.")
    ] = 0.001,
    minutes_per_review: Annotated[
        float, typer.Option(min=0.0, help="Minutes of an expert for a label.")
    ] = 2.0,
    disagreement_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of items on which two experts disagree.")
    ] = 0.15,
    database: Annotated[
        DatabaseOption | None,
        typer.Option(help="Database. Default: that of database.url.", show_default=False),
    ] = None,
    database_cores: Annotated[
        float, typer.Option(min=0.1, help="Cores of the database's server.")
    ] = 16.0,
    database_disk: Annotated[str, typer.Option(help="Bytes of the database's disk.")] = "10T",
    ingest_cores: Annotated[
        float, typer.Option(min=0.1, help="Cores of all ingest processes together, at most.")
    ] = 64.0,
    cores_per_replica: Annotated[
        float, typer.Option(min=1.0, help="Cores of one ingest process.")
    ] = 2.0,
    partitions: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Partitions of the topic. Default: as many as are needed.",
            show_default=False,
        ),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            help="Embed on GPUs, of which each embeds so many tokens a second. Measure yours: no "
            "GPU was measured for this command.",
            show_default=False,
        ),
    ] = None,
    backups: Annotated[int, typer.Option(min=0, help="Complete dumps that are kept.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show the resources that a volume of traffic needs.

    Cores, memory, disk, network, partitions and replicas of ingest, the database, embedding, drift
    evaluations, labels, and the smallest drifted share that is found in 80% of windows. Sample
    rate, retention, windows and review budgets are those of the configuration; options win.

    Also says where the design ends: the part that saturates first, at how many requests a day, and
    what to do. No service is asked and nothing is changed.

    Exit status: 0, also where the traffic exceeds the design; 2 an option can't be used.
    """
    from monitor.sizing.constants import read_measurement
    from monitor.sizing.load import load_of, parse_number
    from monitor.sizing.plan import make_plan

    choices: dict[str, Any] = {
        "sample_rate": _checked_rate(sample_rate),
        "n_models": models,
        "window": None if window is None else window.value,
        "database": None if database is None else database.value,
        "partitions": partitions,
    }
    volumes = {
        "requests_per_day": ("--requests-per-day", requests_per_day),
        "prompt_tokens": ("--prompt-tokens", prompt_tokens),
        "response_tokens": ("--response-tokens", response_tokens),
        "record_bytes": ("--record-bytes", record_bytes),
        "baseline_exchanges": ("--baseline", baseline),
        "database_disk_bytes": ("--database-disk", database_disk),
        "gpu_tokens_per_second": ("--gpu", gpu),
    }
    choices |= {
        name: parse_number(text, option)
        for name, (option, text) in volumes.items()
        if text is not None
    }
    options = {name: value for name, value in choices.items() if value is not None}
    options |= _retention(retention)
    options |= {
        "peak": peak,
        "dead_letter_share": dead_letter_share,
        "minutes_per_review": minutes_per_review,
        "disagreement_share": disagreement_share,
        "database_cores": database_cores,
        "ingest_cores": ingest_cores,
        "cores_per_replica": cores_per_replica,
        "backups": backups,
    }
    load = load_of(read_configuration(config), options)
    measurement = read_measurement()
    plan = make_plan(load, measurement.constants)
    if as_json:
        print_json(plan.to_dict(measurement))
        return
    from monitor.cli.sizing.table import render_plan

    typer.echo(render_plan(plan, measurement))


def _checked_rate(rate: float | None) -> float | None:
    if rate is not None and not 0.0 < rate <= 1.0:
        raise typer.BadParameter(f"--sample-rate {rate}: not above 0 and up to 1; 0.05 is 5%")
    return rate


def _retention(text: str | None) -> dict[str, float | None]:
    """Parse ``--retention``: a duration, or for ever."""
    if text is None:
        return {}
    if text == "forever":
        return {"exchange_days": None}
    from monitor.setting_types.durations import parse_duration
    from monitor.settings.retention import MIN_RETENTION

    try:
        period = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f'--retention {text}: {error}; or write "forever"') from None
    if period < MIN_RETENTION:
        raise typer.BadParameter(
            f"--retention {text}: less than {MIN_RETENTION.days} days; a week of traffic is "
            "evaluated when it has ended"
        )
    return {"exchange_days": period.total_seconds() / 86_400}

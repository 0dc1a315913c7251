"""`driftwarden digest`: a year of drift evaluations in the terminal."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.shared.access import record_read
from monitor.cli.shared.context import ConfigOption, ModelOption, transaction_of_model
from monitor.cli.shared.output import print_json
from monitor.stored_words import Words

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.windows.history.digest import Digest, Series, SubthresholdFinding

#: Effect size of the full height, where all effects are smaller.
MIN_SCALE = 0.1
MAX_SERIES = 12
MAX_FINDINGS = 12
COLOURS = Words(
    {"drift": "red", "no_drift": "green", "not_enough_data": "yellow"},
    lambda _: "yellow",
)


def digest(
    *,
    model: ModelOption = None,
    windows: Annotated[
        int, typer.Option(min=1, max=1000, help="Number of windows, the newest first.")
    ] = 52,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show a year of drift evaluations.

    Lists the windows with their verdicts and drifted shares, the headlines of those that alarm, the
    effect sizes of descriptors and metrics, and the incidents. Findings that are statistically
    significant but below the alert threshold are listed too. The web page shows the same under
    Digest.
    """
    from monitor.store.training.model_age import production_age
    from monitor.store.windows.late_exchanges import late_windows
    from monitor.windows.history.digest import build_digest

    with transaction_of_model(config, model) as (connection, settings):
        name = settings.model.name
        record_read(connection, "digest", "drift_evaluation", model=name)
        year = build_digest(connection, name, n_windows=windows)
        evaluated = late_windows(connection, name, year.windows[0].start) if year.windows else []
        late = {window.evaluation_id: window.late.n for window in evaluated}
        live = production_age(connection, name, datetime.now(UTC))
    if as_json:
        document: dict[str, object] = {
            "model": year.model,
            "windows": year.windows,
            "incidents": year.incidents,
        }
        if live is not None:
            document["production"] = {"version": live.version.version, "age_days": live.age.days}
        print_json(document)
        return
    from rich.console import Console

    console = Console()
    _print(year, late, console)
    if live is not None:
        suggestion = live.suggestion(settings.retrain.max_age)
        console.print(
            f"[yellow]{suggestion}[/]" if suggestion else live.description, highlight=False
        )


def sparkline(series: "Series", scale: float) -> str:
    """Return the effect sizes as blocks, with the baseline at half height and gaps as dots."""
    from monitor.rendering.sparkline import draw_sparkline

    return draw_sparkline(
        None if point is None else (1 + point.effect_size / scale) / 2 for point in series.points
    )


def _effect(finding: "SubthresholdFinding") -> str:
    if finding.drifted_share is None:
        return f"effect {finding.effect_size:+.2f}"
    return f"about {finding.drifted_share:.1%}"


def _print(year: "Digest", late: Mapping[int, int], console: "Console") -> None:
    """Print a digest; `late` has the exchanges that arrived after each evaluation."""
    from rich.table import Table

    from monitor.rendering.wording import describe_incident_status, state_verdict
    from monitor.statistics.p_value_text import state_p_value

    console.print(f"[bold]{_escaped(year.model)}[/bold]: {_escaped(year.summary)}", highlight=False)
    if not year.windows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("window", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name in ("prompts ≥", "responses ≥", "exchanges"):
        table.add_column(name, justify="right", no_wrap=True)
    for window in year.windows:
        last_day = window.end - timedelta(microseconds=1)
        days = f"{window.start:%Y-%m-%d} to {last_day:%Y-%m-%d}"
        if window.figures is None:
            table.add_row(days, window.status, "", "", "")
            continue
        verdict = window.figures.verdict
        n_late = late.get(window.evaluation_id, 0)
        table.add_row(
            days,
            f"[{COLOURS[verdict]}]{state_verdict(window.figures).lower()}[/]",
            *(
                "-" if family.verdict == "not_enough_data" else f"{family.significant_share:.1%}"
                for family in (window.figures.input, window.figures.output)
            ),
            f"{window.figures.n_current:,}{f' (+{n_late:,} late)' if n_late else ''}",
        )
    console.print(table)
    alarms = [window for window in year.windows if window.figures and window.figures.alarm]
    for window in alarms[-MAX_FINDINGS:]:
        headline = "" if window.figures is None else window.figures.headline
        console.print(f"{window.start:%Y-%m-%d}: {_escaped(headline)}", highlight=False)
    _print_series(year, console)
    for finding in year.subthreshold_findings[:MAX_FINDINGS]:
        console.print(
            f"{finding.window.start:%Y-%m-%d}: {_escaped(finding.subject)} statistically "
            "significant, below the alert threshold "
            f"({state_p_value(finding.p_value, finding.level)}, {_effect(finding)})",
            highlight=False,
        )
    if len(year.subthreshold_findings) > MAX_FINDINGS:
        console.print(f"and {len(year.subthreshold_findings) - MAX_FINDINGS} more; see --json")
    for span in year.incidents:
        subject = _escaped(", ".join(span.fingerprint))
        ended = span.status in {"resolved", "closed"}
        over = f" until {span.until:%Y-%m-%d}" if ended else ""
        status = describe_incident_status(span.status).lower().replace(":", ",")
        console.print(
            f"incident {span.incident_id}, {status}: {subject}, "
            f"{'from' if over else 'since'} {span.first_start:%Y-%m-%d}{over}",
            highlight=False,
        )


def _print_series(year: "Digest", console: "Console") -> None:
    from rich.table import Table

    if not year.series:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("descriptor or metric")
    listed = year.series[:MAX_SERIES]
    scale = max([MIN_SCALE, *(abs(series.peak.effect_size) for series in listed)])
    table.add_column(f"effect by window, -{scale:.2f} to +{scale:.2f}", no_wrap=True)
    table.add_column("peak", justify="right")
    table.add_column("latest", justify="right")
    table.add_column("")
    for series in listed:
        table.add_row(
            _escaped(f"{series.side} {series.name}"),
            sparkline(series, scale),
            f"{series.peak.effect_size:+.2f}",
            f"{series.latest.effect_size:+.2f}" if series.latest else "-",
            f"[red]worse in {series.n_degraded}[/]" if series.n_degraded else "",
        )
    console.print()
    console.print(table)
    console.print()


def _escaped(text: str) -> str:
    """Return a text from traffic, shortened and escaped for the terminal."""
    from rich.markup import escape

    from monitor.rendering.excerpts import excerpt

    return escape(excerpt(text, 300))

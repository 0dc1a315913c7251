"""Tables of docs/explanation/capacity.md, from the model of `driftwarden sizing`.

`make docs` writes them; `tests/unit/sizing/test_documented_tables.py` compares.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monitor.cli.sizing.table import format_count, markdown_rows
from monitor.settings import Configuration
from monitor.sizing.constants import Measurement, read_measurement
from monitor.sizing.load import load_of
from monitor.sizing.plan import SizingPlan, make_plan

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanation" / "capacity.md"
#: Requests a day -> the options of a site of that size.
SITES: Mapping[str, tuple[float, Mapping[str, Any]]] = {
    "1M": (1e6, {"sample_rate": 0.05, "n_models": 1}),
    "100M": (1e8, {"sample_rate": 0.001, "n_models": 10}),
    "10G": (1e10, {"sample_rate": 0.00005, "n_models": 50}),
}
RETENTION_DAYS = 90.0
#: Beginnings of the rows that only the command shows.
LEFT_OUT = tuple(
    f"| {row}"
    for row in (
        *("traffic: size", "ingest: read", "ingest: decode", "ingest: texts", "ingest: tokens"),
        *("network", "database: cores for", "disk: rows", "disk: vectors", "disk: indexes"),
        *(
            "disk: full",
            "disk: dead",
            "leader: process",
            "leader: idle",
            "leader: temp",
            "leader: retention",
        ),
    )
)


def capacity_page(text: str) -> str:
    """Return the page with its tables as they are now."""
    measurement = read_measurement()
    tables = {
        "sites": _plans(_site_plans(measurement), [_options(*site) for site in SITES.values()]),
        "limits": _limits(_plan(1e6, {}, measurement)),
    }
    for name, table in tables.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, number = block.subn(lambda match, t=table: f"{match[1]}{t}\n{match[2]}", text)
        if number != 1:
            raise ValueError(f"{PAGE.name}: {number} blocks {name!r}; one is required")
    return text


def write_capacity_page() -> None:
    """Write the page."""
    PAGE.write_text(capacity_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def _site_plans(measurement: Measurement) -> list[SizingPlan]:
    return [_plan(requests, options, measurement) for requests, options in SITES.values()]


def _plan(requests: float, options: Mapping[str, Any], measurement: Measurement) -> SizingPlan:
    fixed = {"database": "postgresql", "exchange_days": RETENTION_DAYS}
    load = load_of(Configuration(), {"requests_per_day": requests, **fixed, **options})
    return make_plan(load, measurement.constants)


def _options(_requests: float, options: Mapping[str, Any]) -> str:
    n = options["n_models"]
    return f"sample rate {options['sample_rate']:g}, {n} {'model' if n == 1 else 'models'}"


def _plans(plans: list[SizingPlan], options: list[str]) -> str:
    heads = " | ".join(f"{format_count(plan.load.requests_per_day)} a day" for plan in plans)
    lines = [f"| | {heads} |", f"| --- |{' --- |' * len(plans)}"]
    lines.append(f"| options | {' | '.join(options)} |")
    lines += [row for row in markdown_rows(plans) if not row.startswith(LEFT_OUT)]
    ends = " | ".join(_first_limit(plan) for plan in plans)
    exceeded = " | ".join(
        ", ".join(limit.part for limit in plan.limits if limit.is_exceeded) or "none"
        for plan in plans
    )
    rates = " | ".join(_rate(plan) for plan in plans)
    lines += [
        f"| saturates first, at requests a day | {ends} |",
        f"| beyond the design | {exceeded} |",
        f"| largest sample rate that all parts of the sample carry | {rates} |",
    ]
    return "\n".join(lines)


def _first_limit(plan: SizingPlan) -> str:
    first = plan.limits[0]
    at = "never" if first.requests_per_day is None else format_count(first.requests_per_day)
    return f"{first.part}, {at}"


def _rate(plan: SizingPlan) -> str:
    return "none" if plan.largest_sample_rate is None else f"{plan.largest_sample_rate:.2g}"


def _limits(plan: SizingPlan) -> str:
    lines = ["| requests a day | part | what to do |", "| --- | --- | --- |"]
    for limit in plan.limits:
        at = "never" if limit.requests_per_day is None else format_count(limit.requests_per_day)
        lines.append(f"| {at} | {limit.part}: {limit.quantity} | {limit.advice} |")
    return "\n".join(lines)

"""Text and Markdown of a plan."""

from collections.abc import Iterator
from itertools import groupby

from monitor.sizing.constants import Measurement
from monitor.sizing.limits import Limit
from monitor.sizing.load import Load
from monitor.sizing.plan import Line, SizingPlan

#: Constants that a line names; --json names all.
MAX_CONSTANTS = 3
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
PREFIXES = ((1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def render_plan(plan: SizingPlan, measurement: Measurement) -> str:
    """Return the table that the command prints."""
    width = max(len(line.name) for line in plan.lines)
    values = [format_value(line.value, line.unit) for line in plan.lines]
    value_width = max(map(len, values))
    rows = ["assumptions"]
    rows += [f"  {line}" for line in assumption_lines(plan.load)]
    pairs = list(zip(plan.lines, values, strict=True))
    for part, lines in groupby(pairs, key=lambda pair: pair[0].part):
        rows.append(part)
        rows += [
            f"  {line.name:<{width}}  {value:>{value_width}}  {_origin(line)}".rstrip()
            for line, value in lines
        ]
    rows += ["", "where the design ends: requests a day at which a part saturates, all else equal"]
    rows += [f"  {line}" for line in limit_lines(plan)]
    rows += ["", *(f"- {remark}" for remark in remarks_of(plan)), ""]
    rows.append(
        f"constants: {measurement.machine}, {measurement.measured_on}, {measurement.command}"
    )
    return "\n".join(rows)


def remarks_of(plan: SizingPlan) -> Iterator[str]:
    """Yield the remarks, and the largest sample rate that all parts carry."""
    yield from plan.remarks
    rate = plan.largest_sample_rate
    if rate is None:
        yield "no sample rate relieves the saturated part"
    elif rate < plan.load.sample_rate:
        yield f"largest sample rate that all parts of the sample carry: {rate:.2g}"


def assumption_lines(load: Load) -> Iterator[str]:
    """Yield what the plan takes for granted, with the option that changes it."""
    each = "one model" if load.n_models == 1 else f"{load.n_models} models, equally large"
    yield f"{format_count(load.requests_per_day)} requests a day of {each} (--models)"
    yield (
        f"{load.prompt_tokens:g} tokens a prompt, {load.response_tokens:g} a response "
        "(--prompt-tokens, --response-tokens)"
    )
    yield (
        f"{load.sample_rate:.3g} of the traffic sampled, {load.window} windows, the busiest hour "
        f"{load.peak:g} times the mean (--sample-rate, --window, --peak)"
    )
    days = "for ever" if load.exchange_days is None else f"{load.exchange_days:g} days"
    yield f"exchanges stored {days}, {load.backups} dumps (--retention, --backups)"
    if load.database == "sqlite":
        yield "SQLite, one process (--database postgresql for replicas)"
    else:
        yield (
            f"PostgreSQL with {load.database_cores:g} cores and "
            f"{format_bytes(load.database_disk_bytes)} (--database-cores, --database-disk)"
        )
    yield (
        f"ingest on {load.ingest_cores:g} cores at most, {load.cores_per_replica:g} a process, "
        f"{'embedding on CPUs' if load.gpu_tokens_per_second is None else 'embedding on GPUs'} "
        "(--ingest-cores, --cores-per-replica, --gpu)"
    )


def limit_lines(plan: SizingPlan) -> Iterator[str]:
    """Yield a line for each part, the first to saturate before the rest."""
    for limit in plan.limits:
        at = limit.requests_per_day
        where = "never" if at is None else format_count(at)
        mark = _excess(limit) if limit.is_exceeded else f"at {_percent(limit, plan.load)} now"
        yield f"{where:>8}  {limit.part} ({mark}): {limit.advice}"


def markdown_rows(plans: list[SizingPlan]) -> Iterator[str]:
    """Yield the rows of a Markdown table with a column for each plan."""
    for lines in zip(*(plan.lines for plan in plans), strict=True):
        first = lines[0]
        cells = " | ".join(format_value(line.value, line.unit) for line in lines)
        yield f"| {first.part}: {first.name} | {cells} |"


def format_value(value: float | None, unit: str) -> str:
    """Return a figure with its unit, in three digits at most."""
    if value is None:
        return "not enough data"
    if unit in {"bytes", "bytes/s"}:
        return format_bytes(value) + unit.removeprefix("bytes")
    if unit == "s":
        return _duration(value)
    if unit == "share":
        return f"{100 * value:.2g}%"
    if unit == "1/s":
        return f"{format_count(value)}/s"
    return f"{format_count(value)} {unit}"


def format_count(value: float) -> str:
    """Return a number in three digits at most, such as ``12.3k`` or ``1.5G``."""
    for size, name in PREFIXES:
        if value >= max(size, 1e4):
            return f"{value / size:.3g}{name}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def format_bytes(value: float) -> str:
    """Return a size in powers of 1,000."""
    for size, name in PREFIXES:
        if value >= size:
            return f"{value / size:.3g} {name}B"
    return f"{value:.3g} B"


def _duration(seconds: float) -> str:
    if seconds >= 2 * DAY:
        return f"{format_count(seconds / DAY)} days"
    if seconds >= HOUR:
        return f"{seconds / HOUR:.2g} h"
    if seconds >= 2 * MINUTE:
        return f"{seconds / MINUTE:.2g} min"
    return f"{seconds:.2g} s"


def _excess(limit: Limit) -> str:
    usage, capacity = format_count(limit.usage), format_count(limit.capacity)
    return f"exceeded, {usage} of {capacity}: {limit.quantity}"


def _percent(limit: Limit, load: Load) -> str:
    """Return the traffic over that at which a part saturates."""
    at = limit.requests_per_day
    share = load.requests_per_day / at if at else 0.0
    return f"{share:.0%}" if share >= 0.01 else "under 1%"


def _origin(line: Line) -> str:
    names = ", ".join(line.constants[:MAX_CONSTANTS])
    more = len(line.constants) - MAX_CONSTANTS
    if more > 0:
        names += f" and {more} more (--json)"
    return "; ".join(part for part in (names, line.note) if part)

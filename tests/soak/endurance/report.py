"""Text report of an endurance run."""

from pathlib import Path
from statistics import median

from tests.soak.endurance.bloat import TableBloat
from tests.soak.endurance.conduct import Result
from tests.soak.endurance.trend import Trend
from tests.soak.report import complaints


def figures(result: Result) -> list[tuple[str, str]]:
    """Return the names and texts of what was measured."""
    reckoning, options = result.reckoning, result.options
    seconds = [r.seconds for r in result.recoveries if r.seconds is not None]
    largest = max((r.largest for r in result.recoveries), default=0.0)
    rows: list[tuple[str, object]] = [
        ("time under kills", f"{result.seconds:.0f} s"),
        ("highest rate of the ramp", _highest(result)),
        ("rate held", f"{result.rate:.0f} records/s"),
        ("sample rate", options.sample_rate),
        ("records produced", reckoning.n_produced),
        ("expected", reckoning.n_expected),
        ("stored", reckoning.n_stored),
        ("lost", len(reckoning.lost)),
        ("doubled", len(reckoning.doubled)),
        ("wrong", len(reckoning.wrong)),
        ("SIGKILLs", result.n_kills),
        ("lag recovered", f"{len(seconds)} of {len(result.recoveries)}"),
        ("recovery, median", f"{median(seconds):.0f} s" if seconds else "-"),
        ("recovery, longest", f"{max(seconds):.0f} s" if seconds else "-"),
        ("largest lag", f"{largest:.0f} records, {largest / max(result.rate, 1):.0f} s of traffic"),
        *((f"memory of {name}", _trend(trend)) for name, trend in sorted(result.trends.items())),
    ]
    return [(name, str(value)) for name, value in rows]


def render(result: Result) -> str:
    """Return the table that the command prints."""
    rows = figures(result)
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    lines += ["", *_tables(result.bloat), ""]
    lines += complaints(result.reckoning, result.troubles)
    lines.append("endurance: holds" if result.holds else "endurance: DOES NOT HOLD")
    return "\n".join(lines)


def write_series(result: Result, folder: Path) -> None:
    """Write lag and memory over time as CSV, to be drawn."""
    lags = "".join(f"{lag.at:.1f},{lag.value:.0f}\n" for lag in result.lags)
    (folder / "lag.csv").write_text(f"seconds,records\n{lags}")
    memory = "".join(
        f"{sample.at:.1f},{name},{pid},{sample.value:.0f}\n"
        for (name, pid), samples in result.memory.items()
        for sample in samples
    )
    (folder / "memory.csv").write_text(f"seconds,process,pid,bytes\n{memory}")


def _highest(result: Result) -> str:
    carried = [step.rate for step in result.steps if step.is_carried]
    return f"{max(carried):.0f} records/s" if carried else "given"


def _trend(trend: Trend | None) -> str:
    if trend is None:
        return "too few samples"
    slope = f"{trend.slope / 1e6:+.1f} MB/h ({trend.lower / 1e6:+.1f} to {trend.upper / 1e6:+.1f})"
    rest = f"{trend.mean / 1e6:.0f} MB, {slope}, rise {trend.rise / 1e6:+.2f} MB"
    mark = "flat" if trend.is_flat else "GROWS"
    return f"{rest} against noise of {trend.noise / 1e6:.2f} MB, {trend.n_samples} samples: {mark}"


def _tables(tables: list[TableBloat]) -> list[str]:
    heads = ("table", "rows", "MB", "dead", "free", "/ fresh", "updates", "HOT", "vacuums")
    lines = ["{:<26}{:>10}{:>10}{:>7}{:>7}{:>9}{:>10}{:>7}{:>9}".format(*heads)]
    for table in tables:
        hot = table.hot_updates / table.updates if table.updates else None
        lines.append(
            f"{table.name:<26}{table.rows:>10}{table.size / 1e6:>10.1f}"
            f"{_share(table.dead_share):>7}{_share(table.free_share):>7}{table.over_fresh:>9.2f}"
            f"{table.updates:>10}{_share(hot):>7}{table.autovacuums:>9}"
            + ("  BLOATED" if table.is_bloated else "")
        )
    return lines


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"

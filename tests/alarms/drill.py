"""`python -m tests.alarms.drill`: real faults, and the time until each alert fires and resolves.

Arguments are names of faults; without any, all are injected.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.alarms.faults import FAULTS, Fault
from tests.alarms.monitoring import Monitoring, Page, running_monitoring, wait_for
from tests.alarms.scaling import scale_rules
from tests.alarms.site import Site, running_site

#: 15 minutes become 30 seconds.
FACTOR = 30.0
START_SECONDS = 600.0
#: The longest that an alert takes is `for: 2h`; the machine may be busy.
FIRE_SECONDS = 480.0
RESOLVE_SECONDS = 240.0
#: Time after a fault in which a late alert would show.
QUIET_SECONDS = 5.0


@dataclass(frozen=True)
class Row:
    """The outcome of a fault."""

    fault: Fault
    #: Seconds from when the fault was there until each alert fired, by name.
    fired: dict[str, float]
    #: Seconds from the mending until each was resolved.
    resolved: dict[str, float]

    @property
    def problem(self) -> str:
        """The deviation from the expected outcome; empty where there is none."""
        missing = self.fault.alerts - set(self.fired)
        wrong = set(self.fired) - self.fault.alerts - self.fault.may_fire
        left = set(self.fired) - set(self.resolved)
        texts = (("did not fire", missing), ("fired too", wrong), ("did not resolve", left))
        return "; ".join(
            f"{', '.join(sorted(names))} {problem}" for problem, names in texts if names
        )


@contextmanager
def running_drill(folder: Path, factor: float = FACTOR) -> Iterator[tuple[Site, Monitoring]]:
    """Run a site and its monitoring, at rest: nothing fires."""
    (folder / "site").mkdir()
    (folder / "monitoring").mkdir()
    with running_site(folder / "site", factor) as site:
        rules = scale_rules(factor)
        with running_monitoring(folder / "monitoring", rules, site.targets) as monitoring:
            if not wait_for(lambda: _is_at_rest(site, monitoring), START_SECONDS, poll_seconds=1):
                raise RuntimeError(f"not at rest: {monitoring.query('ALERTS')}, {site.folder}")
            monitoring.receiver.pages.clear()
            yield site, monitoring


def run_fault(fault: Fault, site: Site, monitoring: Monitoring) -> Row:
    """Inject a fault, wait for its alerts, mend it, and wait until nothing fires."""
    receiver = monitoring.receiver
    first = len(receiver.pages)

    def pages(*, firing: bool) -> list[Page]:
        return [page for page in receiver.pages[first:] if page.firing == firing]

    with fault.inject(site):
        began = time.monotonic()
        wait_for(lambda: fault.alerts <= {page.alert for page in pages(firing=True)}, FIRE_SECONDS)
    mended = time.monotonic()
    if wait_for(lambda: not receiver.firing(), RESOLVE_SECONDS):
        time.sleep(QUIET_SECONDS)
    left = {dict(labels)["alertname"] for labels in receiver.firing()}
    fired = {page.alert: max(page.at - began, 0.0) for page in reversed(pages(firing=True))}
    resolved = {
        page.alert: page.at - mended for page in pages(firing=False) if page.alert not in left
    }
    wait_for(lambda: _is_at_rest(site, monitoring), START_SECONDS, poll_seconds=1)
    return Row(fault, fired, resolved)


def table(rows: Sequence[Row], factor: float) -> str:
    """Return the rows as a table in Markdown, with the times of the drill and unscaled limits."""
    lines = [
        "| fault | alert | s to fire | s to resolve |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        for alert in sorted(row.fired, key=row.fired.__getitem__):
            resolved = row.resolved.get(alert)
            end = "no" if resolved is None else f"{max(resolved, 0.0):.0f}"
            also = "" if alert in row.fault.alerts else " (a consequence)"
            lines.append(f"| {row.fault.name} | `{alert}`{also} | {row.fired[alert]:.0f} | {end} |")
        if row.problem:
            lines.append(f"| {row.fault.name} | **{row.problem}** | | |")
    return f"Times of the rules divided by {factor:g}.\n\n" + "\n".join(lines)


def run_drill(
    folder: Path, faults: Sequence[Fault] = FAULTS, *, say: Callable[[str], None]
) -> list[Row]:
    """Run the faults one after the other; those that this machine can't have are left out."""
    rows = []
    with running_drill(folder) as (site, monitoring):
        say("at rest")
        for fault in faults:
            if fault.name == "the disk is full" and not site.disk.is_own:
                say(f"{fault.name}: left out, only root can mount a small file system")
                continue
            row = run_fault(fault, site, monitoring)
            say(f"{fault.name}: {row.fired} resolved {row.resolved} {row.problem}")
            rows.append(row)
    return rows


def _is_at_rest(site: Site, monitoring: Monitoring) -> bool:
    """Return whether all targets are up, one leads, an incident was told, and nothing fires."""
    return (
        set(monitoring.health_of_targets().values()) == {"up"}
        and site.leader() is not None
        and bool(site.slack.messages)
        # `shop` has no traffic yet, which is told after a day.
        and not monitoring.query('ALERTS{alertname!="DriftwardenNothingToEvaluate"}')
        and bool(monitoring.query("sum(driftwarden_consumer_lag_records) < 100"))
    )


def main() -> None:
    """Run the faults in a temporary folder, which stays, and print the table."""
    # What was started is ended on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="driftwarden-drill-"))
    by_name = {fault.name: fault for fault in FAULTS}
    faults = [by_name[name] for name in sys.argv[1:]] or FAULTS
    rows = run_drill(folder, faults, say=lambda text: print(text, flush=True))
    print(table(rows, FACTOR))
    print(f"logs: {folder}")
    sys.exit(any(row.problem for row in rows))


if __name__ == "__main__":
    main()

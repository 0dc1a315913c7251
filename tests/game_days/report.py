"""The report of game days: what was told of each fault, and when, as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from tests.game_days.judgement.flaws import KINDS
from tests.game_days.oracle import Outcome, Verdict
from tests.game_days.world.channels import SLACK

#: Goal of the share that is told in the promised time.
GOAL = 0.99


@dataclass(frozen=True)
class Totals:
    """The figures of all nights."""

    n_due: int
    n_in_time: int
    n_enough: int
    n_end_in_time: int
    flaws: dict[str, int]
    n_defects: int

    @property
    def share_in_time(self) -> float:
        """Return the share of the faults that was told in the promised time."""
        return self.n_in_time / self.n_due if self.n_due else 1.0

    @property
    def hold(self) -> bool:
        """Return whether the goals are met."""
        return (
            self.share_in_time >= GOAL
            and self.n_enough == self.n_in_time
            and not any(self.flaws.values())
        )


def total(verdicts: Sequence[Verdict]) -> Totals:
    """Sum the verdicts."""
    due = [outcome for verdict in verdicts for outcome in verdict.due]
    return Totals(
        n_due=len(due),
        n_in_time=sum(outcome.in_time for outcome in due),
        n_enough=sum(outcome.in_time and outcome.is_enough for outcome in due),
        n_end_in_time=sum(outcome.end_in_time for outcome in due),
        flaws={kind: sum(verdict.count(kind) for verdict in verdicts) for kind in KINDS},
        n_defects=sum(len(verdict.night.defects) for verdict in verdicts),
    )


def render_report(verdicts: Sequence[Verdict]) -> str:
    """Return the report."""
    return "\n".join(_lines(verdicts)) + "\n"


def _lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    totals = total(verdicts)
    yield "# Game days"
    yield ""
    yield (
        f"{totals.n_due} faults were due to be told; {totals.n_in_time} were told in the promised "
        f"time ({totals.share_in_time:.1%}), {totals.n_enough} of them with a step that helps. "
        f"The end of {totals.n_end_in_time} was told in time or need not be."
    )
    flaws = ", ".join(f"{n} {kind}" for kind, n in totals.flaws.items())
    yield f"Messages that were wrong: {flaws}. Jobs that failed: {totals.n_defects}."
    yield ""
    yield from _measured_times(verdicts)
    for verdict in verdicts:
        yield from _timeline(verdict)


def _measured_times(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield the table of the measured times by fault."""
    by_name: dict[str, list[Outcome]] = {}
    for verdict in verdicts:
        for outcome in verdict.due:
            by_name.setdefault(outcome.strike.fault.name, []).append(outcome)
    yield "| fault | promised | told | median | longest |"
    yield "| --- | --- | --- | --- | --- |"
    for name, outcomes in sorted(by_name.items()):
        took = [outcome.took for outcome in outcomes if outcome.took is not None]
        promised = outcomes[0].strike.fault.promised
        n_told = sum(outcome.in_time for outcome in outcomes)
        times = (span(median(took)), span(max(took))) if took else ("-", "-")
        share = f"{n_told} of {len(outcomes)}"
        yield f"| {name} | {span(promised)} | {share} | {times[0]} | {times[1]} |"
    yield ""


def _timeline(verdict: Verdict) -> Iterator[str]:
    script = verdict.night.script
    yield f"## Seed {script.seed}"
    yield ""
    yield "| time | what happened | what was told |"
    yield "| --- | --- | --- |"
    entries = [(strike.begin, 0, f"**{strike.name}** begins", "") for strike in script.strikes]
    entries += [(strike.end, 0, f"**{strike.name}** ends", "") for strike in script.strikes]
    for message in verdict.night.messages:
        if message.channel == SLACK or message.notifies:
            text = f"{message.channel}, {message.kind}: {_cell(message.title)}"
            entries.append((message.at, 1, "", text))
    for flaw in verdict.flaws:
        text = f"**{flaw.kind.upper()}** ({flaw.channel}): {flaw.why}"
        entries.append((flaw.at, 2, "", f"{text}: {_cell(flaw.text)}"))
    for at, _, event, words in sorted(entries, key=lambda entry: entry[:2]):
        yield f"| {at:%a %d %b %H:%M} | {event} | {words} |"
    yield ""
    for outcome in verdict.due:
        problems = [
            word
            for holds, word in (
                (outcome.in_time, "not told in time"),
                (outcome.is_enough, "no step that helps"),
                (outcome.end_in_time, "its end not told in time"),
            )
            if not holds
        ]
        if problems:
            took = "never" if outcome.took is None else f"after {span(outcome.took)}"
            yield f"- **{outcome.strike.name}**: {', '.join(problems)} (told {took})"
    for at, job, error in verdict.night.defects[:10]:
        yield f"- job {job} failed {at:%d %b %H:%M}: {_cell(error)}"
    yield ""


def span(time: timedelta | None) -> str:
    """Return a time in minutes or hours."""
    if time is None:
        return "-"
    minutes = round(time.total_seconds() / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:300]

"""Measured times of the signals, for the table of the documentation."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from monitor.plurals import pluralize
from tests.game_days.oracle import Verdict
from tests.game_days.report import span

FILE = Path(__file__).parents[2] / "docs" / "explanation" / "measured_signals.json"

#: Faults that cut each signal of the table.
FAULTS_OF = {
    "traffic of a model": ("traffic stops", "traffic falls", "model renamed"),
    "a model's share of all traffic": ("share falls",),
    "metric": ("resolved not sent", "judge not sent", "latency not sent"),
    "field: user, response, task type, version": ("user not sent", "task_type not sent"),
    "task type": ("task type not sent",),
    "feedback": ("feedback stops",),
    "probes": ("probes unanswered",),
    "reviews": ("reviewers away",),
    "incidents and review batches of evaluations": ("follow-up stops",),
    "drift evaluations": ("evaluations stop",),
    "looks": ("looks stop", "looks fail"),
    "backups by `driftwarden db backup`": ("backups stop",),
    "messages": ("slack refuses", "pager refuses", "am refuses"),
    "ingest": ("broker away", "ingest stopped"),
    "the daemon": ("daemon dead", "leader hangs"),
}


def write_measured_times(verdicts: Sequence[Verdict]) -> None:
    """Write the median and the longest time of each signal that was cut."""
    times = {}
    for signal, names in FAULTS_OF.items():
        took = [
            outcome.took
            for verdict in verdicts
            for outcome in verdict.due
            if outcome.strike.fault.name in names and outcome.took is not None
        ]
        if took:
            times[signal] = (
                f"{span(median(took))}, at most {span(max(took))} ({pluralize(len(took), 'cut')})"
            )
    FILE.write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8")

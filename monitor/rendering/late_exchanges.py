"""Sentences on the exchanges that arrived after the evaluation of their window."""

import shlex
from datetime import datetime, timedelta

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.rendering.excerpts import excerpt
from monitor.rendering.numbers import format_instant, format_share
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.late_exchanges import Arrivals, LateExchanges, late_exchanges
from monitor.store.windows.repetitions import changed_inputs

#: Differences that a sentence names.
SHOWN = 4

LENGTHS = {timedelta(days=1): "day", timedelta(weeks=1): "week"}


def describe_late(connection: Connection, evaluation: DriftEvaluationRow) -> str:
    """Return how many exchanges arrived after an evaluation; empty: none, or it is not known."""
    late = late_exchanges(connection, evaluation)
    # Where it is repeated, its begin is that of the repetition, and the result is older.
    if late is None or not late.n or evaluation.status != "done":
        return ""
    window = evaluation.window_start, evaluation.window_end
    return state_late(late, window, evaluation.started_at)


def describe_changes(evaluation: DriftEvaluationRow) -> str:
    """Return in what a repeated evaluation differs from the first one; empty: in nothing."""
    changed = [
        f"{name} from {_short(before)} to {_short(now)}"
        for name, (before, now) in changed_inputs(evaluation.provenance).items()
    ]
    if not changed:
        return ""
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return (
        f"Evaluated again with other inputs than first: {'; '.join(changed[:SHOWN])}{more}. "
        "Without an alarm it does not count as a quiet window."
    )


def state_late(
    late: LateExchanges, window: tuple[datetime, datetime], evaluated_at: datetime
) -> str:
    """Return the number and share of the late exchanges of a window."""
    length = LENGTHS.get(window[1] - window[0], "window")
    return (
        f"{pluralize(late.n, 'exchange')} of this {length} arrived after its evaluation of "
        f"{format_instant(evaluated_at)} ({format_share(late.share)} of it); its result does not "
        "count them."
    )


def state_arrivals(arrivals: Arrivals, late: LateExchanges) -> str:
    """Return the sources of late exchanges; empty: none is known."""
    sentences = []
    if arrivals.newest_at is not None:
        users = pluralize(arrivals.n_end_users, "end user")
        newest = format_instant(arrivals.newest_at)
        sentences.append(f"They are of {users}; the newest arrived on {newest}.")
    if arrivals.n_of_files:
        sentences.append(f"{arrivals.n_of_files:,} of them were replayed from files.")
    # Fewer may have been read just before the evaluation.
    if 2 * arrivals.n_replayed > late.n:
        sentences.append(f"At least {arrivals.n_replayed:,} of them were dead letters, replayed.")
    return " ".join(sentences)


def again_command(model: str, window: tuple[datetime, datetime]) -> str:
    """Return the command that evaluates a window again."""
    start, end = window
    return (
        f"driftwarden evaluate --from {start:%Y-%m-%d} --to {end:%Y-%m-%d} --again "
        f"--model {shlex.quote(model)}"
    )


def _short(value: object) -> str:
    return "none" if value is None else excerpt(str(value), 40)

"""Conditions of the probes: another model responds, a promotion has not arrived, no response."""

from datetime import UTC, datetime, timedelta

from monitor.errors import without_quotes
from monitor.rendering.numbers import format_instant
from monitor.scheduling.condition_check import CLEAR, UNKNOWN, ConditionCheck, Holds, Result
from monitor.setting_types.durations import format_duration
from monitor.settings import Settings
from monitor.store.probes.runs import ProbeRunRow, open_run, recent_runs
from retrain.probes.runs import can_probe
from retrain.probes.serving import read_serving

#: Examples of an incident's text, and the characters of each response.
N_EXAMPLES, EXAMPLE_CHARACTERS = 2, 80
#: Time that a promotion may take to arrive where nothing confirms the weights.
ARRIVES_WITHIN = timedelta(hours=24)
#: Time in which a daemon that was started begins a run that is due.
STARTED_WITHIN = timedelta(hours=1)
NEVER = datetime.min.replace(tzinfo=UTC)
#: Runs in which the beginning of a change is searched.
N_RUNS = 60


def served_model_changed(check: ConditionCheck[Settings]) -> Result:
    """Hold while two runs or more in a row differ from the reference."""
    runs = _runs(check, ("done",))
    if not runs or runs[0].verdict not in {"changed", "suspected"}:
        return CLEAR
    if runs[0].verdict == "suspected":
        return UNKNOWN
    newest = runs[0]
    differing = []
    for run in runs:
        if run.verdict not in {"changed", "suspected"} or run.version_id != newest.version_id:
            break
        differing.append(run)
    first = differing[-1]
    before = next((run for run in runs if run.id < first.id), None)
    since = (
        f"between {format_instant(before.finished_at)} and {format_instant(first.started_at)}"
        if before is not None and before.finished_at is not None
        else f"before {format_instant(first.started_at)}"
    )
    version = "before" if newest.version is None else f"version {newest.version} did"
    resembles = (newest.comparison or {}).get("resembles")
    like = f" They are those of version {resembles}." if resembles is not None else ""
    return Holds(
        f"The live endpoint no longer responds as {version}: {since} its responses changed by "
        f"{100 * (newest.change or 0):.0f} points, threshold {100 * (newest.threshold or 0):.0f}, "
        f"and no promotion or rollback is recorded since.{like}{_examples(newest)}",
        frozenset({f"since {first.started_at:%Y-%m-%d %H:%M}"}),
        since=first.started_at,
    )


def promotion_not_served(check: ConditionCheck[Settings]) -> Result:
    """Hold while the endpoint responds as the version before, a day after the promotion."""
    runs = _runs(check, ("done",))
    if not runs or runs[0].verdict != "not_arrived":
        return CLEAR
    newest = runs[0]
    since = newest.serving_since
    if since is None or newest.started_at - since < ARRIVES_WITHIN:
        return UNKNOWN
    resembles = (newest.comparison or {}).get("resembles")
    return Holds(
        f"Version {newest.version} should respond since {format_instant(since)}, and the responses "
        f"of the live endpoint are still those of version {resembles}.",
        frozenset({f"version {newest.version}"}),
        since=since,
    )


def probes_unanswered(check: ConditionCheck[Settings]) -> Result:
    """Hold while the last run has no responses, or none began: no change would be noticed."""
    if (since := _unprobed_since(check)) is not None:
        return Holds(
            f"No run of probes began since {format_instant(since)}; `probes.interval` is "
            f"{format_duration(check.settings.probes.interval)}. The log says why: "
            "`model_not_probed`.",
            since=since,
        )
    runs = _runs(check, ("done", "unavailable"))
    if not runs or runs[0].status == "done":
        return CLEAR
    failed = runs[0]
    done = next((run for run in runs if run.status == "done"), None)
    last = (
        "it never responded to a run"
        if done is None or done.finished_at is None
        else f"it last responded to a run {format_instant(done.finished_at)}"
    )
    return Holds(
        f"The live endpoint did not respond to probes after {failed.attempts} attempts; {last}. "
        f"Last error: {without_quotes(failed.error or 'unknown error')}"
    )


def _unprobed_since(check: ConditionCheck[Settings]) -> datetime | None:
    """Return since when no run began, where that is twice as long as it should be."""
    connection, probes = check.connection, check.settings.probes
    if not probes.url or check.now - check.started_at < STARTED_WITHIN:
        return None
    serving = read_serving(connection, check.settings, check.now)
    model = check.settings.model.name
    if not can_probe(check.settings, serving) or open_run(connection, model, "stable"):
        return None
    last = next(iter(recent_runs(connection, model, role="stable")), None)
    since = max(check.started_at if last is None else last.started_at, serving.since or NEVER)
    return since if check.now - since > 2 * probes.interval else None


def _runs(check: ConditionCheck[Settings], statuses: tuple[str, ...]) -> list[ProbeRunRow]:
    if not check.settings.probes.url:
        return []
    return recent_runs(
        check.connection,
        check.settings.model.name,
        role="stable",
        statuses=statuses,
        limit=N_RUNS,
    )


def _examples(run: ProbeRunRow) -> str:
    """Return the strongest differing responses; prompts are those of the benchmarks."""
    examples = [
        f" {difference['item']}: “{_excerpt(difference['reference'])}” became "
        f"“{_excerpt(difference['response'])}”."
        for difference in run.differences[:N_EXAMPLES]
    ]
    return "".join(examples)


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXAMPLE_CHARACTERS else f"{text[: EXAMPLE_CHARACTERS - 1]}…"

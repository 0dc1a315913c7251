"""Text of probe runs and of the state of a model's probes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from monitor.rendering.probes import describe_run

if TYPE_CHECKING:
    from monitor.store.probes.runs import ProbeRunRow
    from retrain.probes.status import ProbeStatus

N_EXAMPLES = 5


def status_lines(model: str, state: "ProbeStatus") -> Iterator[str]:
    """Yield the lines about the set, the reference and the next run."""
    if not state.url:
        yield f"{model}: not probed; set probes.url to the live endpoint"
        return
    stable = state.serving.stable
    yield f"{model}: {state.url}, {'no version' if stable is None else f'version {stable.version}'}"
    if state.probes is None:
        yield "prompts: drawn at the first run"
    else:
        digest = state.probes.digest[:12]
        n_safety = sum(item["kind"] == "safety" for item in state.probes.items)
        yield f"prompts: {len(state.probes.items)}, {n_safety} of them safety, sha256:{digest}"
    yield f"reference: {state.n_reference} of {state.n_needed} runs"
    if state.is_paused:
        yield "paused: two versions get traffic, and no header tells which one responds"
    if state.n_sent is not None:
        yield f"a run is under way: {state.n_sent[0]} of {state.n_sent[1]} responses"
    elif state.next_slot is not None and not state.is_paused:
        yield f"next run by the schedule: {state.next_slot:%Y-%m-%d %H:%M} UTC"


def run_lines(run: "ProbeRunRow", *, brief: bool = False) -> Iterator[str]:
    """Yield the lines about a run: its result, and the responses that differ most."""
    version = "" if run.version is None else f" version {run.version}"
    yield (
        f"run {run.id}, {run.started_at:%Y-%m-%d %H:%M}, {run.role}{version}, {run.purpose}: "
        f"{describe_run(run)}"
    )
    if brief or run.verdict not in {"suspected", "changed"}:
        return
    for difference in run.differences[:N_EXAMPLES]:
        yield f"  {difference['item']}"
        yield f"    reference: {' '.join(difference['reference'].split())[:160]}"
        yield f"    now:       {' '.join(difference['response'].split())[:160]}"

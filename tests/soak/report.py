"""Text report of a soak."""

from tests.soak.conduct import Result
from tests.soak.marks import PHASES
from tests.soak.plan import FAULTS
from tests.soak.reckoning import Reckoning

#: Places shown of each list of faults.
MAX_SHOWN = 10


def render(result: Result) -> str:
    """Return the table that `make soak` prints."""
    reckoning, evidence = result.reckoning, result.evidence
    gaps = reckoning.gaps
    rows = [
        ("seed", result.plan.seed),
        ("time", f"{result.seconds:.0f} s"),
        ("records produced", reckoning.n_produced),
        ("in aborted transactions", reckoning.n_aborted),
        ("never confirmed", reckoning.n_unconfirmed),
        ("sampled, inside gaps", reckoning.n_in_gaps),
        ("expected", reckoning.n_expected),
        ("stored", reckoning.n_stored),
        ("lost", len(reckoning.lost)),
        ("doubled", len(reckoning.doubled)),
        ("wrong", len(reckoning.wrong)),
        ("dead letters expected", reckoning.n_dead_letters_expected),
        ("dead letters found", reckoning.n_dead_letters),
        ("dead letters lost", len(reckoning.dead_letters_lost)),
        ("dead letters wrong", len(reckoning.dead_letters_wrong)),
        ("gaps", len(gaps)),
        ("gaps exact", sum(not gap.fault for gap in gaps)),
        ("gaps not reported", len(reckoning.cuts_unreported)),
        ("SIGKILLs", evidence.kills.total()),
        ("  with a batch at work", evidence.n_kills_at_work),
        *((f"  {phase}", evidence.kills[phase]) for phase in PHASES),
        ("daemons started", evidence.n_starts),
        ("assignments", evidence.n_rebalances),
        *((kind, evidence.faults[kind]) for kind in FAULTS),
        *sorted(evidence.events.items()),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    lines += [
        f"gap: partition {gap.partition}, offsets {gap.first} to {gap.last}, {gap.fault or 'exact'}"
        for gap in gaps
    ]
    lines += complaints(reckoning, result.troubles)
    lines.append("soak: holds" if result.holds else "soak: DOES NOT HOLD")
    return "\n".join(lines)


def complaints(reckoning: Reckoning, troubles: list[str]) -> list[str]:
    """Return a line for each thing that is wrong."""
    places = {
        "lost": reckoning.lost,
        "doubled": reckoning.doubled,
        "wrong": reckoning.wrong,
        "dead letter lost": reckoning.dead_letters_lost,
        "dead letter wrong": reckoning.dead_letters_wrong,
    }
    lines = [
        f"{name}: partition {partition}, offset {offset}"
        for name, place in places.items()
        for partition, offset in sorted(place)[:MAX_SHOWN]
    ]
    lines += [f"not reported: {cut}" for cut in reckoning.cuts_unreported]
    lines += [f"not drained: {line}" for line in reckoning.undrained]
    return lines + [f"trouble: {line}" for line in troubles]

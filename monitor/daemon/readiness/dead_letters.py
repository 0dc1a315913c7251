"""Check of the records that could not be processed."""

from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.settings import Sections

MISSING_RESPONSE = "missing_response"


def dead_letters_finding(settings: Sections) -> Finding:
    """Count the dead letters that were not replayed, by reason."""
    from monitor.store.traffic.dead_letters import count_by_reason

    with open_connection(settings) as connection:
        counts = count_by_reason(connection)
    if not counts:
        return ok("none")
    reasons = ", ".join(
        f"{n:,} {reason}" for reason, n in sorted(counts.items(), key=lambda item: -item[1])
    )
    message = f"{reasons}; `driftwarden dead-letters` shows an example of each"
    if MISSING_RESPONSE in counts:
        message += (
            "; prompts without a response are kept apart: check the name of the response, set "
            "traffic.join.enabled where it is a record of its own, or traffic.prompts_only where "
            "there is none, then `driftwarden replay --dead-letters`"
        )
    return note(message)

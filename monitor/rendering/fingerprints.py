"""Names of what alarms in an incident of drift."""

from collections.abc import Iterable

from monitor.rendering.events import EVENTS
from monitor.rendering.excerpts import quote_metric
from monitor.rendering.wording import NOUNS

METRIC, EVENT = "metric:", "event:"
#: Kind of a finding that says that nothing changed.
UNCHANGED = "unchanged"


def name_kinds(fingerprint: Iterable[str]) -> list[str]:
    """Return the names of what alarms: families first, then events and metrics.

    Example:
        >>> name_kinds({"metric:resolved", "input", "event:error"})
        ['prompts', 'errors', '`resolved`']
    """
    return [_name(kind) for kind in sorted(fingerprint, key=lambda kind: (":" in kind, kind))]


def _name(kind: str) -> str:
    if kind.startswith(METRIC):
        return quote_metric(kind.removeprefix(METRIC))
    if kind.startswith(EVENT):
        return EVENTS[kind.removeprefix(EVENT)]
    return NOUNS[kind]

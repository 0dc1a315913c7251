"""Coverage of the traffic's task types by a taxonomy."""

from collections.abc import Iterable

from monitor.review.guidelines.problems import suggestion
from monitor.review.guidelines.taxonomy import Taxonomy

#: Most names in the message; further ones are counted.
MAX_NAMED = 10


def missing_task_types(taxonomy: Taxonomy, seen: Iterable[str]) -> str:
    """Return a message on the traffic's task types that a taxonomy lacks; empty if it has all."""
    missing = [name for name in seen if name not in taxonomy.task_types]
    if not missing:
        return ""
    named = ", ".join(repr(name) for name in missing[:MAX_NAMED])
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    hint = suggestion(missing[0], taxonomy.task_types) if len(missing) == 1 else ""
    return f"the traffic has task types that the taxonomy lacks: {named}{more}{hint}"

"""Whether a taxonomy speaks of all that the traffic holds."""

from collections.abc import Iterable

from monitor.review.guidelines.problems import suggestion
from monitor.review.guidelines.taxonomy import Taxonomy

#: More names are counted, not listed.
NAMED = 10


def missing_task_types(taxonomy: Taxonomy, seen: Iterable[str]) -> str:
    """Return which task types of the traffic a taxonomy lacks, in words; empty where it has all."""
    missing = [name for name in seen if name not in taxonomy.task_types]
    if not missing:
        return ""
    named = ", ".join(repr(name) for name in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    hint = suggestion(missing[0], taxonomy.task_types) if len(missing) == 1 else ""
    return f"the traffic has task types that the taxonomy lacks: {named}{more}{hint}"

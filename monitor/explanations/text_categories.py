"""Change of a category of which each text has one, such as its case."""

from collections import Counter
from collections.abc import Callable

from monitor.explanations.found_explanation import FoundExplanation, Reduce
from monitor.explanations.share_changes import Candidate, Shares, least_natural
from monitor.store.windows.assessment import ExplanationKind

#: The baseline's most frequent category is that of most of its texts.
MOST = 0.5


def find_category(
    shares: Shares,
    kind: ExplanationKind,
    category: Callable[[str], str],
    reduce: Reduce,
) -> list[FoundExplanation]:
    """Return the category whose share rose the most, where one changed.

    Args:
        shares: Both sides.
        kind: Of the explanation.
        category: Of a text; empty for a text that has none, which is left out.
        reduce: Makes the categories of texts equal.
    """
    values = shares.map(category)
    shares = shares.among(values[0] != "", values[1] != "")
    counts = [
        Counter(own[left].tolist())
        for own, left in zip(values, (shares.reference_left, shares.current_left), strict=True)
    ]
    if not all(counts):
        return []
    sizes = [own.total() for own in counts]
    rise = {
        name: counts[1][name] / sizes[1] - counts[0][name] / sizes[0]
        for name in counts[0].keys() | counts[1].keys()
    }
    top = max(sorted(rise), key=rise.__getitem__)
    usual, n_usual = counts[0].most_common(1)[0]
    explanation = shares.explain(
        kind,
        Candidate(
            (values[0] == top, values[1] == top),
            text=top,
            before=usual if n_usual >= MOST * sizes[0] and usual != top else "",
            reduce=reduce,
        ),
        n_candidates=len(rise),
        min_difference=least_natural(
            counts[0][top] / sizes[0], counts[1][top] / sizes[1], shares.min_difference
        ),
    )
    return [] if explanation is None else [explanation]

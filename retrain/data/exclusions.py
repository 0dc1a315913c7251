"""Examples excluded from a training set, by reason."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from retrain.data.example import Example

#: Reasons for which an example can't be trained on; those of the other reasons are superfluous.
LEAKED, TOO_LONG = "items of a benchmark", "longer than the recipe's max_length"
#: Examples listed per reason, unless more are wanted by this command.
LISTED = 20
ALL = "driftwarden retrain plan --dry-run --left-out {n}"


class Exclusions:
    """Counts of excluded examples by reason, with the names of the first."""

    def __init__(self, n_listed: int = LISTED) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._n_listed = n_listed
        #: Tokens of the longest example that is too long; 0: there is none.
        self.longest = 0

    def add(self, reason: str, example: Example, detail: str = "") -> None:
        """Record an excluded example; the detail is why it is one of this reason."""
        self._names[reason].append(f"{example.name} ({detail})" if detail else example.name)

    def add_all(self, reason: str, examples: Iterable[Example]) -> None:
        """Record examples excluded for the same reason."""
        for example in examples:
            self.add(reason, example)

    def count(self, *reasons: str) -> int:
        """Return the number of examples excluded for some reasons."""
        return sum(len(self._names.get(reason, ())) for reason in reasons)

    @property
    def counts(self) -> dict[str, int]:
        """Reason -> number of excluded examples."""
        return {reason: len(names) for reason, names in sorted(self._names.items())}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Reason -> names of the first excluded examples."""
        return {
            reason: tuple(sorted(names)[: self._n_listed])
            for reason, names in sorted(self._names.items())
        }

    def describe_untrainable(self) -> str:
        """Count and list the examples that leak or are too long; empty: there are none."""
        return "; ".join(
            describe_excluded(reason, self.count(reason), self.names[reason])
            for reason in (LEAKED, TOO_LONG)
            if self.count(reason)
        )


def describe_excluded(reason: str, n: int, names: Sequence[str]) -> str:
    """Return the number of examples excluded for a reason, with the names of the first."""
    more = n - len(names)
    listed = ", ".join(names) + (f" and {more} more (all: {ALL.format(n=n)})" if more > 0 else "")
    return f"{n} {reason}: {listed}"

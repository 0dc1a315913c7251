"""Examples excluded from a training set, by reason."""

from collections import defaultdict
from collections.abc import Iterable

from retrain.data.example import Example

#: Maximum examples named per reason.
MAX_NAMED = 10


class Exclusions:
    """Counts of excluded examples by reason, with the names of the first."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)

    def add(self, reason: str, example: Example) -> None:
        """Record an excluded example."""
        self._names[reason].append(example.name)

    def add_all(self, reason: str, examples: Iterable[Example]) -> None:
        """Record examples excluded for the same reason."""
        for example in examples:
            self.add(reason, example)

    def count(self, reason: str) -> int:
        """Return the number of examples excluded for a reason."""
        return len(self._names.get(reason, ()))

    @property
    def counts(self) -> dict[str, int]:
        """Reason -> number of excluded examples."""
        return {reason: len(names) for reason, names in sorted(self._names.items())}

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Reason -> names of the first excluded examples."""
        return {
            reason: tuple(sorted(names)[:MAX_NAMED])
            for reason, names in sorted(self._names.items())
        }

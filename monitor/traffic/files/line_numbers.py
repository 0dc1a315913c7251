"""Numbers of lines in messages."""

from collections.abc import Sequence

#: Runs of numbers that a message quotes.
RUNS_QUOTED = 5


def quote_numbers(numbers: Sequence[int], unit: str = "line") -> str:
    """Return ascending numbers as ``lines 1 to 4, 7``."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] + 1 >= number:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    texts = [f"{first} to {last}" if first != last else f"{first}" for first, last in runs]
    more = ", ..." if len(texts) > RUNS_QUOTED else ""
    plural = "s" if len(set(numbers)) > 1 else ""
    return f"{unit}{plural} {', '.join(texts[:RUNS_QUOTED])}{more}"

"""Numbers with their nouns."""


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun: "1 exchange", "2,048 exchanges"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

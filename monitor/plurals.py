"""Numbers of things, as a sentence says them."""


def pluralize(number: int, noun: str) -> str:
    """Return a number and its noun: "1 exchange", "2,048 exchanges"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

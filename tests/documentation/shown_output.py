"""Comparison of the output that a page shows with the real one."""

import re

#: What differs between two runs, and may differ from the page: times, sizes, digests, numbers of
#: seconds. Nothing else may.
VARYING = (
    (
        re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:\+00:00|Z| UTC)?)?"),
        "TIME",
    ),
    (re.compile(r"[\d,.]+ (?:bytes|kB|MB)\b"), "SIZE"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), "DIGEST"),
    (re.compile(r"\b[\d.]+ s\b"), "SECONDS"),
)
#: A line of the page for any number of lines.
ANY = "..."


def masked(text: str) -> list[str]:
    """Return the lines of an output, without what varies and without blank lines at its ends."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.strip().splitlines()]


def is_shown(on_page: str, real: str) -> bool:
    """Return whether the real output is that of the page; ``...`` in a page is for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == ANY else f"{re.escape(line)}\n" for line in masked(on_page)
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in masked(real))) is not None

"""Numbers, dates and ids of texts as a placeholder: a template with a date is constant then."""

import re

#: Stands for a number, a date or an id; of the private use area.
NUMBER = "\ue000"
#: Stands for some words on one line.
FILLER = "\ue001"
#: The placeholder as people read it.
SHOWN = "…"
_TIGHT = re.compile(rf"(?<=[\w:,])(?={FILLER})|{FILLER}(?=\w)")
_JOINED = re.compile(f"[{NUMBER}{FILLER}](?:[-.,:/ +]{{0,2}}[{NUMBER}{FILLER}])*")

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAYS = r"(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?"
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
# A word with a digit; names of days and months count where a number is beside them.
PATTERN = (
    rf"(?:(?<![^\W_])(?:{_UUID}|(?:(?:{_DAYS}|{_MONTHS})\.?,? +){{0,2}}"
    rf"(?=[a-z]*[0-9])[a-z0-9]+(?: +{_MONTHS}(?![a-z]))?))"
)
_MASKED = re.compile(PATTERN, re.IGNORECASE)
_DIGIT = re.compile("[0-9]")


def mask_numbers(text: str) -> str:
    """Return a text with a placeholder for each number, date and id.

    Example:
        >>> mask_numbers("[Tue, 3 Nov 2026 12:01] hi").replace(NUMBER, "#")
        '[# # #:#] hi'
    """
    return _MASKED.sub(NUMBER, text) if _DIGIT.search(text) else text


def show_numbers(text: str) -> str:
    """Return a masked text for a reader, with one placeholder for a date or a version.

    Example:
        >>> show_numbers(mask_numbers("[2026-11-03 12:01] version 4.2"))
        '[…] version …'
    """
    return _JOINED.sub(SHOWN, _TIGHT.sub(lambda tight: f"{tight[0]} ", text))

"""Claims of a response, and their numbers, codes and addresses."""

import re

from retrain.evaluation.metrics.tokens import european_digits, normalise, tokens

#: The end of a sentence; excludes points in numbers, addresses and abbreviations.
_END = re.compile(r"(?<=[.!?])[\"'”»)\]]*\s+(?=\S)|(?<=[。！？؟।])|\n+")  # noqa: RUF001
_MARKUP = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+")
#: A number with its separators, or a code with at least one digit, such as B-52 or ISO9001.
_NUMBER = re.compile(r"[A-Za-z]*(?:[A-Za-z]-)?\d(?:[\d.,:/'\u00a0\u066b\u066c-]*\d)?[A-Za-z]*")
#: Beginnings of courtesies, in normalised text.
_COURTESY = re.compile(
    r"(?:i )?hope (?:this|that|it) helps|(?:please )?(?:let me know|feel free|don't hesitate"
    r"|do not hesitate)|if you (?:have|need) (?:any|more|further)|(?:i'm|i am|i'd be|we're)?"
    r"(?: always)? ?(?:happy|glad|here) to help|thank(?:s| you)|you're welcome|(?:sure|of course"
    r"|certainly)\b|(?:hello|hi|dear)\b|(?:best|kind) regards|sincerely"
    r"|(?:ich hoffe|gern geschehen|vielen dank|danke|hallo|guten tag|sehr geehrte|mit freundlichen"
    r"|bei (?:weiteren )?fragen|natürlich\b|gerne\b)|(?:bonjour|merci|n'hésitez pas|cordialement"
    r"|bien sûr|j'espère)|(?:hola|gracias|por supuesto|espero que|no dude|saludos)"
)


def claims(response: str) -> list[str]:
    """Split a response into claims: its sentences and list items without questions.

    >>> claims("The fee is 3.5 EUR. Anything else?")
    ['The fee is 3.5 EUR.']
    """
    parts = (_MARKUP.sub("", part).strip() for part in _END.split(response))
    return [part for part in parts if tokens(part) and not part.endswith(("?", "？", "؟"))]  # noqa: RUF001


def numbers(text: str) -> set[tuple[str, ...]]:
    """Return the numbers, dates and codes of a text as tuples of parts in European digits.

    A date or time has several parts, an amount has one: 1,200.50 and 1.200,5 are equal.

    >>> sorted(numbers("Pay 1,200.50 EUR by 2026-03-01 for ISO9001."))
    [('1200.5',), ('2026', '3', '1'), ('iso9001',)]
    """
    matches = (match.group() for match in _NUMBER.finditer(european_digits(text)))
    return {_parts(match) for match in matches}


def addresses(text: str) -> set[str]:
    """Return the e-mail and web addresses of a text, in lower case."""
    return {match.group().rstrip(".,;)").casefold() for match in _ADDRESS.finditer(text)}


def is_courtesy(claim: str) -> bool:
    """Return whether a sentence greets, thanks or offers help."""
    return _COURTESY.match(normalise(claim)) is not None


def _parts(number: str) -> tuple[str, ...]:
    if any(entry.isalpha() for entry in number):
        return ("".join(entry for entry in number if entry.isalnum()).casefold(),)
    parts = re.split(r"[-/:]", number)
    if len(parts) == 1 and _is_dotted_date(number):
        parts = number.split(".")
    return tuple(_amount(part) for part in parts if part)


def _is_dotted_date(number: str) -> bool:
    groups = number.split(".")
    return len(groups) > 2 and any(len(group) != 3 for group in groups[1:])


def _amount(number: str) -> str:
    """Normalise an amount: no thousands separators, and a decimal point."""
    number = re.sub("['\u00a0\u066c]", "", number).replace("\u066b", ".")
    place = max(number.rfind("."), number.rfind(","))
    # Three digits after the only separator are thousands: 1.200 is 1200.
    if place >= 0 and len(number) - place - 1 == 3:
        place = -1
    whole = re.sub("[.,]", "", number if place < 0 else number[:place]).lstrip("0") or "0"
    fraction = "" if place < 0 else number[place + 1 :].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole

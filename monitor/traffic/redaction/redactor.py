"""Redactor of texts and exchanges: built-in detectors, configured patterns, optionally Presidio."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import TypeVar

from monitor.settings import Redaction
from monitor.traffic.redaction.account_numbers import (
    find_broken_cards,
    find_cards,
    find_ibans,
    find_ssns,
)
from monitor.traffic.redaction.bank_numbers import find_accounts
from monitor.traffic.redaction.birth_dates import find_birth_dates
from monitor.traffic.redaction.emails import find_emails
from monitor.traffic.redaction.national_ids import (
    alphanumeric_candidates,
    find_alphanumeric_ids,
    find_named_documents,
    find_national_ids,
)
from monitor.traffic.redaction.normalized_text import NormalizedText
from monitor.traffic.redaction.number_runs import Number, find_numbers
from monitor.traffic.redaction.passwords import find_passwords
from monitor.traffic.redaction.phone_numbers import find_phones
from monitor.traffic.redaction.secrets import find_secrets
from monitor.traffic.redaction.security_codes import find_security_codes
from monitor.traffic.redaction.text_scan import Place, Span, TextScan

#: A detector of names: returns the spans in a text.
Finder = Callable[[str], Iterable[Span]]

#: A place, or one with more.
AnyPlace = TypeVar("AnyPlace", Place, Number)

#: No national id or social security number has fewer digits.
MIN_DIGITS = 9
#: No card has fewer digits, of which two may be before a part of a very long number.
MIN_OF_CARD = 13 - 2
#: Texts without personal data that are known at once: their length and number.
MAX_REMEMBERED_CHARACTERS, MAX_REMEMBERED = 32, 4096
#: Kind of values that may be a phrase.
OF_PHRASES = "PASSWORD"
#: Rank of names, the least certain kind.
LAST_RANK = 1_000


class Redactor:
    """Redactor that replaces personal data by its kind: ``[EMAIL]``, ``[PHONE]``, a pattern's name.

    It detects data with a fixed form. Names have none: an extra finder detects them.

    >>> Redactor().redact("Write to ann@example.org or call +44 20 7946 0958.")
    'Write to [EMAIL] or call [PHONE].'
    """

    def __init__(
        self,
        patterns: Mapping[str, str] | None = None,
        *,
        extra_finder: Finder | None = None,
        pseudonymize: Callable[[str], str] | None = None,
    ) -> None:
        """Compile the patterns.

        ``extra_finder`` finds names, which have no form. The stable pseudonym of an id is by
        default that of :func:`pseudonym_of`.
        """
        self._patterns = [(name, re.compile(pattern)) for name, pattern in (patterns or {}).items()]
        self._extra_finder = extra_finder
        #: Short texts without personal data of a fixed form: labels, and names of metadata.
        self._clean: set[str] = set()
        self.pseudonymize = pseudonymize or pseudonym_of

    def find(self, text: str) -> list[Span]:
        """Return the spans of personal data, in order, without overlaps.

        Of overlapping spans the more certain kind wins: configured patterns, keys, e-mail
        addresses, IBANs, cards, social security numbers, phone numbers, then names.
        """
        if self._extra_finder is None:
            return self.find_forms(text)
        normalized = NormalizedText(text)
        ranked = self._ranked(normalized)
        for span in self._extra_finder(normalized.text):
            start, end = normalized.place(span.start, span.end)
            ranked.append((LAST_RANK, Span(start, end, span.kind)))
        return _without_overlaps(ranked)

    def find_forms(self, text: str) -> list[Span]:
        """Return the spans of personal data with a fixed form, without names."""
        is_short = len(text) <= MAX_REMEMBERED_CHARACTERS
        if is_short and text in self._clean:
            return []
        spans = _without_overlaps(self._ranked(NormalizedText(text)))
        if is_short and not spans:
            if len(self._clean) >= MAX_REMEMBERED:
                self._clean.clear()
            self._clean.add(text)
        return spans

    def redact(self, text: str) -> str:
        """Return the text with personal data replaced by its kind."""
        return replace_spans(text, self.find(text))

    def pseudonym(self, end_user: str) -> str:
        """Return an end user's id, or a stable pseudonym if the id is personal data.

        End users are the units of permutation tests, so two of them never share a pseudonym. With
        an extra finder every id is replaced: it may be a name that isn't detected.
        """
        if not end_user or (self._extra_finder is None and not self.find(end_user)):
            return end_user
        return self.pseudonymize(end_user)

    def _ranked(self, normalized: NormalizedText) -> list[tuple[int, Span]]:
        ranked: list[tuple[int, Span]] = []
        for rank, (kind, places) in enumerate(self._places(normalized.text, ranked)):
            ranked += [(rank, Span(start, end, kind)) for start, end in places if start < end]
        if normalized.text is not normalized.original:
            place = normalized.place
            ranked = [(rank, Span(*place(start, end), kind)) for rank, (start, end, kind) in ranked]
            ranked += [  # a pattern may be for the original form
                (rank, Span(*match.span(), name))
                for rank, (name, pattern) in enumerate(self._patterns)
                for match in pattern.finditer(normalized.original)
            ]
        return ranked

    def _places(
        self, text: str, ranked: list[tuple[int, Span]]
    ) -> Iterator[tuple[str, Iterable[Place]]]:
        """Yield the places of each kind; ``ranked`` has those that were yielded before.

        What lies within a more certain one is not looked at again.
        """
        if not text:
            return
        for name, pattern in self._patterns:
            yield name, (match.span() for match in pattern.finditer(text))
        scan = TextScan(text)
        yield "API_KEY", find_secrets(scan)
        if scan.has_words:
            yield OF_PHRASES, find_passwords(scan)
        if "@" in text or ("%" in text and "%40" in text):
            yield "EMAIL", find_emails(scan)
        if not scan.has_digit:
            return
        if scan.has_words:
            yield "NATIONAL_ID", find_named_documents(scan)
            if scan.has_three_digits or not text.isascii():
                yield "BIRTH_DATE", find_birth_dates(scan)
        if not scan.has_three_digits:
            return
        if scan.has_words:
            yield "SECURITY_CODE", find_security_codes(scan)
        near = _outside(alphanumeric_candidates(scan), ranked)
        yield "NATIONAL_ID", find_alphanumeric_ids(scan, near)
        if not scan.has_long_number:
            return
        numbers: Sequence[Number] = [*find_numbers(scan)]
        yield "BANK_ACCOUNT", find_accounts(scan, _windows(numbers))
        yield "IBAN", find_ibans(scan)
        cards = [*find_cards(scan, _windows(numbers, MIN_OF_CARD))]
        yield "CARD", cards
        yield "CARD", find_broken_cards(scan)
        numbers = _outside(numbers, ranked)
        yield "SSN", find_ssns(scan, _windows(numbers, MIN_DIGITS))
        yield "NATIONAL_ID", find_national_ids(scan, _windows(numbers, MIN_DIGITS))
        # A phone number ends where a card begins, as it does once the card is masked.
        yield "PHONE", find_phones(_without(text, cards), _windows(_outside(numbers, ranked)))


def _outside(places: Sequence[AnyPlace], ranked: list[tuple[int, Span]]) -> Sequence[AnyPlace]:
    """Return those of ascending places that no span contains."""
    if not ranked:
        return places
    spans = _without_overlaps(ranked)
    outside, number = [], 0
    for place in places:
        while number < len(spans) and spans[number].end < place[1]:
            number += 1
        if number == len(spans) or place[0] < spans[number].start:
            outside.append(place)
    return outside


def _windows(numbers: Iterable[Number], min_digits: int = 0) -> list[Place]:
    """Return where numbers of so many digits may be, with what may stand before them."""
    return [
        (max(0, number.start - 2), number.end)
        for number in numbers
        if number.n_digits >= min_digits
    ]


def _without(text: str, places: Iterable[Place]) -> str:
    """Return a text of the same length in which places are no digits."""
    parts, position = [], 0
    for start, end in places:
        parts += [text[position:start], "]" * (end - start)]
        position = end
    return "".join(parts) + text[position:] if parts else text


def replace_spans(text: str, spans: Iterable[Span]) -> str:
    """Return the text with each span, in order, replaced by its kind."""
    parts, position = [], 0
    for span in spans:
        parts += [text[position : span.start], f"[{span.kind}]"]
        position = span.end
    return "".join(parts) + text[position:] if parts else text


def build_redactor(settings: Redaction) -> Redactor | None:
    """Build the configured redactor; ``None`` where redaction is off.

    Raises:
        ConfigurationError: Presidio is enabled and the package or its model isn't installed.
    """
    if not settings.enabled:
        return None
    if not settings.presidio:
        return Redactor(settings.patterns)
    from monitor.traffic.redaction.presidio import PresidioFinder  # noqa: PLC0415 - takes a second

    return Redactor(settings.patterns, extra_finder=PresidioFinder(settings).find)


def pseudonym_of(end_user: str) -> str:
    """Return the stable pseudonym of an end user's id."""
    return "user-" + blake2b(end_user.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _without_overlaps(ranked: list[tuple[int, Span]]) -> list[Span]:
    """Keep the better ranked of overlapping spans; join those of equal rank."""
    if not ranked:
        return []
    result: list[tuple[int, Span]] = []
    for rank, span in sorted(ranked, key=itemgetter(1)):
        if not result or span.start >= result[-1][1].end:
            result.append((rank, span))
        elif rank == result[-1][0]:
            last = result[-1][1]
            result[-1] = (rank, Span(last.start, max(last.end, span.end), last.kind))
        elif rank < result[-1][0]:
            worse, last = result.pop()
            is_phrase = last.kind == OF_PHRASES  # with a key in it, of which the rest stays one
            if is_phrase and last.start < span.start:
                result.append((worse, last._replace(end=span.start)))
            result.append((rank, span))
            if is_phrase and last.end > span.end:
                result.append((worse, last._replace(start=span.end)))
        elif span.kind == OF_PHRASES and span.end > result[-1][1].end:
            result.append((rank, span._replace(start=result[-1][1].end)))
    return [span for _, span in result]

"""The redactor that config.toml describes: built-in forms, own patterns, Presidio on request."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b

from monitor.traffic.redaction.account_numbers import find_cards, find_ibans, find_ssns
from monitor.traffic.redaction.emails import find_emails
from monitor.traffic.redaction.phone_numbers import find_phones
from monitor.traffic.redaction.secrets import find_secrets
from monitor.traffic.redaction.span import Span
from monitor.traffic.redaction.text_scan import Place, TextScan

#: Finds names and places in a text: yields a kind and where it stands.
Finder = Callable[[str], Iterable[Span]]

#: Runs of digits that separators may divide: where numbers are looked for.
NUMBERS = re.compile(r"[0-9](?:[ ./()\u00a0\u2013-]{0,3}[0-9]){6,400}")


#: Names are the least sure of all: whatever has a form wins over them.
LAST_RANK = 1_000


class Redactor:
    """Replaces personal data by its kind: ``[EMAIL]``, ``[PHONE]``, or the name of a pattern.

    It finds what has a form. Names of people have none: that is what the further finder is for.

    >>> Redactor().redact("Write to ann@example.org or call +44 20 7946 0958.")
    'Write to [EMAIL] or call [PHONE].'
    """

    def __init__(
        self, patterns: Mapping[str, str] | None = None, *, extra_finder: Finder | None = None
    ) -> None:
        self._patterns = [(name, re.compile(one)) for name, one in (patterns or {}).items()]
        self._extra_finder = extra_finder

    def find(self, text: str) -> list[Span]:
        """Return what is personal in a text, in order, without overlaps.

        Where kinds overlap the surer one wins: own patterns, keys, addresses, IBANs, cards, social
        security numbers, phone numbers, then names.
        """
        ranked = [
            (rank, Span(start, end, kind))
            for rank, (kind, places) in enumerate(self._places(text))
            for start, end in places
        ]
        if self._extra_finder is not None:
            ranked += [(LAST_RANK, span) for span in self._extra_finder(text)]
        return _without_overlaps(ranked)

    def redact(self, text: str) -> str:
        """Return the text with what is personal replaced by its kind."""
        spans = self.find(text)
        if not spans:
            return text
        parts, position = [], 0
        for span in spans:
            parts += [text[position : span.start], f"[{span.kind}]"]
            position = span.end
        return "".join(parts) + text[position:]

    def pseudonym(self, end_user: str) -> str:
        """Return a user's id, or where it is personal data a stable name that isn't.

        The user is the unit that permutations keep together, so two users must not become one.
        With a finder of names every id is replaced: it may be a name that is not found as one.
        """
        if not end_user or (self._extra_finder is None and not self.find(end_user)):
            return end_user
        return pseudonym_of(end_user)

    def _places(self, text: str) -> Iterator[tuple[str, Iterable[Place]]]:
        for name, pattern in self._patterns:
            yield name, (match.span() for match in pattern.finditer(text))
        scan = TextScan(text)
        yield "API_KEY", find_secrets(scan)
        if "@" in text:
            yield "EMAIL", find_emails(scan)
        if not scan.has_long_number:
            return
        windows = [(max(0, one.start() - 2), one.end()) for one in NUMBERS.finditer(scan.text)]
        yield "IBAN", find_ibans(scan)
        yield "CARD", find_cards(scan, windows)
        yield "SSN", find_ssns(scan, windows)
        yield "PHONE", find_phones(scan, windows)


def pseudonym_of(end_user: str) -> str:
    """Return the stable name that stands for a user whose id isn't stored."""
    return "user-" + blake2b(end_user.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _without_overlaps(ranked: list[tuple[int, Span]]) -> list[Span]:
    """Keep the better ranked of two that overlap; equally ranked ones are joined."""
    if not ranked:
        return []
    kept: list[tuple[int, Span]] = []
    for rank, span in sorted(ranked, key=lambda one: one[1]):
        if not kept or span.start >= kept[-1][1].end:
            kept.append((rank, span))
        elif rank == kept[-1][0]:
            last = kept[-1][1]
            kept[-1] = (rank, Span(last.start, max(last.end, span.end), last.kind))
        elif rank < kept[-1][0]:
            kept[-1] = (rank, span)
    return [span for _, span in kept]

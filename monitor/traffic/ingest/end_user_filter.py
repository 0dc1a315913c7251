"""End users of a batch: the stored forms of their ids, and the records that are dropped."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from monitor.settings.models.names import ModelNames
from monitor.store.privacy.suppressions import RulesVersion
from monitor.store.traffic.dead_letters import DeadLetterRow
from monitor.store.traffic.position import HalfRow
from monitor.traffic.end_users.rules import PresentRules
from monitor.traffic.exchange import Exchange, Half, Labels
from monitor.traffic.ingest.own_id import replace_own_id
from monitor.traffic.joining import is_suppressed, suppress
from monitor.traffic.record import RawRecord
from monitor.traffic.redaction import Redactor, redact_exchange, redact_id
from monitor.traffic.sampling.observation_plan import header_text


class EndUserFilter:
    """Filter of one batch: drops what is of end users on the suppression list, and counts it."""

    def __init__(
        self,
        rules: PresentRules | None,
        redactor: Redactor | None,
        names: ModelNames,
        *,
        user_header: str,
    ) -> None:
        """Filter by some rules.

        Without ``rules`` nothing is stored; without a redactor personal data stays. The names of
        listed models are not redacted.
        """
        self._rules = rules
        self._redactor = redactor
        self._names = names
        self._user_header = user_header
        #: The list, where somebody is on it.
        self._list = rules.suppressed if rules is not None and len(rules.suppressed) else None
        #: Version of the list; ``None`` without rules.
        self.version: RulesVersion | None = None if rules is None else rules.version
        #: Source -> number of exchanges, halves and dead letters that were dropped.
        self.n_dropped: Counter[str] = Counter()

    def clean(self, exchange: Exchange) -> Exchange:
        """Return an exchange as it is stored: redacted, with the stored form of its end user."""
        clean = redact_exchange(exchange, self._redactor, self._names)
        if self._rules is None:
            return clean
        ids = self._rules.ids
        end_user = ids.stored_id(exchange.end_user, self._redactor)
        if end_user != exchange.end_user:
            clean = replace_own_id(clean, ids.spellings(exchange.end_user), end_user)
        return msgspec.structs.replace(clean, end_user=end_user)

    def clean_half(self, half: Half, record: RawRecord) -> Half:
        """Return a half as it is stored; that of somebody on the list only drops its partner."""
        join_id = redact_id(half.join_id, self._redactor)
        if self.drops(half.exchange, record):
            return suppress(Half(half.side, join_id, half.exchange))
        return Half(half.side, join_id, self.clean(half.exchange))

    def drops(self, exchange: Labels, record: RawRecord) -> bool:
        """Return whether content is of somebody on the list, by its own id or the header's."""
        if self._list is None:
            return False
        header = header_text(record.headers, self._user_header) if self._user_header else None
        if not (self._list.has(exchange.end_user) or self._list.has(header or "")):
            return False
        self.n_dropped[record.position.source] += 1
        return True

    def drops_pair(self, request: HalfRow, response: HalfRow) -> bool:
        """Return whether the exchange of two halves is of somebody on the list."""
        if is_suppressed(request) or is_suppressed(response):
            return True  # counted when it was read
        if not (self._lists(request) or self._lists(response)):
            return False
        self.n_dropped[request.position.source] += 1
        return True

    def drops_half(self, half: HalfRow) -> bool:
        """Return whether a half that found no partner is of somebody on the list."""
        if is_suppressed(half):
            return True
        if not self._lists(half):
            return False
        self.n_dropped[half.position.source] += 1
        return True

    def keep_dead_letters(
        self, dead_letters: Iterable[DeadLetterRow], record: RawRecord | None = None
    ) -> list[DeadLetterRow]:
        """Return the dead letters without those that name somebody on the list.

        Nothing is known of an unreadable record but its bytes: an id counts where it is a whole
        string or word of them, the key, or a header.
        """
        if self._list is None:
            return list(dead_letters)
        headers = [value for _, value in record.headers if value] if record is not None else []
        left = []
        for dead_letter in dead_letters:
            places = [dead_letter.value or b"", dead_letter.key or b"", *headers]
            if any(map(self._list.has_any_in, places)):
                self.n_dropped[dead_letter.position.source] += 1
            else:
                left.append(dead_letter)
        return left

    def _lists(self, half: HalfRow) -> bool:
        return self._list is not None and self._list.has(half.end_user)


def waiting_halves(halves: Sequence[HalfRow]) -> list[HalfRow]:
    """Return the halves without those that only drop their partner."""
    return [half for half in halves if not is_suppressed(half)]

"""End users' ids as they are stored, and all forms in which one may be stored."""

from collections.abc import Iterator
from functools import lru_cache

from monitor.settings import Privacy
from monitor.traffic.end_users.key_ring import KeyRing
from monitor.traffic.end_users.keys import tag_of
from monitor.traffic.end_users.normalization import normalize
from monitor.traffic.parsing.cleaning import clean_name
from monitor.traffic.redaction import Redactor, pseudonym_of

#: Ids whose pseudonym is remembered; active users send many records.
REMEMBERED = 65_536


class UserIds:
    """Normalization and pseudonyms by the settings and the keys."""

    def __init__(self, settings: Privacy, ring: KeyRing) -> None:
        self.ring = ring
        self._settings = settings
        self._tags = {key.tag for key in ring.keys}
        self._pseudonym = lru_cache(REMEMBERED)(self._derive)

    def __reduce__(self) -> tuple[type["UserIds"], tuple[Privacy, KeyRing]]:
        """Pickle what it was made of, without what it remembers."""
        return UserIds, (self._settings, self.ring)

    def normalized(self, end_user: str) -> str:
        """Return the one form of an id; a pseudonym of ours is one already."""
        if self.is_pseudonym(end_user):
            return end_user
        return normalize(
            end_user,
            ignore_case=self._settings.ignore_case,
            phone_region=self._settings.phone_region,
        )

    def is_pseudonym(self, end_user: str) -> bool:
        """Return whether an id is a pseudonym under one of the keys."""
        return tag_of(end_user) in self._tags

    def pseudonym(self, end_user: str) -> str:
        """Return the pseudonym under the newest key; one of ours, of any key, stays.

        What has only space is no id.
        """
        return self._pseudonym(end_user)

    def stored_id(self, end_user: str, redactor: Redactor | None = None) -> str:
        """Return an id as a new row has it.

        Where ids are stored as they are, those in which the redactor finds personal data get a
        pseudonym all the same.
        """
        if not end_user:
            return end_user
        if self._settings.user_ids == "as_is" and (
            redactor is None or redactor.pseudonym(end_user) == end_user
        ):
            return end_user
        return self._pseudonym(end_user)

    def forms(self, end_user: str) -> list[str]:
        """Return all forms in which the rows of an id may have it.

        As sent, normalized, the pseudonym under each key, and the unkeyed ones, which depend on
        case; and the pseudonyms of those, which a replayed record with one gets.
        """
        return list(dict.fromkeys(filter(None, self._forms(clean_name(end_user)))))

    def spellings(self, end_user: str) -> list[str]:
        """Return the forms in which texts may name an id: as sent and normalized."""
        return list(dict.fromkeys(filter(None, (end_user, self.normalized(end_user)))))

    def _forms(self, end_user: str) -> Iterator[str]:
        plain = self.spellings(end_user)
        yield from plain
        if not end_user or self.is_pseudonym(end_user):
            return
        cased = [text for form in plain for text in (form.upper(), form.title(), form.capitalize())]
        unkeyed = [pseudonym_of(spelling) for spelling in dict.fromkeys([*plain, *cased])]
        yield from unkeyed
        for key in self.ring.keys:
            for form in (end_user, *unkeyed):
                yield key.pseudonym(self.normalized(form))

    def _derive(self, end_user: str) -> str:
        if self.is_pseudonym(end_user):
            return end_user
        normalized = self.normalized(end_user)
        return self.ring.newest.pseudonym(normalized) if normalized else ""

"""Stored ids that resemble an id: perhaps the same end user, in a spelling that no rule joins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine

from monitor.plurals import pluralize
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_ids import distinct_end_users, rows_of_end_users
from monitor.traffic.end_users.user_ids import UserIds

Reason = Literal["edit", "domain", "local part", "tag", "country code", "digits", "separators"]

#: Shorter ids resemble each other by chance.
MIN_CHARACTERS = 6
#: Digits by which two phone numbers agree without their country codes.
MIN_DIGITS = 7
_EDITS = "abcdefghijklmnopqrstuvwxyz0123456789.-_@+"
#: Tags in addresses that people use often; a pseudonym with another one can't be guessed.
TAGS = (
    "account", "accounts", "ads", "ai", "alerts", "app", "apps", "auth", "bank", "banking",
    "beta", "bills", "bot", "bots", "business", "chat", "contact", "demo", "dev", "email",
    "family", "finance", "forum", "free", "games", "github", "google", "home", "info", "inbox",
    "insurance", "job", "jobs", "junk", "list", "lists", "login", "mail", "marketing", "me",
    "misc", "new", "news", "newsletter", "newsletters", "no-reply", "notifications", "offers",
    "office", "online", "orders", "other", "paypal", "personal", "play", "private", "promo",
    "qa", "register", "registration", "sales", "school", "service", "shop", "shopping", "shops",
    "signup", "social", "software", "spam", "store", "subscriptions", "support", "tech", "temp",
    "test", "test1", "test2", "tests", "testing", "travel", "trial", "uni", "updates", "user",
    "web", "work",
)  # fmt: skip
_SEPARATORS = re.compile(r"[-_. /]+")
_NUMBER = re.compile(r"\A\+?[0-9(][0-9 ()./-]{5,30}[0-9]\Z")


@dataclass(frozen=True)
class NearMatch:
    """A stored id that resembles the one of a request."""

    #: As it is stored: in clear, or a pseudonym.
    stored_id: str
    #: What the id would be; equal to ``stored_id`` of an id in clear.
    spelling: str
    reason: Reason
    n_rows: int

    def __str__(self) -> str:
        name = self.spelling
        if self.spelling != self.stored_id:
            name += f" (stored as {self.stored_id})"
        return f"{name}: {pluralize(self.n_rows, 'row')}, differs in: {self.reason}"


def near_matches(engine: Engine, request: ErasureRequest) -> list[NearMatch]:
    """Return stored ids that resemble the id of a complete request and are not of it.

    Of ids in clear: those at an edit distance of 1 (a character more, less, other, or two swapped),
    addresses with another domain or tag, ids with other separators, and numbers with other country
    codes. A pseudonym resembles nothing, so of pseudonyms only those of spellings that can be
    guessed are found: at an edit distance of 1, without the tag or with a common one
    (:data:`TAGS`), without the domain, with other separators, and with fewer digits.
    """
    ids = request.ids
    if ids is None or len(request.subject) < MIN_CHARACTERS:
        return []
    own, normalized = set(request.stored_ids), ids.normalized(request.subject)
    similar: dict[str, tuple[str, Reason]] = {}
    with transaction(engine) as connection:
        for stored_id in distinct_end_users(connection):
            if stored_id not in own and not ids.is_pseudonym(stored_id):
                reason = resemblance(normalized, ids.normalized(stored_id))
                if reason is not None:
                    similar.setdefault(stored_id, (stored_id, reason))
    guesses = {
        pseudonym: (spelling, reason)
        for spelling, reason in _guesses(normalized)
        for pseudonym in _pseudonyms(ids, spelling)
        if pseudonym not in own
    }
    with transaction(engine) as connection:
        n_rows = rows_of_end_users(connection, [*similar, *guesses])
    return [
        NearMatch(stored_id, *(similar.get(stored_id) or guesses[stored_id]), n_rows=n)
        for stored_id, n in sorted(n_rows.items())
    ]


def resemblance(first: str, second: str) -> Reason | None:
    """Return in what two normalized ids differ, if they resemble each other."""
    if first == second or min(len(first), len(second)) < MIN_CHARACTERS:
        return None
    of_numbers = _resemblance_of_numbers(first, second)
    return (
        of_numbers
        or _resemblance_of_addresses(first, second)
        or ("edit" if _is_one_edit(first, second) else None)
        or ("separators" if _without_separators(first) == _without_separators(second) else None)
    )


def _without_separators(text: str) -> str:
    return _SEPARATORS.sub("", text)


def _resemblance_of_numbers(first: str, second: str) -> Reason | None:
    if not (_NUMBER.match(first) and _NUMBER.match(second)):
        return None
    digits, other_digits = _digits(first), _digits(second)
    if digits == other_digits:
        return "digits"
    if min(len(digits), len(other_digits)) < MIN_DIGITS:
        return None
    return (
        "country code" if digits.endswith(other_digits) or other_digits.endswith(digits) else None
    )


def _resemblance_of_addresses(first: str, second: str) -> Reason | None:
    (local, at, domain), (other_local, other_at, other_domain) = (
        first.partition("@"),
        second.partition("@"),
    )
    if at and other_at:
        if domain != other_domain and local == other_local:
            return "domain"
        if domain == other_domain and local.partition("+")[0] == other_local.partition("+")[0]:
            return "tag"
    elif (at or other_at) and local == other_local:
        return "local part"
    return None


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text).lstrip("0")


def _is_one_edit(first: str, second: str) -> bool:
    """Return whether one insertion, deletion, replacement or swap makes two texts equal."""
    if abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    left, right = first[start:], second[start:]
    return (
        left[1:] == right[1:]
        or left[1:] == right
        or left == right[1:]
        or (left[:2] == right[1::-1] and left[2:] == right[2:] and len(left) > 1)
    )


def _pseudonyms(ids: UserIds, spelling: str) -> list[str]:
    normalized = ids.normalized(spelling)
    return [key.pseudonym(normalized) for key in ids.ring.keys]


def _guesses(text: str) -> Iterator[tuple[str, Reason]]:
    """Yield spellings that resemble a normalized id."""
    local, at, domain = text.partition("@")
    if at:
        yield from _other_addresses(local, domain)
    if _SEPARATORS.search(local):
        for separator in ("", "-", "_", ".", " ", "/"):
            yield _SEPARATORS.sub(separator, local) + at + domain, "separators"
    if text.startswith("+"):
        yield from _other_numbers(text)
    yield from ((spelling, "edit") for spelling in _edits(text))


def _other_addresses(local: str, domain: str) -> Iterator[tuple[str, Reason]]:
    yield local, "local part"
    base, plus, _ = local.partition("+")
    if plus:
        yield f"{base}@{domain}", "tag"
    elif len(local) >= MIN_CHARACTERS:
        yield local.replace(".", ""), "local part"
    for tag in (*TAGS, *_SEPARATORS.split(domain)):
        yield f"{base}+{tag}@{domain}", "tag"


def _other_numbers(text: str) -> Iterator[tuple[str, Reason]]:
    for n_code in (1, 2, 3):
        national = text[1 + n_code :]
        if len(national) >= MIN_DIGITS:
            yield national, "country code"
            yield f"0{national}", "country code"
    yield text[1:], "digits"


def _edits(text: str) -> Iterator[str]:
    """Yield the texts at an edit distance of 1."""
    for place in range(len(text) + 1):
        head, tail = text[:place], text[place:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        if tail:
            yield head + tail[1:]
        for character in _EDITS:
            yield head + character + tail
            if tail:
                yield head + character + tail[1:]

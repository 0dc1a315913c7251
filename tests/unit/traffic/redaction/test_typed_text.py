"""Texts of staff without personal data, and what was replaced in them."""

from typing import Any

from monitor.traffic.redaction import Redactor
from monitor.traffic.redaction.typed_text import (
    Replacement,
    count_kinds,
    describe_kinds,
    redact_typed,
)

MAIL = "ann@example.org"
REDACTOR = Redactor()


def redact(value: Any, **options: Any) -> tuple[Any, dict[str, dict[str, int]]]:
    clean, replacements = redact_typed(value, REDACTOR, **options)
    return clean, {replacement.field: dict(replacement.kinds) for replacement in replacements}


def test_text_is_stored_without_personal_data() -> None:
    clean, replacements = redact_typed(f"{MAIL}, {MAIL}", REDACTOR, field="comment")

    assert clean == "[EMAIL], [EMAIL]"
    assert [Replacement("comment", {"EMAIL": 2}, clean)] == replacements
    assert count_kinds(replacements) == {"EMAIL": 2}
    assert describe_kinds(count_kinds(replacements)) == "2 x [EMAIL]"


def test_every_text_of_a_document_is_read() -> None:
    document = {"a": MAIL, "b": [1, {"c": MAIL}], MAIL: None, "d": True, "e": 0.5}

    clean, fields = redact(document)

    assert clean == {
        "a": "[EMAIL]",
        "b": [1, {"c": "[EMAIL]"}],
        "[EMAIL]": None,
        "d": True,
        "e": 0.5,
    }
    assert {"a", "b.2.c", "(name)"} == set(fields)


def test_named_fields_are_unread_at_the_top_only() -> None:
    clean, fields = redact({"email": MAIL, "below": {"email": MAIL}}, unread={"email"})

    assert clean == {"email": MAIL, "below": {"email": "[EMAIL]"}}
    assert fields == {"below.email": {"EMAIL": 1}}


def test_stored_text_is_not_replaced_again() -> None:
    stored, _ = redact_typed(f"{MAIL} password: hunter22, call +44 20 7946 0958", REDACTOR)

    assert (stored, []) == redact_typed(stored, REDACTOR)

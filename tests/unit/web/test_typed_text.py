"""Bodies of requests without personal data, whatever their form."""

import json
from urllib.parse import parse_qs

import pytest

from monitor.traffic.redaction import Redactor
from monitor.web.typed_text import redact_body

MAIL = "ann@example.org"
REDACTOR = Redactor()


def redact(raw: bytes, *unread: str) -> tuple[bytes, dict[str, int]]:
    clean, replacements = redact_body(raw, REDACTOR, frozenset(unread))
    return clean, {
        replacement.field: sum(replacement.kinds.values()) for replacement in replacements
    }


@pytest.mark.parametrize(
    "raw",
    [
        b'{"text": "ann@example.org"}',
        b'{"text": "ann\\u0040example.org"}',
        b' {"text": "hello", "text": "ann@example.org"}',
    ],
)
def test_json_is_redacted_however_it_is_written(raw: bytes) -> None:
    clean, fields = redact(raw)

    assert json.loads(clean) == {"text": "[EMAIL]"}
    assert fields == {"text": 1}


@pytest.mark.parametrize(
    "raw",
    [b"text=ann@example.org", b"text=ann%40example.org", b"a=&text=ann%40example%2Eorg&b"],
)
def test_form_is_redacted_however_it_is_written(raw: bytes) -> None:
    clean, fields = redact(raw)

    assert parse_qs(clean.decode())["text"] == ["[EMAIL]"]
    assert fields == {"text": 1}


def test_repeated_fields_of_a_form_stay_repeated() -> None:
    clean, _ = redact(b"on=a&on=b&text=ann%40example.org&on=c")

    assert parse_qs(clean.decode())["on"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "raw", [b"", b"{", b'{"text": "hello"}', b"text=hello&n=1", b"\xff\xfe", b"[" * 100_000]
)
def test_body_without_personal_data_is_passed_on_unchanged(raw: bytes) -> None:
    assert (raw, {}) == redact(raw)


def test_fields_that_are_no_texts_stay() -> None:
    raw = f'{{"name": "{MAIL}", "password": "password: hunter22"}}'.encode()

    assert (raw, {}) == redact(raw, "name", "password")

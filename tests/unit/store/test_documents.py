"""Stored documents: words of a newer release stay, other faults are refused."""

import json
from typing import Any, Literal

import msgspec
import pytest

from monitor.stored_words import Words, labels
from monitor.table_types.documents import read_document


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a document."""

    kind: Literal["limit", "advance"]
    figures: dict[str, Literal["high", "low"]] = {}

    @property
    def decides(self) -> bool:
        return self.kind == "limit"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A document."""

    schema_version: Literal[1] = 1
    verdict: Literal["good", "bad"] | None = None
    checks: tuple[Check, ...] = ()
    first: Check | None = None


def content(word: str) -> dict[str, Any]:
    check = {"kind": word, "figures": {"n": word}}
    return {"schema_version": 1, "verdict": word, "checks": [check], "first": check}


def test_document_of_a_newer_release_keeps_its_words() -> None:
    result = read_document(content("zq_future"), Result)
    assert isinstance(result, Result)
    assert result.checks[0].decides is False
    assert json.loads(msgspec.json.encode(result)) == content("zq_future")


def test_document_of_this_release_has_its_own_type() -> None:
    (check,) = read_document([{"kind": "limit"}], list[Check])
    assert type(check) is Check
    assert check.decides


@pytest.mark.parametrize(
    "fault", [{"schema_version": 2}, {"verdict": 1}, {"checks": [{}]}, {"first": "none"}]
)
def test_other_faults_of_a_document_are_refused(fault: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_document(content("zq_future") | fault, Result)


def test_words_have_a_value_for_any_word() -> None:
    words = Words({"known": 1}, len)
    assert (words["known"], words["zq_future"]) == (1, 9)
    assert "zq_future" not in words
    assert labels({"a": "A"})["zq_future"] == "unknown (zq_future)"

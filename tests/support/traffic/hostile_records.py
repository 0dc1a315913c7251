"""Malformed records, derived from production records."""

import random
from collections.abc import Iterator
from typing import Any

from monitor.errors import RecordError
from monitor.traffic.decoder import REASONS
from monitor.traffic.exchange import Exchange
from tests.support.traffic.fixture_files import MAPPED_FIELDS, decode

#: What a value may be replaced by: every type, and what breaks parsers and databases.
WRONG_VALUES: tuple[Any, ...] = (
    *(None, True, -7, 10**30, 1.7e308, "", "text", "\x00\ud800", '[{"'),
    *([], ["text"], {}, {"text": {"text": []}}),
)


def check(value: bytes | None, **options: Any) -> str:
    """Decode any bytes.

    It has to give exchanges that a database takes, or a RecordError of a known reason.

    Returns:
        What came of it: ``exchange``, ``half``, ``nothing`` or the reason.
    """
    options = {"fields": MAPPED_FIELDS, **options}
    try:
        decoded = decode(value, **options)
    except RecordError as error:
        check_error(error)
        return error.reason
    for part in decoded.unreadable:
        check_error(part.error)
        assert part.value
    indices = [exchange.record_index for exchange in decoded.exchanges]
    indices += [half.exchange.record_index for half in decoded.halves]
    indices += [part.record_index for part in decoded.unreadable]
    assert len(indices) == len(set(indices)), "two parts of a record have one place"
    for half in decoded.halves:
        assert half.join_id
        check_exchange(half.exchange)
    for exchange in decoded.exchanges:
        assert exchange.model
        assert exchange.withheld or any(message.role == "user" for message in exchange.messages)
        check_exchange(exchange)
    if decoded.unreadable:
        return decoded.unreadable[0].error.reason
    return "exchange" if decoded.exchanges else "half" if decoded.halves else "nothing"


def check_error(error: RecordError) -> None:
    """Check that the reason is documented."""
    assert error.reason in REASONS


def check_exchange(exchange: Exchange) -> None:
    """Check that both databases can store the exchange."""
    texts = [exchange.exchange_id, exchange.model, exchange.task_type, exchange.end_user]
    texts.append(exchange.response)
    for message in exchange.messages:
        texts += [message.role, message.content]
    for key, value in exchange.attributes.items():
        assert isinstance(value, str | int | float)
        texts.append(key)
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, float):
            assert abs(value) < float("inf")
        else:
            assert abs(value) <= 2**63
    for text in texts:
        assert isinstance(text, str)
        assert "\x00" not in text
        text.encode("utf-8")
    assert exchange.occurred_at.tzinfo is not None


def paths(content: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Return every path in a JSON value, including the root."""
    yield path
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from paths(value, (*path, key))


def replaced(content: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy with another value at a path."""
    if not path:
        return value
    changed = content.copy()  # what isn't on the path is shared
    changed[path[0]] = replaced(content[path[0]], path[1:], value)
    return changed


def drop_path(content: Any, path: tuple[str | int, ...]) -> Any:
    """Return a copy without a path."""
    changed = content.copy()
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = drop_path(content[path[0]], path[1:])
    return changed


def mutated(value: bytes, rng: random.Random, remaining: list[bytes]) -> bytes:
    """Return the bytes after one to four random changes."""
    changed = bytearray(value)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        upto = min(len(changed), at + rng.choice((1, 2, 4, 16, 256)))
        match rng.randrange(8):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 1:
                changed[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
            case 2:
                del changed[at:upto]
            case 3:
                changed[at:at] = changed[at:upto] * rng.choice((2, 3, 50))
            case 4:
                other = rng.choice(remaining)
                start = rng.randrange(len(other))
                changed[at:upto] = other[start : start + rng.choice((1, 8, 64, 512))]
            case 5:
                del changed[at:]
            case 6:
                changed[at:at] = rng.choice(TOKENS)
            case _ if changed:
                changed[at % len(changed)] = rng.randrange(256)
    return bytes(changed)


def mutated_json(content: Any, rng: random.Random, remaining: list[Any]) -> Any:
    """Return a JSON value after one to four random changes of its structure."""
    for _ in range(rng.randint(1, 4)):
        places = list(paths(content))
        path = rng.choice(places)
        match rng.randrange(5):
            case 0 if path:
                content = drop_path(content, path)
            case 1:
                content = replaced(content, path, rng.choice(WRONG_VALUES))
            case 2:
                other = rng.choice(remaining)
                content = replaced(content, path, at(other, rng.choice(list(paths(other)))))
            case 3:
                content = replaced(content, path, at(content, rng.choice(places)))
            case _:
                value = at(content, path)
                if isinstance(value, str) and value:
                    cut = rng.randrange(len(value))
                    piece = rng.choice(TOKENS).decode("utf-8", "replace")
                    content = replaced(content, path, value[:cut] + piece + value[cut:])
    return content


def at(content: Any, path: tuple[str | int, ...]) -> Any:
    """Return the value at a path."""
    for key in path:
        content = content[key]
    return content


#: Pieces that parsers of JSON, UTF-8 and protobuf stumble over.
TOKENS = (
    *(
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\\u0000",
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ),
    *(
        b"1e400",
        b"-1e400",
        b"NaN",
        b"9" * 400,
        b"-",
        b"null",
        b"true",
        b"0",
        b":",
        b"\n",
        b"[" * 1100,
    ),
    *(
        b"\x0a",
        b"\x12\x00",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x80" * 11,
        b"\x2a\x02\x0a\x00",
        b"\x0b",
    ),
    *(b'"traceId"', b'"gen_ai.choice"', b'"kvlistValue"', b"redacted-by-litellm", b"data: [DONE]"),
)

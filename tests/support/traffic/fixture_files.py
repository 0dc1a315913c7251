"""Fixtures of production records, from ``tests/fixtures/traffic``."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from monitor.settings import Traffic
from monitor.store.traffic.position import Position
from monitor.traffic.decoder import Decoded, Decoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.formats import FORMATS
from monitor.traffic.record import RawRecord

FOLDER = Path(__file__).parents[2] / "fixtures" / "traffic"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
OTLP_NAMES = [name for name in NAMES if name.startswith("otel_")]
#: Where `mapped.json` has what.
MAPPED_FIELDS = {
    "prompt": "input.text",
    "response": "outputs.0.generated_text",
    "id": "call.id",
    "timestamp": "at",
    "model": "deployment.model",
    "task_type": "intent",
    "user": "customer",
    "metadata": ("feedback.thumbs_up", "latency_seconds=timing.total_s"),
}
#: When the fixtures' requests were made.
OCCURRED_AT = datetime(2026, 10, 30, 8, tzinfo=UTC)
READ_AT = datetime(2026, 11, 2, 12, tzinfo=UTC)
JOINED = {"enabled": True}


def load(name: str) -> Any:
    """Return a fixture's JSON."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def as_protobuf(content: dict[str, Any]) -> bytes:
    """Convert an OTLP message from JSON to protobuf."""
    request: Message = (
        ExportLogsServiceRequest() if "resourceLogs" in content else ExportTraceServiceRequest()
    )
    return json_format.ParseDict(_with_base64_ids(content), request).SerializeToString()


def values(name: str) -> list[bytes]:
    """Return the encodings of a fixture: JSON, and for OTLP also protobuf."""
    content = load(name)
    binary = [as_protobuf(content)] if name in OTLP_NAMES else []
    return [json.dumps(content).encode(), *binary]


def format_of(name: str) -> str:
    """Return the format of a fixture: the one that its name begins with."""
    matches = [entry for entry in FORMATS if f"{name}_".startswith(f"{entry}_")]
    return "opentelemetry" if name in OTLP_NAMES else max(matches, key=len, default="")


def decode(value: Any, *, key: bytes | None = b"key", **options: Any) -> Decoded:
    """Decode bytes, or an object as JSON."""
    raw = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    record = RawRecord(Position("topic", 1, 42), key, raw, READ_AT, read_at=READ_AT)
    return _decoder(repr(options), **options).decode(record)


def options_of(name: str) -> dict[str, Any]:
    """Return the settings of a fixture."""
    return {"fields": MAPPED_FIELDS} if name == "mapped" else {}


def read(name: str, **options: Any) -> Decoded:
    """Decode a fixture; both encodings of OTLP must give the same exchanges."""
    first, *remaining = [decode(value, **options_of(name), **options) for value in values(name)]
    for other in remaining:
        assert first.exchanges == other.exchanges
        assert first.halves == other.halves
        assert first.n_ignored == other.n_ignored
    assert first.unreadable == []
    return first


def read_one(name: str, **options: Any) -> Exchange:
    """Decode a fixture with one exchange."""
    (exchange,) = read(name, **options).exchanges
    return exchange


def _decoder(name: str, **options: Any) -> Decoder:
    """Return a cached decoder, because validating settings is slower than decoding."""
    if name not in _DECODERS:
        _DECODERS[name] = Decoder(
            Traffic(**options), default_model="assistant", requires_response=False
        )
    return _DECODERS[name]


_DECODERS: dict[str, Decoder] = {}


def _with_base64_ids(content: Any) -> Any:
    """Convert OTLP's hexadecimal ids to the base64 of protobuf's JSON."""
    if isinstance(content, list):
        return [_with_base64_ids(entry) for entry in content]
    if not isinstance(content, dict):
        return content
    return {
        key: base64.b64encode(bytes.fromhex(value)).decode()
        if key in {"traceId", "spanId", "parentSpanId"}
        else _with_base64_ids(value)
        for key, value in content.items()
    }

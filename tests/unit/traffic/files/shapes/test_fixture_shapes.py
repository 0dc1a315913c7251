"""Each shape's fixture, read as the exact exchanges that it holds."""

from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.settings import Traffic
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.reading import read_exchanges

FIXTURES = Path(__file__).parents[4] / "fixtures" / "shapes"


class Row(NamedTuple):
    """The expected values of an exchange."""

    #: The prompt.
    prompt: str
    response: str
    #: Roles of the messages, by first letter.
    roles: str = "u"
    end_user: str = ""
    model: str = ""


def row_of(exchange: Exchange) -> Row:
    """Return the compared parts of an exchange."""
    roles = "".join(message.role[0] for message in exchange.messages)
    return Row(exchange.prompt, exchange.response, roles, exchange.end_user, exchange.model)


CARD = "Where is my card?"
ROWS = {
    "sharegpt.jsonl": [
        Row(CARD, "It was sent on Monday.", "su", "chat-1"),
        Row("And the PIN?", "In a letter of its own.", "suau", "chat-1"),
        Row("Block my card.", '{"name": "block"}', "au", "chat-2"),
        Row("Block my card.", "It is blocked.", "auat", "chat-2"),
    ],
    "alpaca.jsonl": [
        Row("Translate into French.\n\nGood morning", "Bonjour"),
        Row("Name a prime number.", "7"),
        Row("And a larger one?", "11", "suau"),
    ],
    "openai_chat.jsonl": [
        Row("And my phone.", "phones", "suau"),
        Row("Weather in Rome?", 'weather({"city":"Rome"})'),
    ],
    "completions.jsonl": [Row("2 + 2 =", " 4"), Row("Say hi.", "Hi.")],
    "preferences.jsonl": [
        Row("Say hi.", "Hi!"),
        Row("Say bye.", "Bye!"),
        Row("Thanks.", "You're welcome."),
    ],
    "openai_batch_input.jsonl": [
        Row(f"What is a {thing}?", "", "su", "", "gpt-5-mini") for thing in ("fee", "card", "loan")
    ],
    "openai_batch_input.jsonl+openai_batch_output.jsonl": [
        Row("What is a fee?", "A price.", "su", "", "gpt-5-mini"),
        Row("What is a card?", "A piece of plastic.", "su", "", "gpt-5-mini"),
        Row("What is a loan?", "", "su", "", "gpt-5-mini"),
    ],
    "langfuse_observations.json": [
        Row(CARD, "On its way.", "su", "ann", "gpt-5"),
        Row("Cancel it.", "", "u", "bob", "gpt-5"),
    ],
    "langfuse_blob.jsonl": [Row(CARD, "On its way.", "su", "ann", "gpt-5")],
    "langfuse_traces.json": [Row(CARD, "On its way.", "u", "s-1")],
    "langsmith_runs.jsonl": [
        Row(CARD, "On its way.", "su", "thread-1", "gpt-5"),
        Row("Cancel it.", "Done.", "u", "", "gpt-5"),
    ],
    "phoenix_spans.jsonl": [
        Row(CARD, "On its way.", "su", "s-1", "gpt-5"),
        Row("Cancel it.", "Done.", "u", "s-1", "gpt-5"),
    ],
    "columns.jsonl": [
        Row(f"How do I change my {thing}?", f"Open the page {thing}.", "u", f"u-{number % 2}")
        for number, thing in enumerate(("name", "address", "PIN", "limit", "e-mail"))
    ],
}
ROWS |= {
    f"{name}.csv": ROWS[f"{name}.{ending}"]
    for name, ending in (
        ("langfuse_observations", "json"),
        ("langsmith_runs", "jsonl"),
        ("phoenix_spans", "jsonl"),
        ("columns", "jsonl"),
    )
}


def read(name: str, remarks: list[str]) -> list[Exchange]:
    """Read a fixture, all of whose lines are readable."""
    place = Path("+".join(str(FIXTURES / part) for part in name.split("+")))
    content = read_exchanges(
        place, Traffic(), default_model="", redactor=None, announce=remarks.append
    )
    assert [] == content.bad_lines
    return content.exchanges


@pytest.mark.parametrize("name", ROWS)
def test_shape_gives_its_exchanges_with_one_remark(name: str) -> None:
    remarks: list[str] = []

    exchanges = read(name, remarks)

    assert ROWS[name] == [row_of(exchange) for exchange in exchanges]
    assert (0 if name == "openai_chat.jsonl" else 1) == len(remarks)


def test_parquet_of_phoenix_reads_as_its_lines(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    json = pytest.importorskip("json")
    lines = (FIXTURES / "phoenix_spans.jsonl").read_text().splitlines()
    parquet.write_table(
        pa.Table.from_pylist([json.loads(line) for line in lines]), tmp_path / "spans.parquet"
    )

    content = read_exchanges(
        tmp_path / "spans.parquet",
        Traffic(),
        default_model="",
        redactor=None,
        announce=[].append,
    )

    assert ROWS["phoenix_spans.jsonl"] == [row_of(exchange) for exchange in content.exchanges]


@pytest.mark.parametrize(
    ("name", "occurred_at", "attributes"),
    [
        (
            "langfuse_observations.json",
            "2026-11-02T09:00:01+00:00",
            {
                "latency_seconds": 2.0,
                "cost_usd": 0.002,
                "prompt_tokens": 12,
                "completion_tokens": 4,
                "trace_id": "trace-1",
            },
        ),
        (
            "langsmith_runs.csv",
            "2026-11-02T09:00:01+00:00",
            {
                "latency_seconds": 1.5,
                "prompt_tokens": 12,
                "completion_tokens": 4,
                "trace_id": "run-0",
            },
        ),
        (
            "phoenix_spans.jsonl",
            "2026-11-02T09:00:01+00:00",
            {"latency_seconds": 2.0, "prompt_tokens": 12, "trace_id": "t-1"},
        ),
        ("columns.csv", "2026-11-01T10:00:00+00:00", {"rating": 0, "resolved": True}),
        ("columns.jsonl", "2026-11-01T10:00:00+00:00", {"rating": 0, "resolved": True}),
    ],
)
def test_shape_gives_time_and_metrics(
    name: str, occurred_at: str, attributes: dict[str, object]
) -> None:
    first = read(name, [])[0]

    assert occurred_at == first.occurred_at.isoformat()
    assert attributes == first.attributes


def test_failed_request_of_a_batch_is_an_error() -> None:
    name = "openai_batch_input.jsonl+openai_batch_output.jsonl"

    *_, failed = read(name, [])

    assert "batch_expired" == failed.attributes["error"]
    assert "request-3" == failed.exchange_id

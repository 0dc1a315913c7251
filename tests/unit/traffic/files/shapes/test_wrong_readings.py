"""Ways in which a file could silently give wrong exchanges."""

from collections.abc import Mapping
from typing import Any

import pytest

from monitor.errors import InputError
from monitor.traffic.files.reading import FileContent
from tests.support.refusals import refusal
from tests.support.traffic.objects import read_objects as read

Rows = list[dict[str, Any]]


def rows_of(n: int = 6, **columns: Any) -> Rows:
    """Return rows whose texts end with the row's number."""
    return [
        {
            name.replace("_0", " "): f"{value} {n}" if isinstance(value, str) else value(n)
            for name, value in columns.items()
        }
        for n in range(n)
    ]


def texts(content: FileContent) -> list[tuple[str, str]]:
    """Return prompts and responses."""
    return [(exchange.prompt, exchange.response) for exchange in content.exchanges]


EXPECTED = [(f"What? {n}", f"That. {n}") for n in range(6)]


@pytest.mark.parametrize(
    "columns",
    [
        {"answer": "That.", "question": "What?"},
        {"output": "That.", "input": "What?"},
        {"Model Output": "That.", "userMessage": "What?"},
        {"assistant": "That.", "user": "What?"},
        {"generation": "That.", "text": "What?"},
        {"response": "That.", "instruction": "What?", "context": "Long ago."},
    ],
    ids="+".join,
)
def test_order_of_columns_swaps_no_prompt_and_response(columns: Mapping[str, str]) -> None:
    assert EXPECTED == texts(read(rows_of(**columns)))


@pytest.mark.parametrize("name", ["system_prompt", "system"])
def test_system_prompt_is_no_prompt(name: str) -> None:
    content = read(rows_of(**{name: lambda _: "Be kind.", "question": "What?", "reply": "That."}))

    assert EXPECTED == texts(content)
    assert "system" == content.exchanges[0].messages[0].role


def test_constant_template_is_not_taken_for_the_prompt() -> None:
    rows = rows_of(prompt=lambda _: "You are kind.", question="What?", answer="That.")

    assert EXPECTED == texts(read(rows))


def test_number_under_the_name_of_a_response_is_a_metric() -> None:
    content = read(rows_of(question="What?", output=lambda n: n / 7))

    assert [""] * 6 == [exchange.response for exchange in content.exchanges]
    assert 1 / 7 == content.exchanges[1].attributes["output"]


def test_score_beside_the_response_is_a_metric() -> None:
    content = read(rows_of(question="What?", answer="That.", answer_score=lambda n: n / 7))

    assert EXPECTED == texts(content)
    assert 2 / 7 == content.exchanges[2].attributes["answer_score"]


@pytest.mark.parametrize(
    "name", ["ground_truth", "expected_output", "reference", "target", "label", "answer"]
)
def test_reference_is_no_response(name: str) -> None:
    rows = rows_of(**{name: "Gold.", "question": "What?", "model_output": "That."})

    assert EXPECTED == texts(read(rows))


@pytest.mark.parametrize("name", ["ground_truth", "expected_output", "reference", "target"])
def test_reference_alone_is_no_response(name: str) -> None:
    content = read(rows_of(**{name: "Gold.", "question": "What?"}))

    assert {""} == {exchange.response for exchange in content.exchanges}


@pytest.mark.parametrize("name", ["id", "request_id", "uuid", "run_id"])
def test_id_is_no_end_user(name: str) -> None:
    content = read(rows_of(**{name: "r", "question": "What?", "answer": "That."}))

    assert {""} == {exchange.end_user for exchange in content.exchanges}
    assert "r 3" == content.exchanges[3].exchange_id


def test_project_of_a_run_is_no_end_user() -> None:
    run = {
        "id": "r",
        "run_type": "llm",
        "session_id": "project",
        "inputs": {"messages": [{"role": "user", "content": "What?"}]},
        "outputs": {"content": "That."},
    }

    (exchange,) = read([run]).exchanges

    assert "" == exchange.end_user


@pytest.mark.parametrize("name", ["id", "index", "user_id", "Unnamed: 0", "updated_at", "row"])
def test_ids_and_row_numbers_are_no_metrics(name: str) -> None:
    rows = rows_of(12, question="What?", answer="That.", latency=lambda n: n * n, position=int)
    rows = [{**row, name: 1_700_000_000 + n} for n, row in enumerate(rows)]

    content = read(rows)

    assert {"latency"} == {key for exchange in content.exchanges for key in exchange.attributes}


def test_duration_named_time_is_no_timestamp() -> None:
    content = read(rows_of(question="What?", answer="That.", time=lambda n: n + 0.5))

    assert not content.exchanges[0].has_timestamp
    assert 1.5 == content.exchanges[1].attributes["time"]


def test_conversation_gives_each_turn_with_its_past_only() -> None:
    turns = [
        {"from": sender, "value": f"{sender} {n}"} for n in range(4) for sender in ("human", "gpt")
    ]

    exchanges = read([{"conversations": turns}]).exchanges

    assert [(f"human {n}", f"gpt {n}") for n in range(4)] == texts(FileContent(exchanges, []))
    for n, exchange in enumerate(exchanges):
        assert 2 * n + 1 == len(exchange.messages)
        assert f"gpt {n}" not in [message.content for message in exchange.messages]
    assert 1 == len({exchange.end_user for exchange in exchanges})
    assert 4 == len({exchange.record_index for exchange in exchanges})


def test_response_repeated_in_the_messages_is_no_context() -> None:
    turns = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "That."}]

    content = read([{"chat_messages": 1, "messages": turns[:1], "answer": "That."}] * 3)
    assert [("What?", "That.")] * 3 == texts(content)
    content = read([{"human": turns, "reply": "That."}] * 3)
    assert ["user"] == [message.role for message in content.exchanges[0].messages]


def test_whole_conversation_as_output_gives_its_last_message() -> None:
    turns = [{"type": "human", "content": "What?"}, {"type": "ai", "content": "That."}]
    run = {"run_type": "llm", "inputs": {"messages": turns[:1]}, "outputs": {"messages": turns}}

    assert [("What?", "That.")] == texts(read([run]))


def test_rejected_text_is_no_response() -> None:
    rows = rows_of(rejected="Bad.", prompt="What?", chosen="That.")

    assert EXPECTED == texts(read(rows))


def test_spans_around_a_call_are_no_exchanges() -> None:
    call = {"attributes.input.value": "What?", "attributes.output.value": "That."}
    spans = [
        {"context.span_id": f"{n}", "span_kind": kind, **call}
        for n, kind in enumerate(("AGENT", "CHAIN", "LLM", "RETRIEVER"))
    ]

    assert [("What?", "That.")] == texts(read(spans))


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("ambiguous_columns", rows_of(question="What?", query="Why?", answer="That.")),
        ("ambiguous_columns", rows_of(question="What?", output="That.", generation="This.")),
        ("ambiguous_columns", rows_of(instruction="Be kind", input="What?", reply="That.")),
        ("single_messages", rows_of(role=lambda n: ("user", "assistant")[n % 2], content="What?")),
        (
            "single_messages",
            rows_of(sender=lambda n: ("prompter", "bot")[n % 2], text="What?", chat_id="c"),
        ),
        ("rendered_conversations", rows_of(text="### Instruction: What? ### Response: That.")),
        ("rendered_conversations", rows_of(text="<|im_start|>user What?<|im_start|>assistant")),
        ("unknown_shape", rows_of(subject="What?", verdict="That.")),
        ("unknown_shape", rows_of(subject="What?", response="That.")),
        ("enclosed_rows", [{"data": rows_of(prompt="What?", response="That.")}]),
        ("enclosed_rows", [{"prompt": {"0": "What?", "1": "Why?"}, "n": {"0": 1, "1": 2}}]),
        ("enclosed_rows", [{"columns": ["prompt"], "index": [0], "data": [["What?"]]}]),
        ("no_exchange_in_shape", rows_of(custom_id="r", response=lambda _: {"body": {}})),
        (
            "no_exchange_in_shape",
            rows_of(run_type=lambda _: "chain", inputs=lambda _: {"q": "What?"}),
        ),
        (
            "no_exchange_in_shape",
            rows_of(traceId="t", type=lambda _: "SPAN", input="What?", output="That."),
        ),
    ],
)
def test_doubtful_file_is_refused(code: str, rows: Rows) -> None:
    with refusal(code, InputError):
        read(rows)


def test_user_ids_that_pandas_made_floats_are_ids() -> None:
    rows = rows_of(question="What?", reply="That.", user_id=float)
    del rows[1]["user_id"]

    assert ["0", "", "2", "3", "4", "5"] == [e.end_user for e in read(rows).exchanges]


def test_ambiguity_names_both_columns_and_the_setting() -> None:
    rows = rows_of(question="What?", query="Why?", answer="That.")

    with pytest.raises(InputError, match=r"'question' and 'query'.*traffic\.fields\.prompt"):
        read(rows)


def test_unknown_shape_names_keys_and_setting() -> None:
    with pytest.raises(InputError, match=r"email\.subject, email\.body, verdict.*traffic\.fields"):
        read([{"email": {"subject": "What?", "body": "That?"}, "verdict": "ok"}])


def test_response_after_the_first_rows_is_reported() -> None:
    rows = [{"question": f"What? {n}"} for n in range(501)]
    rows[500]["answer"] = "That."

    content = read(rows)

    assert [(501, "unknown_format")] == [(bad.number, bad.reason) for bad in content.bad_lines]


def test_role_of_the_author_beside_question_and_reply_is_kept() -> None:
    rows = rows_of(author_role=lambda n: ("admin", "user")[n % 2], question="What?", reply="That.")

    assert EXPECTED == texts(read(rows))

"""Rows of fine-tuning files in the forms that training reads."""

from typing import Any

from monitor.errors import InputError, RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.conversations import SHAREGPT
from monitor.traffic.files.shapes.instructions import ALPACA
from monitor.traffic.files.shapes.training_files import COMPLETIONS, PREFERENCES
from monitor.traffic.parsing.raw_exchange import RawExchange


def convert_training_row(row: Any) -> Any:
    """Return a row as a conversation, or as an input with its output.

    ShareGPT's rows are conversations that end with the last turn of the assistant; those of Alpaca,
    completions and preferences have one prompt, to which production's template applies. Other rows
    are unchanged.

    Raises:
        InputError: The row is broken, or has no response.
    """
    shapes = (SHAREGPT, ALPACA, COMPLETIONS, PREFERENCES)
    shape = next((s for s in shapes if isinstance(row, dict) and s.matches(row)), None)
    if shape is None:
        return row
    try:
        parts = [part for part in shape.read_object(row) if isinstance(part, RawExchange)]
    except RecordError as error:
        raise InputError(str(error), code=error.reason) from None
    last = parts[-1]
    if last.response is None:
        raise InputError(f"{shape.name}: no response", code="missing_response")
    common: dict[str, Any] = {"metadata": last.attributes}
    if last.task_type:
        common["task_type"] = last.task_type
    if shape is SHAREGPT:
        whole = (*last.messages, Message("assistant", last.response))
        return {"messages": _turns(whole), "metadata": common.pop("metadata") | common}
    is_text = [turn.role for turn in last.messages] == ["user"]
    prompt = last.messages[0].content if is_text else _turns(last.messages)
    return {"input": prompt, "output": last.response, **common}


def _turns(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in messages]

"""Alpaca: ``{"instruction", "input", "output"}``.

By the data card of Stanford Alpaca (tatsu-lab/stanford_alpaca, "Data Release"): ``input`` is the
optional context of the instruction, ``output`` the response. LLaMA-Factory's documentation
(data/README.md, "Alpaca Format") adds ``system`` and ``history``, a list of pairs of earlier texts.
"""

from collections.abc import Sequence

from monitor.errors import RecordError
from monitor.traffic.exchange import Message
from monitor.traffic.files.shapes.common_keys import read_common_keys
from monitor.traffic.files.shapes.shape import Object, Shape
from monitor.traffic.files.shapes.turns import decode_text
from monitor.traffic.parsing.raw_exchange import RawExchange, RecordPart


def _matches(content: Object) -> bool:
    return (
        isinstance(content.get("instruction"), str)
        and isinstance(content.get("output"), str | None)
        and "output" in content
        and isinstance(content.get("input"), str | None)
    )


def _read(content: Object) -> Sequence[RecordPart]:
    """Read one exchange; instruction and input are one prompt, as in the data's template."""
    system = content.get("system")
    messages = [Message("system", system)] if isinstance(system, str) and system else []
    history = decode_text(content.get("history")) or []
    for pair in history if isinstance(history, list) else [history]:
        if not (isinstance(pair, list) and len(pair) == 2):
            raise RecordError("wrong_type", "history: expected pairs of a prompt and a response")
        messages += [Message("user", str(pair[0])), Message("assistant", str(pair[1]))]
    parts = (content["instruction"], content.get("input") or "")
    messages.append(Message("user", "\n\n".join(part for part in parts if part)))
    response = content["output"]
    return [
        RawExchange(
            messages=tuple(messages),
            response=response,
            response_missing=response is None,
            **read_common_keys(content),
        )
    ]


ALPACA = Shape("Alpaca", _matches, _read, remark="instruction and input are one prompt")

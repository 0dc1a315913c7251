"""Values of columns as an export shows them: packed arrays, pages and bytes in readable form."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.privacy.erasure.masking import readable, unpacked
from monitor.store.windows.prompt_maps import unpack_prompt_map
from monitor.store.windows.sample_scores import unpack_scores

#: Columns of arrays over many exchanges: no text, read by their own functions or with the exchange.
ARRAYS = frozenset(
    {
        ("drift_evaluations", "sample_scores"),
        ("drift_evaluations", "prompt_map"),
        ("embedding_blocks", "prompt_vectors"),
        ("embedding_blocks", "response_vectors"),
        ("slow_drift_windows", "sums"),
    }
)

#: Roles of messages that the operator of the model wrote, the same for everybody.
INSTRUCTING = frozenset({"system", "developer"})
INSTRUCTIONS = "(the operator's instructions to the model)"


def presentable(value: Any) -> Any:
    """Return a value of the end user's own row: bytes as text, or in base64 where they are none."""
    if isinstance(value, bytes):
        try:
            return unpacked(value).decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    return value


def without_instructions(value: Any) -> Any:
    """Return a JSON value whose messages have no texts but those of the end user and the model."""
    if isinstance(value, dict):
        if "content" in value and value.get("role") in INSTRUCTING:
            return value | {"content": INSTRUCTIONS}
        return {key: without_instructions(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_instructions(part) for part in value]
    return value


def searchable(table: str, column: str, value: Any) -> Any:
    """Return a value of another row as text or JSON to be searched; ``None``: there is none."""
    return None if value is None or (table, column) in ARRAYS else readable(value)


def figures_of(table: str, column: str, value: Any, ids: Sequence[int]) -> list[str]:
    """Return the figures of the end user's exchanges in a packed array of an evaluation."""
    if value is None:
        return []
    if (table, column) == ("drift_evaluations", "sample_scores"):
        scores = unpack_scores(value)
        return [
            f"exchange {scores.ids[at]}: novelty {scores.novelty[at]:.6g}, "
            f"topic {scores.cluster[at]}"
            for at in np.flatnonzero(np.isin(scores.ids, ids))
        ]
    if (table, column) == ("drift_evaluations", "prompt_map"):
        stored = unpack_prompt_map(value)
        places = [
            (stored.current_ids, stored.current),
            (stored.reference_ids, stored.reference),
        ]
        return [
            f"exchange {map_ids[at]}: at {points[at][0]:.4f}, {points[at][1]:.4f}"
            for map_ids, points in places
            for at in np.flatnonzero(np.isin(map_ids, ids))
        ]
    return []


def numbers(vector: NDArray[np.float16]) -> dict[str, Any]:
    """Return a vector as its dimension and its numbers, which exactly give its half precision."""
    return {"dimension": len(vector), "numbers": " ".join(str(number) for number in vector)}


def strings_of(value: Any) -> Iterator[str]:
    """Yield the strings of a JSON value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, content in value.items():
            yield from strings_of(key)
            yield from strings_of(content)
    elif isinstance(value, list | tuple):
        for content in value:
            yield from strings_of(content)

"""Training examples of files in production's template, and the parts that they lack.

A row is a whole conversation (``messages``), or the parts of an example: ``input`` and ``output``,
with ``reasoning`` or ``criteria`` where the response states them first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.errors import InputError
from monitor.review.guidelines import Taxonomy, Template
from monitor.review.guidelines.prompt_template import DEFAULT_RESPONSE, Style

Row = dict[str, Any]

KEYS = ("input", "output", "reasoning", "criteria", "task_type", "metadata")
#: The style of an example by the part that it has, where its template names none.
_STYLES: dict[str, Style] = {"reasoning": "chain_of_thought", "criteria": "classification"}


def render_row(row: Any, taxonomy: Taxonomy) -> Any:
    """Return a row as a conversation in production's template; other rows are unchanged.

    The response has the form of the task type's template: reasoning or decision criteria first,
    then the final answer. A template of the style "direct" gets the default form of the part that
    the row has.

    Raises:
        InputError: A part is unknown, missing or of a wrong type, or is not the one that the
            template has.
    """
    if not isinstance(row, dict) or "messages" in row or "input" not in row:
        return row
    unknown = [key for key in row if key not in KEYS]
    if unknown:
        raise InputError(f"unknown key: {unknown[0]!r}; known here: {', '.join(KEYS)}")
    metadata = row.get("metadata") or {}
    task_type = str(row.get("task_type") or metadata.get("task_type") or "")
    messages = _prompt(row["input"])
    system_prompt = taxonomy.system_prompt_of(task_type).strip()
    if system_prompt and messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": system_prompt})
    response = _response(row, taxonomy.template_of(task_type), task_type)
    return {
        "messages": [*messages, {"role": "assistant", "content": response}],
        "metadata": {**metadata, **({"task_type": task_type} if task_type else {})},
    }


def missing_parts(rows: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> list[str]:
    """Return a remark on each task type whose guidelines ask for a part that examples lack.

    Self-generated responses, which don't exist yet, are not counted.
    """
    lacking: Counter[tuple[str, str]] = Counter()
    n: Counter[str] = Counter()
    for row in rows:
        task_type = str(row.get("metadata", {}).get("task_type") or "")
        template = taxonomy.template_of(task_type)
        n[task_type] += 1
        if template.split(row["messages"][-1]["content"]) is None:
            lacking[task_type, template.part] += 1
    return [
        f"{count} of {n[task_type]} examples of {task_type or 'no task type'} have no {part}, "
        f"which their guidelines ask for; trained on them, the model leaves the {part} out"
        for (task_type, part), count in sorted(lacking.items())
    ]


def missing_system_prompts(rows: Iterable[Mapping[str, Any]], taxonomy: Taxonomy) -> list[str]:
    """Return a remark on examples without a system message where production sends one."""
    n = n_lacking = 0
    for row in rows:
        n += 1
        task_type = str(row.get("metadata", {}).get("task_type") or "")
        has_one = any(message["role"] == "system" for message in row["messages"])
        n_lacking += not has_one and bool(taxonomy.system_prompt_of(task_type).strip())
    if not n_lacking:
        return []
    remark = (
        f"{n_lacking} of {n} examples have no system message, though production sends a system "
        "prompt: they are trained without it, as whole conversations are left as they are"
    )
    return [remark]


def _prompt(value: Any) -> list[dict[str, str]]:
    if isinstance(value, str) and value.strip():
        return [{"role": "user", "content": value}]
    if isinstance(value, list) and value and all(isinstance(turn, dict) for turn in value):
        return list(value)
    raise InputError('"input" must be a text, or a list of messages')


def _response(row: Mapping[str, Any], template: Template, task_type: str) -> str:
    final_answer = row.get("output")
    if not isinstance(final_answer, str) or not final_answer.strip():
        raise InputError('"output" must be a text')
    parts = {name: _part(row[name], name) for name in _STYLES if name in row}
    if len(parts) > 1:
        raise InputError('"reasoning" and "criteria" can\'t both stand before the output')
    if not parts:
        return final_answer.strip()
    ((name, text),) = parts.items()
    if not template.part:
        style = _STYLES[name]
        template = Template(style=style, response=DEFAULT_RESPONSE[style])
    if template.part != name:
        raise InputError(
            f"{name!r}, but the template of {task_type or 'production'} has {template.part}"
        )
    return template.write(text, final_answer.strip()).strip()


def _part(value: Any, name: str) -> str:
    if isinstance(value, list) and value and all(isinstance(entry, str) for entry in value):
        return "\n".join(f"- {entry.strip()}" for entry in value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InputError(f"{name!r} must be a text, or a list of texts")

"""Chat templates that refuse conversations."""

from typing import Any

import pytest
from jinja2 import TemplateError

from monitor.errors import InputError
from retrain.data.token_counts import TokenCounter
from retrain.models.chat_template import encode
from tests.support.refusals import refusal
from tests.support.retrain.tiny_model import OLD, examples


class NoSystemRole:
    """Renders as the templates of Mistral and Gemma do: the first role is the user's."""

    chat_template = "{% generation %}{% endgeneration %}"

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        batch = conversation if options.get("tokenize") else [conversation]
        if any(messages[0]["role"] == "system" for messages in batch):
            raise TemplateError("System role not supported")
        return {"input_ids": [[1] * len(messages) for messages in batch]}


def conversations(n_with_system: int, n: int = 5) -> list[list[dict[str, str]]]:
    made = [row["messages"] for row in examples(OLD, n)]
    system = {"role": "system", "content": "Be brief."}
    return [[system, *turns] if i < n_with_system else turns for i, turns in enumerate(made)]


def test_a_refused_role_is_no_traceback() -> None:
    with refusal(
        "chat_template_refuses", InputError, match="3 of 5 .*system, user, assistant"
    ) as e:
        encode(NoSystemRole(), conversations(3))
    assert "system_prompt" in str(e.value)
    assert encode(NoSystemRole(), conversations(0))["input_ids"] == [[1, 1]] * 5


def test_tokens_are_counted_or_the_refusal_is_reported() -> None:
    count = TokenCounter(NoSystemRole())
    assert count(conversations(0)) == [2] * 5
    with pytest.raises(InputError):
        count(conversations(1))

"""Chat templates with the generation marks that training needs."""

import re
from typing import Any

from monitor.errors import ModelError

#: ChatML with the marks that training needs. With ``default_system`` it renders what SmolLM2 was
#: instructed with.
CHATML = (
    "{%- for message in messages -%}"
    "{%- if loop.first and message['role'] != 'system' and default_system -%}"
    "{{ '<|im_start|>system\n' + default_system + '<|im_end|>\n' }}"
    "{%- endif -%}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{%- if message['role'] == 'assistant' -%}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{%- else -%}"
    "{{ message['content'] + '<|im_end|>' }}"
    "{%- endif -%}"
    "{{ '\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)

SMOLLM2_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

_GENERATION_MARK = re.compile(r"\{%-?\s*generation\s*-?%\}")


def chatml(default_system: str = "") -> str:
    """Return the ChatML template, with a system message for conversations that have none."""
    return f"{{%- set default_system = {default_system!r} -%}}" + CHATML


def has_generation_marks(template: Any) -> bool:
    """Tell whether a template marks what the assistant says."""
    text = template.get("default", "") if isinstance(template, dict) else template
    return isinstance(text, str) and _GENERATION_MARK.search(text) is not None


def require_generation_marks(tokenizer: Any, origin: str) -> None:
    """Check, before any training, that the assistant's turns can be told from the rest.

    Templates of well-known families without marks pass where TRL knows the same one with them.

    Raises:
        ModelError: There is no template, or one without marks that TRL doesn't know.
    """
    if not tokenizer.chat_template:
        raise ModelError(f"{origin}: the tokenizer has no chat template; give it one")
    if training_template(tokenizer) is None:
        raise ModelError(
            f"{origin}: the chat template doesn't mark the assistant's turns; put "
            "{% generation %} before and {% endgeneration %} after what the assistant "
            "says in chat_template.jinja, "
            "the end-of-turn token included"
        )


def training_template(tokenizer: Any) -> str | None:
    """Return the template that training renders with; ``None`` where there is none with marks."""
    own = tokenizer.chat_template
    if has_generation_marks(own):
        return str(own.get("default", "")) if isinstance(own, dict) else str(own)
    from trl.chat_template_utils import (  # noqa: PLC0415 - heavy, and rarely needed
        get_training_chat_template,
    )

    try:
        known = get_training_chat_template(tokenizer)
    except ValueError:
        return None
    return known if has_generation_marks(known) else None

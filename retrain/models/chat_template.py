"""Chat templates with the generation marks that training needs."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from monitor.errors import InputError, ModelError
from retrain.models.response_marks import marks_problem

#: ChatML with generation marks. With ``default_system`` it renders SmolLM2's original template.
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
    """Return the ChatML template with a default system message."""
    return f"{{%- set default_system = {default_system!r} -%}}" + CHATML


def has_generation_marks(template: Any) -> bool:
    """Return whether a template marks the assistant's turns."""
    text = template.get("default", "") if isinstance(template, dict) else template
    return isinstance(text, str) and _GENERATION_MARK.search(text) is not None


def require_generation_marks(tokenizer: Any, ends: Collection[int], origin: str) -> None:
    """Require that training can separate the assistant's turns from the other turns.

    A template without marks passes if TRL ships a marked version of it.

    ``ends`` are ids of the tokens that end a response. Errors name the template by ``origin``.

    Raises:
        ModelError: There is no template, it has no marks and TRL ships no marked version, or its
            marks don't locate the responses.
    """
    if not tokenizer.chat_template:
        raise ModelError(
            f"{origin}: the tokenizer has no chat template; name a file with one in the recipe "
            "(chat_template)",
            code="no_chat_template",
        )
    template = training_template(tokenizer)
    if template is None:
        raise ModelError(
            f"{origin}: the chat template doesn't mark the assistant's turns; put "
            "{% generation %} before and {% endgeneration %} after the assistant's message "
            "and its end-of-turn token in a copy of it, and name the copy in the recipe "
            "(chat_template)",
            code="no_generation_marks",
        )
    if not has_generation_marks(tokenizer.chat_template):
        return  # TRL's own marks
    problem = marks_problem(tokenizer, template, ends)
    if problem:
        raise ModelError(
            f"{origin}: the chat template doesn't locate the responses: {problem}",
            code="wrong_generation_marks",
        )


def training_template(tokenizer: Any) -> str | None:
    """Return the marked template for training; ``None`` if none exists."""
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


def encode(
    tokenizer: Any, conversations: Sequence[Sequence[dict[str, str]]], **options: Any
) -> Any:
    """Render and tokenize conversations; ``options`` go to ``apply_chat_template``.

    Raises:
        InputError: The template refuses conversations; the message says how many, and why.
    """
    from jinja2 import TemplateError  # noqa: PLC0415 - rarely needed
    from jinja2.exceptions import SecurityError  # noqa: PLC0415

    batch = [list(conversation) for conversation in conversations]
    try:
        return tokenizer.apply_chat_template(batch, tokenize=True, return_dict=True, **options)
    except SecurityError as error:  # it may take seconds for each conversation
        raise _refusal(batch, len(batch), error) from error
    except TemplateError as error:
        refused = [first for first in batch if not _renders(tokenizer, first, options)]
        raise _refusal(refused or batch, len(batch), error) from error


def _renders(tokenizer: Any, conversation: list[dict[str, str]], options: dict[str, Any]) -> bool:
    from jinja2 import TemplateError  # noqa: PLC0415

    template = options.get("chat_template")
    try:
        tokenizer.apply_chat_template(conversation, chat_template=template, tokenize=False)
    except TemplateError:
        return False
    return True


def _refusal(refused: Sequence[Sequence[dict[str, str]]], n: int, error: Exception) -> InputError:
    roles = [message["role"] for message in refused[0]]
    advice = (
        ". Where a template knows no system role, leave system messages out, and with them the "
        "model's system_prompt; production can't send one either"
        if "system" in roles
        else ""
    )
    return InputError(
        f"the base's chat template refuses {len(refused)} of {n} conversations, the first with the "
        f"roles {', '.join(roles)}: {str(error).rstrip('.')}{advice}",
        code="chat_template_refuses",
    )

"""Check that a chat template's marks locate the responses, and what ends them."""

from collections.abc import Collection
from typing import Any

Conversation = list[dict[str, str]]

#: Texts that no template has, without white space at their ends, which some templates strip.
_PROMPT, _RESPONSE = "Prompt zq7 of turn {}.", "Response vx4 to turn {}."
#: Characters of a template's text that a refusal quotes.
_QUOTED = 60


def end_tokens(tokenizer: Any, generation: Any) -> list[int]:
    """Return the ids of the tokens that end a response, in ascending order.

    The model's generation config may name further ones.
    """
    ids = getattr(generation, "eos_token_id", None)
    further = [ids] if isinstance(ids, int) else list(ids or ())
    return sorted({*further, tokenizer.eos_token_id} - {None})


def marks_problem(tokenizer: Any, template: str, ends: Collection[int]) -> str:
    """Return why a template's marks don't locate the responses; empty: they do.

    A conversation of one turn, and one of two turns where the template renders those, must have
    each response in a marked text of its own. That text begins where production's rendering of the
    prompt ends, in tokens too, and ends with a token that ends a response: otherwise the model
    would learn its prompts, responses after other prompts than production's, or not to stop.

    ``ends`` are ids of the tokens that end a response.
    """
    for n_turns in (1, 2):
        turns = _turns(n_turns)
        try:
            text, spans = _render(tokenizer, template, turns)
            prompts = [
                _render(tokenizer, template, turns[: 2 * i + 1], prompt=True)[0]
                for i in range(n_turns)
            ]
        except Exception as error:  # noqa: BLE001 - a template is a program, and can raise anything
            if n_turns == 2:
                return ""  # it refuses a second turn
            return f"it can't be rendered: {type(error).__name__}: {str(error).rstrip('.')}"
        problem = _text_problem(turns, text, spans)
        for i, prompt in enumerate(prompts):
            response = turns[2 * i + 1]["content"]
            problem = problem or _span_problem(response, text, spans, prompt)
            problem = problem or _token_problem(tokenizer, text, prompt)
            problem = problem or _end_problem(tokenizer, response, text, spans, ends)
        if problem:
            return problem
    return ""


def _turns(n: int) -> Conversation:
    return [
        {"role": role, "content": content.format(number)}
        for number in range(1, n + 1)
        for role, content in (("user", _PROMPT), ("assistant", _RESPONSE))
    ]


def _render(
    tokenizer: Any, template: str, turns: Conversation, *, prompt: bool = False
) -> tuple[str, list[tuple[int, int]]]:
    """Return the rendered text, and the marked parts as positions of characters."""
    from transformers.utils.chat_template_utils import (  # noqa: PLC0415 - heavy
        render_jinja_template,
    )

    texts, spans = render_jinja_template(
        conversations=[turns],
        chat_template=template,
        return_assistant_tokens_mask=True,
        add_generation_prompt=prompt,
        **tokenizer.special_tokens_map,
    )
    return texts[0], [tuple(span) for span in spans[0]]


def _text_problem(turns: Conversation, text: str, spans: list[tuple[int, int]]) -> str:
    for message in turns:
        if message["content"] not in text:
            return f"it leaves out the {message['role']}'s message, or changes its text"
    marked = [text[begin:end] for begin, end in spans]
    for message in turns:
        if message["role"] == "user" and any(message["content"] in part for part in marked):
            return "its marks include the user's message"
    return ""


def _span_problem(response: str, text: str, spans: list[tuple[int, int]], prompt: str) -> str:
    begin, _ = _span_of(response, text, spans)
    if begin < 0:
        return "its marks don't include the whole of the assistant's message"
    if not text.startswith(prompt):
        return (
            "with add_generation_prompt it renders another text than before a response in training"
        )
    if begin < len(prompt):
        return f"its marks include text of the prompt, {_quote(text[begin : len(prompt)])}"
    between = text[len(prompt) : begin]
    if between.strip():
        return (
            f"{_quote(between)} is neither marked nor part of what it renders with "
            "add_generation_prompt"
        )
    return ""


def _token_problem(tokenizer: Any, text: str, prompt: str) -> str:
    """Return whether the prompt has other tokens where a response follows, as after a space."""
    before, whole = (_tokens(tokenizer, part) for part in (prompt, text))
    if whole[: len(before)] == before:
        return ""
    return (
        f"what it renders before a response, {_quote(prompt[-_QUOTED:])}, has other tokens where "
        "the response follows: end it with a special token or a line break, not with a space"
    )


def _end_problem(
    tokenizer: Any,
    response: str,
    text: str,
    spans: list[tuple[int, int]],
    ends: Collection[int],
) -> str:
    tail = text[text.index(response) + len(response) : _span_of(response, text, spans)[1]]
    if set(_tokens(tokenizer, tail)) & set(ends):
        return ""
    named = ", ".join(tokenizer.convert_ids_to_tokens(sorted(ends))) or "none"
    written = f"the marked text ends with {_quote(tail)}" if tail else "the marks end there"
    return (
        f"no token that ends a response ({named}) follows the assistant's message, but {written}: "
        "the model would not learn to stop. Put {{ eos_token }} there, before {% endgeneration %}"
    )


def _tokens(tokenizer: Any, text: str) -> list[int]:
    # Not verbose: a small model's context may be shorter than the conversation.
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _span_of(response: str, text: str, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """Return the marked part with the response; -1, -1 if there is none."""
    begin = text.find(response)
    return next(
        (span for span in spans if span[0] <= begin and begin + len(response) <= span[1]), (-1, -1)
    )


def _quote(text: str) -> str:
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}...")

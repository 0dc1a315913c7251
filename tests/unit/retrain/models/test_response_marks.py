"""Marks of a chat template: they locate each response and what ends it, or are refused."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.errors import ModelError
from retrain.models.base_model import BaseModel, load_tokenizer, prepare_base
from retrain.models.chat_template import chatml
from retrain.models.response_marks import end_tokens, marks_problem
from tests.support.refusals import refusal
from tests.support.retrain.templates import (
    MARKED,
    PROMPT,
    RESPONSE,
    character_tokenizer,
    save_tokenizer,
)

pytestmark = pytest.mark.language_model
END = "<|im_end|>"
UNMARKED = MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return character_tokenizer(MARKED)


def problem_of(tokenizer: Any, template: str) -> str:
    return marks_problem(tokenizer, template, end_tokens(tokenizer, None))


@pytest.mark.parametrize(
    "template",
    [
        MARKED,
        chatml(),
        chatml("Be brief."),
        # A template that refuses a second turn is one for single turns.
        "{% if messages|length > 2 %}{{ raise_exception('one turn') }}{% endif %}" + MARKED,
        # Text of a response's own, such as an empty chain of thought, is a part of it.
        MARKED.replace("{% generation %}", "{% generation %}<think></think>"),
        MARKED.replace("{%", "{%-").replace("A:\n", "{{ 'A:\\n' }}"),
    ],
    ids=["marked", "chatml", "default-system", "one-turn", "own-text", "stripped"],
)
def test_marks_that_locate_the_responses_pass(tokenizer: Any, template: str) -> None:
    assert problem_of(tokenizer, template) == ""


@pytest.mark.parametrize(
    ("template", "fact"),
    [
        (MARKED.replace("{{ eos_token }}", ""), END),
        (MARKED.replace("{{ eos_token }}", "</s>"), "'</s>'"),
        (
            MARKED.replace(
                "{{ eos_token }}{% endgeneration %}", "{% endgeneration %}{{ eos_token }}"
            ),
            END,
        ),
        (MARKED.replace("A:\n{% generation %}", "{% generation %}A:\n"), r"'A:\n'"),
        (
            MARKED.replace("{% if add_generation_prompt %}A:\n{% endif %}", ""),
            "add_generation_prompt",
        ),
        (
            MARKED.replace("}A:\n{% endif %}", "}B:\n{% endif %}"),
            "add_generation_prompt",
        ),
        (MARKED.replace(PROMPT, f"{{% generation %}}{PROMPT}{{% endgeneration %}}"), "user"),
        (UNMARKED.replace(PROMPT, f"{{% generation %}}{PROMPT}{{% endgeneration %}}"), "user"),
        (f"{{% generation %}}{UNMARKED}{{% endgeneration %}}", "user"),
        (
            MARKED.replace(RESPONSE, "{% generation %}{% endgeneration %}{{ message.content }}"),
            "assistant",
        ),
        (MARKED.replace("'assistant'", "'assistant' and loop.last"), "assistant"),
        (MARKED.replace("message.content }}{{ eos", "message.content|upper }}{{ eos"), "assistant"),
        (MARKED.replace(PROMPT, "user:\n"), "user"),
        # transformers locates marks wrongly within a macro and within a set block.
        (
            MARKED.replace(f"A:\n{RESPONSE}", "{{ turn(message) }}").replace(
                "{% for", f"{{% macro turn(message) %}}A:\n{RESPONSE}{{% endmacro %}}{{% for", 1
            ),
            r"'A:\n'",
        ),
        (
            MARKED.replace("A:\n{% generation %}", "{% set x %}A:\n{% generation %}").replace(
                "{% endgeneration %}", "{% endgeneration %}{% endset %}{{ x }}"
            ),
            r"'A:\n'",
        ),
        (MARKED.replace("{% endfor %}", ""), "TemplateSyntaxError"),
        (MARKED.replace("message.content }}{{ eos", "message.content + x.y }}{{ eos"), "Undefined"),
        (MARKED.replace("message.content }}{{ eos", "message.content + 1 }}{{ eos"), "TypeError"),
        (f"{{% generation %}}{{% endgeneration %}}{UNMARKED}", "assistant"),
    ],
    ids=[
        "no-end", "another-end", "end-outside", "header-marked", "no-generation-prompt",
        "another-generation-prompt", "prompts-too", "prompts-only", "everything", "empty-marks",
        "last-turn-only", "upper-case", "no-prompt", "macro", "set-block", "syntax", "undefined",
        "type", "empty-marks-first",
    ],
)  # fmt: skip
def test_marks_that_miss_the_responses_are_named(tokenizer: Any, template: str, fact: str) -> None:
    assert fact in problem_of(tokenizer, template)


def test_documented_template_passes(tokenizer: Any) -> None:
    page = Path(__file__).parents[4] / "docs" / "how-to" / "train.md"
    (template,) = re.findall(r"```jinja\n(.+?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert problem_of(tokenizer, template) == ""


def test_generation_config_names_further_ends(tokenizer: Any) -> None:
    own = tokenizer.eos_token_id
    assert end_tokens(tokenizer, None) == [own]
    for ids, expected in ((5, {5, own}), ([7, own], {7, own}), (None, {own})):
        assert end_tokens(tokenizer, SimpleNamespace(eos_token_id=ids)) == sorted(expected)
    ended_by_x = MARKED.replace("{{ eos_token }}", "x")
    token_of_x = tokenizer.convert_tokens_to_ids("x")
    assert marks_problem(tokenizer, ended_by_x, [own, token_of_x]) == ""
    assert marks_problem(tokenizer, ended_by_x, [own])
    assert marks_problem(tokenizer, MARKED, [])


def test_base_without_template_gets_the_recipes(tmp_path: Path) -> None:
    name = save_tokenizer(tmp_path / "base", None)
    with refusal("no_chat_template", ModelError, match="chat_template"):
        prepare_base(name, tmp_path)
    with refusal("wrong_generation_marks", ModelError):
        prepare_base(name, tmp_path, chat_template=MARKED.replace("{{ eos_token }}", ""))
    base = prepare_base(name, tmp_path, chat_template=MARKED)
    assert base == BaseModel(name, "", MARKED)
    turns = [{"role": "user", "content": "Why?"}]
    text = load_tokenizer(base).apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True
    )
    assert text == "user: Why?\nA:\n"

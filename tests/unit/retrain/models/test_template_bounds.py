"""Chat templates of models and recipes that would run code, never end, or fill the memory."""

import time
from typing import Any

import pytest
from jinja2.exceptions import SecurityError, TemplateError

from retrain.models import template_bounds
from retrain.models.chat_template import CHATML
from retrain.models.template_bounds import BoundedEnvironment
from tests.support.retrain.templates import MARKED

EXHAUSTING = {
    "loops": "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
    "filtered loops": "{% set r = range(99999) %}{% for a in r %}"
    "{% for b in r if false %}{% endfor %}{% endfor %}",
    "recursive macros": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}"
    "{% endmacro %}{{ f(60) }}",
    "a product": "{{ 'x' * 9999999999 }}",
    "a list": "{{ ([1] * 9999999999) | length }}",
    "a power": "{{ 10 ** 9999999999 }}",
    "powers of powers": "{% set ns = namespace(x=10) %}{% for i in range(30) %}"
    "{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "doubling": "{% set ns = namespace(x='x') %}{% for i in range(50) %}"
    "{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "sums": "{% set ns = namespace(x='x') %}{% for i in range(50) %}"
    "{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "a width": "{{ 'x' | center(9999999999) }}",
    "a method's width": "{{ 'x'.ljust(9999999999) }}",
    "a format": "{{ '%9999999999d' | format(1) }}",
    "an operator's format": "{{ '%9999999999d' % 1 }}",
    "a format's argument": "{{ '%*d' % (9999999999, 1) }}",
    "a method's format": "{{ '{:9999999999}'.format(1) }}",
    "replacing": "{% set x = 'x' * 9999 %}{{ x | replace('x', x) }}",
    "joining": "{% set x = 'x' * 99999 %}{{ (range(9999) | list) | join(x) }}",
    "indentation": "{{ [1] | tojson(indent=9999999999) }}",
    "output": "{% set x = 'x' * 99999 %}{% for a in range(99999) %}{{ x }}{% endfor %}",
    "blocks": "{% set x = 'x' * 99999 %}{% set y %}{% for a in range(99999) %}{{ x }}"
    "{% endfor %}{% endset %}",
}
ESCAPES = {
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "a file": "{% include '/etc/passwd' %}",
    "changes": "{{ messages.append(1) }}",
}


def environment() -> Any:
    made = BoundedEnvironment(trim_blocks=True, lstrip_blocks=True)
    made.filters["tojson"] = lambda value, indent=None: "\n" + " " * indent
    return made


def render(template: str) -> str:
    return str(environment().from_string(template).render(messages=[]))


@pytest.mark.parametrize("template", EXHAUSTING.values(), ids=EXHAUSTING)
def test_a_template_that_exhausts_the_machine_ends(
    template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_bounds, "MAX_STEPS", 20_000)
    began = time.monotonic()
    with pytest.raises(SecurityError, match="the chat template"):
        render(template)
    assert time.monotonic() - began < 2


def test_a_slow_template_ends_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_bounds, "MAX_SECONDS", 0.05)
    with pytest.raises(SecurityError, match="seconds"):
        render(EXHAUSTING["loops"])


@pytest.mark.parametrize("template", ESCAPES.values(), ids=ESCAPES)
def test_a_template_cannot_leave_its_sandbox(template: str) -> None:
    with pytest.raises((TemplateError, TypeError)):
        render(template)


def test_each_rendering_has_a_budget_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_bounds, "MAX_STEPS", 100)
    compiled = environment().from_string("{% for a in range(60) %}x{% endfor %}")
    assert [compiled.render(), compiled.render()] == ["x" * 60] * 2


@pytest.mark.language_model
@pytest.mark.parametrize("template", [CHATML, MARKED], ids=["chatml", "marked"])
def test_bounds_leave_what_templates_render(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from transformers.utils import chat_template_utils as rendering

    turns = [{"role": role, "content": f"{role} <x>\n"} for role in ("user", "assistant")]
    rendered = []
    for sandbox in (ImmutableSandboxedEnvironment, BoundedEnvironment):
        monkeypatch.setattr(rendering, "ImmutableSandboxedEnvironment", sandbox)
        rendered.append(
            rendering.render_jinja_template(
                [turns], chat_template=template, return_assistant_tokens_mask=True
            )
        )
    assert rendered[0] == rendered[1]
    assert rendered[0][1][0]

"""Templates: a misspelled name is an error, not an empty place."""

from types import SimpleNamespace

import pytest
from jinja2 import Environment, UndefinedError

from monitor.privacy.subject_export import page as subject_export
from monitor.web.templates import template_engine
from monitor.windows.report import environment as report

ENVIRONMENTS = {
    "pages": template_engine().engine,
    "report": report._environment(),
    "export": subject_export._environment(),
}


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
@pytest.mark.parametrize(
    "text", ["{{ model_nmae }}", "{{ user.nmae }}", "{% if model_nmae %}x{% endif %}"]
)
def test_misspelled_name_fails(environment: Environment, text: str) -> None:
    with pytest.raises(UndefinedError, match="nmae"):
        environment.from_string(text).render(user={"name": "Ada"})


def test_typo_in_a_page_fails() -> None:
    environment = template_engine().engine
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, "welcome.html")
    assert "{% if problem %}" in source
    page = environment.from_string(source.replace("{% if problem %}", "{% if porblem %}"))
    context = {"refusal": "", "name": "Ada", "problem": "", "min_length": 12, "until": None}
    with pytest.raises(UndefinedError, match="porblem"):
        page.render(context, csrf_token=lambda: "", request=SimpleNamespace(query_params={}))

"""Chat templates with the current date: training and evaluation render a constant."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retrain.models.base_model import BaseModel, load_tokenizer
from retrain.models.chat_template import chatml, encode, training_template
from retrain.models.template_date import (
    RECORDED,
    TEMPLATE_DATE,
    FixedDate,
    date_lineage,
    date_remarks,
)
from retrain.planning.checks.template import check_template
from tests.support.lazy_modules import LazyModule
from tests.support.present import utc_now
from tests.support.retrain.templates import save_tokenizer

pytestmark = pytest.mark.language_model
rendering: Any = LazyModule("transformers.utils.chat_template_utils")
#: As Llama 3.2's template has it, gpt-oss's, and one with the time of day.
DATED = (
    "{%- if not date_string is defined -%}{%- if strftime_now is defined -%}"
    '{%- set date_string = strftime_now("%d %b %Y") -%}{%- else -%}'
    '{%- set date_string = "none" -%}{%- endif -%}{%- endif -%}Today Date: {{ date_string }}\n'
    '{{ "Current date: " + strftime_now("%Y-%m-%d") }}\n{{ strftime_now("%H:%M:%S") }}\n'
)
CONVERSATION = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]


@pytest.fixture(params=[timedelta(0), timedelta(days=400)], ids=["today", "another day"])
def today(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Let templates render a day, as they do where nothing is done about it."""

    class Day(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return utc_now().astimezone(tz) + request.param

    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Day)
    monkeypatch.setattr(FixedDate, "is_rendered", False)
    return utc_now() + request.param


def test_every_day_renders_the_same_text(tmp_path: Path, today: datetime) -> None:
    tokenizer = load_tokenizer(BaseModel(save_tokenizer(tmp_path, DATED + chatml()), ""))
    text = tokenizer.apply_chat_template(CONVERSATION, tokenize=False)
    assert text.startswith(
        f"Today Date: 26 Jul 2024\nCurrent date: {RECORDED}\n00:00:00<|im_start|>"
    )
    assert f"{today:%d %b %Y}" not in text
    marked = training_template(tokenizer)
    ids = encode(tokenizer, [CONVERSATION], chat_template=marked)["input_ids"]
    assert tokenizer.decode(ids[0]).replace(" ", "").startswith("TodayDate:26Jul2024")


def test_template_itself_keeps_the_current_date(tmp_path: Path, today: datetime) -> None:
    place = save_tokenizer(tmp_path / "base", DATED + chatml())
    tokenizer = load_tokenizer(BaseModel(place, ""))
    tokenizer.save_pretrained(tmp_path / "trained")
    templates = [
        (tmp_path / name / "chat_template.jinja").read_text() for name in ("base", "trained")
    ]
    assert templates == [DATED + chatml()] * 2


def test_date_is_recorded_where_a_template_renders_it(tmp_path: Path, today: datetime) -> None:
    base = BaseModel(save_tokenizer(tmp_path / "plain", chatml()), "")
    plain = load_tokenizer(base)
    plain.apply_chat_template(CONVERSATION, tokenize=False)
    assert (date_lineage(plain), list(date_remarks())) == ({}, [])
    assert check_template(base, plain).outcome == "ok"
    base = BaseModel(save_tokenizer(tmp_path / "dated", DATED + chatml()), "")
    dated = load_tokenizer(base)
    assert date_lineage(dated) == {"template_date": RECORDED}
    assert list(date_remarks()) == []
    finding = check_template(base, dated)
    assert (finding.outcome, RECORDED in finding.text) == ("note", True)
    dated.apply_chat_template(CONVERSATION, tokenize=False)
    (remark,) = date_remarks()
    assert RECORDED in remark


def test_own_code_reads_the_date_as_before() -> None:
    assert utc_now().date() > TEMPLATE_DATE

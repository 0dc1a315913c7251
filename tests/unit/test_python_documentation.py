"""Examples of the how-to for Python, in order, and the names of the reference."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import driftwarden
from monitor.embedding.callable_encoder import CallableEncoder
from monitor.windows import file_comparison
from tests.support.encoders.word_encoder import WordEncoder

DOCS = Path(__file__).parents[2] / "docs"
HOW_TO = (DOCS / "how-to" / "compare-in-python.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_examples_run_and_find_the_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRIFTWARDEN_DRIFT__N_PERMUTATIONS", "999")
    words = CallableEncoder(lambda texts: WordEncoder().encode(texts))
    monkeypatch.setattr(file_comparison, "open_encoder", lambda _: words)
    names: dict[str, Any] = {}
    verdicts = []
    for example in re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL):
        exec(compile(example, "the how-to", "exec"), names)
        if "reference" in names and not (tmp_path / "reference.jsonl").exists():
            lines = map(json.dumps, names["reference"])
            (tmp_path / "reference.jsonl").write_text("\n".join(lines))
        verdicts += [names["result"].verdict] if "result" in names else []
    assert set(verdicts) == {"drift"}
    assert (tmp_path / "drift.html").stat().st_size > 10_000


def test_the_reference_names_everything_that_is_exported() -> None:
    for name in driftwarden.__all__:
        assert re.search(rf"`{name}\b", REFERENCE), name
    for method in ("to_dict", "to_frame", "plot"):
        assert f"`{method}(" in REFERENCE
        assert callable(getattr(driftwarden.DriftResult, method))
    for method in ("to_dict", "to_frame", "plot", "report"):
        assert f"`{method}(" in REFERENCE
        assert callable(getattr(driftwarden.Assessment, method))


@pytest.mark.parametrize("name", ["compare", "compare_given", "compare_exchanges"])
def test_the_reference_names_each_argument(name: str) -> None:
    for argument in inspect.signature(getattr(driftwarden, name)).parameters:
        assert re.search(rf"\b{argument}\b", REFERENCE), argument

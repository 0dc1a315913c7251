"""Children that quantise nothing hide bitsandbytes, unless their base needs it."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from retrain.jobs.child_process import hide_bitsandbytes


@pytest.mark.parametrize(
    ("config", "is_hidden"),
    [('{"model_type": "llama"}', True), ('{"quantization_config": {}}', False), (None, False)],
    ids=["plain-base", "quantised-base", "hub-id"],
)
def test_bitsandbytes_is_hidden_for_a_plain_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None, is_hidden: bool
) -> None:
    modules = {name: module for name, module in sys.modules.items() if name != "bitsandbytes"}
    monkeypatch.setattr(sys, "modules", modules)
    base = tmp_path / "base"
    if config is not None:
        base.mkdir()
        (base / "config.json").write_text(config)
    hide_bitsandbytes(str(base))
    assert (find_spec("bitsandbytes") is None) == is_hidden

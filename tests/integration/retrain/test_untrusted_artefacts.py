"""Adapters and bases that would run code when they are loaded."""

import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retrain.models.generation import Responder
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - a fixture

pytestmark = pytest.mark.language_model
ADAPTER = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 2,
           "target_modules": ["q_proj"], "base_model_name_or_path": "base"}  # fmt: skip


class Bomb:
    """An object whose unpickling writes a file."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self._canary, "executed")


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that must not appear; the bomb itself works."""
    path = tmp_path / "canary"
    pickle.loads(pickle.dumps(Bomb(path)))
    assert path.exists()
    path.unlink()
    yield path
    assert not path.exists()


def test_pickled_adapter_is_refused(
    tiny_base: Path,  # noqa: F811
    canary: Path,
    tmp_path: Path,
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps(ADAPTER))
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Bomb(canary)))
    with pytest.raises(Exception):  # noqa: B017, PT011 - of torch, PEFT or transformers
        Responder(tiny_base, adapter=adapter, max_new_tokens=2, batch_size=1)


def test_pickled_base_is_refused(tiny_base: Path, canary: Path, tmp_path: Path) -> None:  # noqa: F811
    base = shutil.copytree(tiny_base, tmp_path / "base")
    (base / "model.safetensors").unlink()
    (base / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(canary)))
    with pytest.raises(Exception):  # noqa: B017, PT011
        Responder(base, max_new_tokens=2, batch_size=1)


def test_code_of_a_base_is_not_executed(tiny_base: Path, canary: Path, tmp_path: Path) -> None:  # noqa: F811
    base = shutil.copytree(tiny_base, tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    config |= {"model_type": "planted", "auto_map": {
        "AutoConfig": "planted.PlantedConfig", "AutoModelForCausalLM": "planted.Planted",
        "AutoTokenizer": ["planted.PlantedTokenizer", None]}}  # fmt: skip
    (base / "config.json").write_text(json.dumps(config))
    (base / "planted.py").write_text(f"open({str(canary)!r}, 'w').write('executed')\n")
    with pytest.raises(Exception):  # noqa: B017, PT011
        Responder(base, max_new_tokens=2, batch_size=1)

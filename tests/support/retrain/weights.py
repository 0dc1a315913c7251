"""Small folders of real weights: a LoRA adapter, a base, a sharded whole model."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from monitor.store.training.weights_identity import WeightsIdentity
from retrain.models.source import Source

CONFIG = {
    "peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["v_proj", "q_proj"],
    "base_model_name_or_path": "org/base",
}  # fmt: skip


def tensors(seed: int = 0, n: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"layer.{i}.weight": rng.normal(size=(4, 3)).astype(np.float32) for i in range(n)}


def write_adapter(
    folder: Path, seed: int = 0, *, metadata: dict[str, str] | None = None, **config: Any
) -> Path:
    """Write an adapter as PEFT does; equal seeds have equal tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG | config), encoding="utf-8")
    save_file(tensors(seed), folder / "adapter_model.safetensors", metadata)
    return folder


def write_base(folder: Path, seed: int = 100, *, n_shards: int = 1) -> Path:
    """Write a whole model in one file, or in shards with their index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    (folder / "tokenizer.json").write_text('{"model": {}}', encoding="utf-8")
    content = tensors(seed)
    if n_shards == 1:
        save_file(content, folder / "model.safetensors", {"format": "pt"})
        return folder
    names = sorted(content, reverse=True)
    places = {}
    for shard in range(n_shards):
        file = f"model-{shard + 1:05d}-of-{n_shards:05d}.safetensors"
        of_shard = {name: content[name] for name in names[shard::n_shards]}
        places |= dict.fromkeys(of_shard, file)
        save_file(of_shard, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}), encoding="utf-8")
    return folder


def adapter_on_base(folder: Path, seed: int = 0) -> Source:
    """Write an adapter and its base below a folder; return where they lie."""
    base = write_base(folder / "base")
    adapter = write_adapter(folder / "adapter", seed, base_model_name_or_path=str(base))
    return Source(base=str(base), adapter=str(adapter))


def record_without_files(now: datetime) -> WeightsIdentity:
    """Return the record of a version whose files no test reads."""
    return WeightsIdentity(acting="sha256:d", folders=(), hub="", recorded_at=now)

"""Digests of tensors and of all that acts, of real safetensors files."""

import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from monitor.errors import ModelError
from retrain.identity.digests import acting_digest, tensor_digest
from tests.support.refusals import refusal
from tests.support.retrain.weights import tensors, write_adapter, write_base

WEIGHTS = "adapter_model.safetensors"


def changed_config(folder: Path, **values: object) -> None:
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def write_raw(file: Path, values: dict[str, np.ndarray]) -> None:
    """Write tensors in the order of a dict, which the library would sort."""
    header, data = {}, b""
    for name, value in values.items():
        ends = [len(data), len(data) + value.nbytes]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": ends}
        data += value.tobytes()
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    assert list(load_file(file)) == list(values)


def test_metadata_and_order_leave_the_tensor_digest(tmp_path: Path) -> None:
    first = write_adapter(tmp_path / "a")
    second = write_adapter(tmp_path / "b", metadata={"format": "pt", "note": "mine"})
    assert (first / WEIGHTS).read_bytes() != (second / WEIGHTS).read_bytes()
    assert tensor_digest(first) == tensor_digest(second)
    assert acting_digest(first) == acting_digest(second)
    write_raw(second / WEIGHTS, dict(reversed(tensors().items())))
    assert tensor_digest(first) == tensor_digest(second)


def test_sharding_leaves_the_tensor_digest(tmp_path: Path) -> None:
    whole, sharded = write_base(tmp_path / "one"), write_base(tmp_path / "two", n_shards=2)
    assert tensor_digest(whole) == tensor_digest(sharded)
    assert tensor_digest(whole) != tensor_digest(write_base(tmp_path / "other", seed=7))


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values | {"layer.0.weight": values["layer.0.weight"] * 0},
        lambda values: values | {"layer.0.weight": values["layer.0.weight"].reshape(3, 4)},
        lambda values: values | {"layer.0.weight": values["layer.0.weight"].view(np.int32)},
        lambda values: {f"x{name}": value for name, value in values.items()},
        lambda values: values | {"more": np.zeros(1)},
        lambda values: {"layer.0.weight": values["layer.0.weight"]},
    ],
    ids=["bytes", "shape", "type", "names", "one more", "fewer"],
)
def test_tensors_change_the_tensor_digest(
    change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], tmp_path: Path
) -> None:
    folder = write_adapter(tmp_path / "a")
    before = tensor_digest(folder), acting_digest(folder)
    save_file(change(tensors()), folder / WEIGHTS)
    assert tensor_digest(folder) != before[0]
    assert acting_digest(folder) != before[1]


@pytest.mark.parametrize(
    "name",
    [
        *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "merges.txt"),
        *("generation_config.json", "modeling_own.py", "adapter_model.bin", "tokenizer.model"),
        "additional_chat_templates/tool_use.jinja",
    ],
)
def test_files_that_act_change_the_acting_digest(name: str, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    before = tensor_digest(folder), acting_digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    added = acting_digest(folder)
    (folder / name).write_text("{ }")
    assert len({before[1], added, acting_digest(folder)}) == 3
    assert tensor_digest(folder) == before[0]


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "scores.json", "lineage.json", "recipe.json", "training_args.bin"),
        *(".README.md", "LICENSE", "notes.txt", "checkpoint-3/adapter_model.safetensors"),
    ],
)
def test_other_files_leave_the_acting_digest(name: str, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    before = acting_digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    assert acting_digest(folder) == before


def test_two_files_that_change_names_change_the_acting_digest(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    save_file(tensors(7), folder / "spare.safetensors")
    before = acting_digest(folder)
    (folder / WEIGHTS).rename(folder / "x")
    (folder / "spare.safetensors").rename(folder / WEIGHTS)
    (folder / "x").rename(folder / "spare.safetensors")
    assert acting_digest(folder) != before


def test_a_copy_elsewhere_has_both_digests(tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    copy = shutil.copytree(folder, tmp_path / "far" / "b")
    (tmp_path / "link").symlink_to(copy)
    for place in (copy, tmp_path / "link"):
        assert tensor_digest(place) == tensor_digest(folder)
        assert acting_digest(place) == acting_digest(folder)


def test_the_base_may_be_named_by_an_absolute_path(tmp_path: Path) -> None:
    base = write_base(tmp_path / "models" / "base")
    folder = write_adapter(tmp_path / "a", base_model_name_or_path="models/base")
    before = acting_digest(folder, str(base))
    changed_config(folder, base_model_name_or_path=str(base))
    assert acting_digest(folder, str(base)) == before
    other = write_base(tmp_path / "models" / "other")
    for name in (str(other), "models/other", "org/base"):
        changed_config(folder, base_model_name_or_path=name)
        assert acting_digest(folder, str(base)) != before
    changed_config(folder, base_model_name_or_path=str(base), lora_alpha=64)
    assert acting_digest(folder, str(base)) != before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"weights",
        b"\xff" * 64,
        (2).to_bytes(8, "little") + b"[]",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
        (70).to_bytes(8, "little")
        + b'{"a": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}}'.ljust(70),
    ],
)
def test_damaged_weights_are_refused(content: bytes, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "a")
    (folder / WEIGHTS).write_bytes(content)
    with refusal("no_weights", ModelError, match=WEIGHTS):
        tensor_digest(folder)


def test_an_index_names_files_of_its_own_folder(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "a", n_shards=2)
    assert tensor_digest(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"layer.0.weight": "../other.safetensors"}}')
    with refusal("no_weights", ModelError, match="other"):
        tensor_digest(folder)


def test_large_weights_are_read_in_little_memory(tmp_path: Path) -> None:
    size = 64 << 20
    entry = {"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    text = json.dumps(entry).encode()
    (tmp_path / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text)
    with (tmp_path / WEIGHTS).open("r+b") as file:
        file.truncate(8 + len(text) + size)
    tracemalloc.start()
    tensor_digest(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()

"""GGUF files: the short way reads what the libraries read."""

import struct
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ModelError

pytestmark = pytest.mark.language_model


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with texts, lists of texts and of numbers, and a tensor."""
    import gguf
    import numpy as np

    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_string("general.name", "Größe, 名前")
    writer.add_array("tokenizer.ggml.tokens", ["", "a", "Ġthe", "é"])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0])
    writer.add_uint32("llama.block_count", 3)
    writer.add_bool("tokenizer.ggml.add_bos_token", val=True)
    writer.add_tensor("token_embd.weight", np.arange(64, dtype=np.float32).reshape(2, 32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def content(path: Path) -> dict[str, Any]:
    """Return fields and tensors, parsed as transformers parses them."""
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reading

    reader = gguf.GGUFReader(path)
    fields = {
        name: [reading._gguf_parse_value(field.parts[i], field.types) for i in field.data]
        for name, field in reader.fields.items()
    }
    return fields | {tensor.name: tensor.data.tolist() for tensor in reader.tensors}


def test_fields_and_tensors_are_the_same(file: Path) -> None:
    import gguf
    import numpy as np

    from retrain.models.base_model import _read_once

    expected = content(file)
    with _read_once():
        assert expected == content(file)
        reader = gguf.GGUFReader(file)
        assert reader is gguf.GGUFReader(file)
        assert type(reader.fields["general.name"].parts[-1]) is np.ndarray
    assert expected["general.name"] == ["Größe, 名前"]
    assert expected["tokenizer.ggml.tokens"] == ["", "a", "Ġthe", "é"]


def test_the_libraries_are_as_before_after_a_failure(file: Path) -> None:
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reading

    from retrain.models.base_model import _read_once

    before = (gguf.GGUFReader, gguf.get_tensor_name_map, reading.tqdm, reading._gguf_parse_value)
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(Exception), _read_once():  # noqa: B017, PT011 - of gguf
        gguf.GGUFReader(file)
    assert before == (
        gguf.GGUFReader, gguf.get_tensor_name_map, reading.tqdm, reading._gguf_parse_value,
    )  # fmt: skip


def name(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def header(n_tensors: int, n_fields: int) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_fields)


TEXT, LIST = 8, 9
POISONED = {
    "a list without end": header(0, 1) + name(b"a") + struct.pack("<IIQ", LIST, 0, 2**60),
    "a text beyond the end": header(0, 1) + name(b"a") + struct.pack("<IQ", TEXT, 2**62) + b"x",
    "fields without end": header(0, 2**60),
    "tensors without end": header(2**60, 0),
    "nested lists": header(0, 1) + name(b"a") + struct.pack("<I", LIST)
    + struct.pack("<IQ", LIST, 1) * 5000,
    "dimensions without end": header(1, 0) + name(b"t") + struct.pack("<I", 2**31),
    "a tensor beyond the end": header(1, 0) + name(b"t")
    + struct.pack("<IQIQ", 1, 2**40, 0, 2**50),
    "no header": b"GGUX" + bytes(100),
}  # fmt: skip


@pytest.mark.parametrize("content", POISONED.values(), ids=POISONED)
def test_a_poisoned_file_is_refused(content: bytes, tmp_path: Path) -> None:
    from retrain.models.base_model import prepare_base

    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "poisoned.gguf").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        prepare_base(str(tmp_path / "base"), tmp_path / "cache")
    assert caught.value.code == "no_weights"
    assert not list((tmp_path / "cache").iterdir())

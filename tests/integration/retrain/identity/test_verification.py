"""Comparison of a version's files with its record: what trips it, and honest changes that don't."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.training.registry import VersionRow, version_by_id
from retrain.identity import verification
from retrain.identity.record import take_identity
from retrain.identity.verification import Change, find_change, require_unchanged
from retrain.models.source import Source
from retrain.registry.stages import register_version
from tests.support.present import utc_now
from tests.support.refusals import refusal
from tests.support.retrain.recorded_desk import note_reads
from tests.support.retrain.weights import adapter_on_base, write_adapter, write_base

WEIGHTS = "adapter/adapter_model.safetensors"
#: Later than each file by more than a tick of the file system's clock.
LATER = utc_now() + timedelta(hours=1)


def registered(engine: Engine, source: Source) -> VersionRow:
    identity = take_identity(source, LATER)
    with transaction(engine) as connection:
        version = register_version(
            connection, model="desk", adapter_path=source.adapter or source.base,
            adapter_digest=identity.folders[0].tensors, lineage={}, now=LATER, identity=identity,
        )  # fmt: skip
        return version_by_id(connection, version)


def change_of(engine: Engine, version: VersionRow, *, rehash: bool = False) -> Change | None:
    with transaction(engine) as connection:
        return find_change(connection, version_by_id(connection, version.id), LATER, rehash=rehash)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that comparisons read, as they are."""
    return note_reads(monkeypatch)


def append(file: Path, content: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(content)


def zero_last_bytes(file: Path) -> None:
    """Change content but neither size, inode nor the time of modification."""
    times = file.stat()
    with file.open("r+b") as opened:
        opened.seek(-8, os.SEEK_END)
        opened.write(bytes(8))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def retarget(file: Path) -> None:
    """Replace a file by a link to another adapter's."""
    other = write_adapter(file.parents[1] / "other", seed=5) / file.name
    file.unlink()
    file.symlink_to(other)


SWAPS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "overwritten in place": (WEIGHTS, zero_last_bytes),
    "replaced by a link": (WEIGHTS, retarget),
    "damaged": (WEIGHTS, lambda file: file.write_bytes(b"weights")),
    "configuration": ("adapter/adapter_config.json", lambda file: file.write_text('{"r": 8}')),
    "chat template added": ("adapter/chat_template.jinja", lambda file: file.write_text("{{ 1 }}")),
    "code added": ("base/modeling_own.py", lambda file: file.write_text("")),
    "base overwritten": ("base/model.safetensors", zero_last_bytes),
    "tokenizer of the base": ("base/tokenizer.json", lambda file: append(file, b" ")),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_a_changed_file_is_named(swap: str, any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    assert change_of(any_engine, version) is None
    name, spoil = SWAPS[swap]
    spoil(tmp_path / name)
    change = change_of(any_engine, version)
    assert change is not None
    assert (change.kind, change.files) == ("changed", (str(tmp_path / name),))
    assert change.recorded_at == LATER
    assert change.written_at is not None
    assert str(tmp_path / name) in change.text
    assert f"models register {tmp_path}/adapter" in change.text
    with transaction(any_engine) as connection, refusal("weights_changed", match=name):
        require_unchanged(connection, version, LATER)


HONEST: dict[str, Callable[[Path], object]] = {
    "touched": lambda folder: os.utime(folder / WEIGHTS),
    "same bytes copied over": lambda folder: replace_by_copy(folder / WEIGHTS),
    "base restored": lambda folder: replace_by_copy(folder / "base/model.safetensors"),
    "card": lambda folder: (folder / "adapter/README.md").write_text("# Desk"),
    "scores": lambda folder: (folder / "adapter/scores.json").write_text("{}"),
    "metadata": lambda folder: write_adapter(
        folder / "adapter", metadata={"a": "b"}, base_model_name_or_path=str(folder / "base")
    ),
    "base as a relative path": lambda folder: write_adapter(
        folder / "adapter", base_model_name_or_path="./base"
    ),
}


def replace_by_copy(file: Path) -> None:
    draft = shutil.copy(file, f"{file}.draft")
    Path(draft).replace(file)


@pytest.mark.parametrize("operation", HONEST)
def test_an_honest_operation_is_no_change(
    operation: str, any_engine: Engine, tmp_path: Path
) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    HONEST[operation](tmp_path)
    assert change_of(any_engine, version) is None
    assert change_of(any_engine, version, rehash=True) is None
    with transaction(any_engine) as connection:
        require_unchanged(connection, version_by_id(connection, version.id), LATER)


def test_only_files_with_another_state_are_read(
    any_engine: Engine, tmp_path: Path, read: list[str]
) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    assert change_of(any_engine, version) is None
    assert read == []
    os.utime(tmp_path / WEIGHTS)
    assert change_of(any_engine, version) is None
    assert read == ["adapter_model.safetensors"]
    assert change_of(any_engine, version) is None  # the new state is stored
    assert read == ["adapter_model.safetensors"]
    assert change_of(any_engine, version, rehash=True) is None
    assert len(read) == 6


def test_a_file_as_new_as_its_record_is_read_again(tmp_path: Path, read: list[str]) -> None:
    now = utc_now()
    identity = take_identity(adapter_on_base(tmp_path), now)
    assert verification.compare(identity, now).change is None
    assert len(read) == 5
    settled = verification.compare(identity, LATER).identity
    del read[:]
    assert verification.compare(settled, LATER).change is None
    assert read == []


def test_a_file_that_was_swapped_back_is_no_change(any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    content = (tmp_path / WEIGHTS).read_bytes()
    write_adapter(tmp_path / "adapter", seed=9)
    assert change_of(any_engine, version) is not None
    write_adapter(tmp_path / "adapter", base_model_name_or_path=str(tmp_path / "base"))
    (tmp_path / WEIGHTS).write_bytes(content)
    assert change_of(any_engine, version) is None


def test_a_missing_folder_is_missing_not_changed(any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    (tmp_path / "adapter").rename(tmp_path / "moved")
    change = change_of(any_engine, version)
    assert change is not None
    assert change.kind == "missing"
    assert change.files[0] == str(tmp_path / "adapter/adapter_config.json")
    assert change.written_at is None
    with transaction(any_engine) as connection, refusal("weights_missing"):
        require_unchanged(connection, version, LATER)
    (tmp_path / "moved").rename(tmp_path / "adapter")
    assert change_of(any_engine, version) is None


def test_a_dangling_link_is_missing(any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    (tmp_path / WEIGHTS).unlink()
    (tmp_path / WEIGHTS).symlink_to(tmp_path / "nowhere")
    change = change_of(any_engine, version)
    assert change is not None
    assert (change.kind, change.files) == ("missing", (str(tmp_path / WEIGHTS),))


def test_a_pipe_blocks_nothing(any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    (tmp_path / WEIGHTS).unlink()
    os.mkfifo(tmp_path / WEIGHTS)
    change = change_of(any_engine, version)
    assert change is not None
    assert change.kind == "missing"


def test_an_unreadable_file_is_no_pass(
    any_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    os.utime(tmp_path / WEIGHTS)

    def refuse(folder: Path, name: str, base: str = "") -> object:
        raise PermissionError(13, "Permission denied", str(folder / name))

    monkeypatch.setattr(verification, "read_file", refuse)  # root reads everything
    with transaction(any_engine) as connection, refusal("weights_unreadable", match=WEIGHTS):
        require_unchanged(connection, version, LATER)


def test_a_version_without_a_record_is_no_pass(any_engine: Engine, tmp_path: Path) -> None:
    version = registered(any_engine, adapter_on_base(tmp_path))
    with transaction(any_engine) as connection:
        number = register_version(
            connection, model="desk", adapter_path=version.adapter_path, adapter_digest="d",
            lineage={}, now=LATER,
        )  # fmt: skip
        row = version_by_id(connection, number)
        change = find_change(connection, row, LATER)
        assert change is not None
        assert change.kind == "not_recorded"
        with refusal("weights_not_recorded"):
            require_unchanged(connection, row, LATER)


def test_a_base_of_the_hub_is_pinned_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    adapter = write_adapter(tmp_path / "adapter")
    source = Source(base="org/base", revision="abc", adapter=str(adapter))
    identity = take_identity(source, LATER)
    other = take_identity(msgspec.structs.replace(source, revision="abd"), LATER)
    assert len(identity.folders) == 1
    assert identity.acting != other.acting
    assert verification.compare(identity, LATER).change is None
    write_base(tmp_path / "org" / "base")  # transformers would load this folder
    change = verification.compare(identity, LATER).change
    assert change is not None
    assert (change.kind, change.files) == ("changed", ("org/base",))


def test_the_template_of_the_recipe_acts(tmp_path: Path) -> None:
    source = adapter_on_base(tmp_path)
    other = msgspec.structs.replace(source, chat_template="{{ messages }}")
    assert take_identity(source, LATER).acting != take_identity(other, LATER).acting


def test_a_sharded_whole_model_is_compared(tmp_path: Path) -> None:
    base = write_base(tmp_path / "model", n_shards=2)
    identity = take_identity(Source(base=str(base)), LATER)
    assert [folder.path for folder in identity.folders] == [str(base)]
    assert verification.compare(identity, LATER).change is None
    index = base / "model.safetensors.index.json"
    places = json.loads(index.read_text())
    places["weight_map"]["layer.0.weight"] = "../evil.safetensors"
    index.write_text(json.dumps(places))
    change = verification.compare(identity, LATER).change
    assert change is not None
    assert change.files == (str(index),)

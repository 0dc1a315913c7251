"""Exports, loaded offline by the packages that read them."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from monitor.review.export.export_files import Export, ExportRequest, build_export
from monitor.review.export.serialization import write_atomically
from monitor.settings import ModelSection, Settings
from monitor.store.engine import transaction
from monitor.store.review.gold_export import ItemFilter
from tests.services.argilla_server import ArgillaServer
from tests.support.review.gold_items import ACCEPT, correct, make_reviewed_world
from tests.support.review.review_world import World

pytestmark = [
    # TRL 1.16 sets by default what transformers 5.20 calls deprecated.
    pytest.mark.filterwarnings("ignore:.gradient_checkpointing:FutureWarning"),
    # Both tools' packages are written for pydantic 1's names.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]

IGNORED = -100
REVIEWS = [ACCEPT, correct("Block it first.\nThen call."), correct("<b>Blocked</b> & \N{SNOWMAN}")]


@pytest.fixture
def world(engine: Engine, tmp_path: Path, clock: datetime) -> World:
    return make_reviewed_world(engine, tmp_path, clock, REVIEWS)


def export(world: World, out: Path, **options: Any) -> Export:
    request = ExportRequest(**{"item_filter": ItemFilter(), "out": out} | options)
    request.check()
    with transaction(world.engine) as connection:
        made = build_export(connection, Settings(model=ModelSection()), request)
    for path, text in made.companion_files.items():
        write_atomically(path, text)
    write_atomically(Path(made.place), made.text)
    return made


def load(path: Path, folder: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(folder / "cache")
    )


def tiny_model(rows: Any, folder: Path) -> tuple[Any, Any]:
    """Return an untrained model with a tokenizer of the rows' words."""
    from transformers import AutoModelForCausalLM

    from retrain.models.base_model import BaseModel, load_tokenizer
    from retrain.models.tiny_base import TinyShape, make_tiny_base

    shape = TinyShape(hidden_size=16, n_layers=1, n_heads=2, vocabulary=300, epochs=0.0)
    base = make_tiny_base(folder / "base", rows, seed=1, shape=shape)
    return AutoModelForCausalLM.from_pretrained(base), load_tokenizer(BaseModel(str(base), ""))


@pytest.mark.language_model
@pytest.mark.parametrize("bare", [False, True])
def test_trl_masks_all_but_the_agreed_response(world: World, tmp_path: Path, bare: bool) -> None:
    from trl import SFTConfig, SFTTrainer

    out = tmp_path / "gold.jsonl"
    assert export(world, out, format="sft", bare=bare).n_rows == 3
    dataset = load(out, tmp_path)
    assert ({"messages"} if bare else {"messages", "metadata"}) == set(dataset.column_names)
    model, tokenizer = tiny_model(dataset["messages"], tmp_path)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(tmp_path / "run"), assistant_only_loss=True, max_length=None,
            report_to="none", use_cpu=True, bf16=False,
        ),
        train_dataset=dataset,
        processing_class=tokenizer,
    )  # fmt: skip
    for message, prepared in zip(dataset["messages"], trainer.train_dataset, strict=True):
        response = [token for token in prepared["labels"] if token != IGNORED]
        assert message[-1]["content"] + "<|im_end|>" == tokenizer.decode(response)
        whole = tokenizer.decode(prepared["input_ids"])
        assert all(turn["content"] in whole for turn in message)


@pytest.mark.language_model
@pytest.mark.parametrize("bare", [False, True])
def test_trl_prepares_the_pairs(world: World, tmp_path: Path, bare: bool) -> None:
    from trl import DPOConfig, DPOTrainer

    out = tmp_path / "pairs.jsonl"
    assert export(world, out, format="preference", bare=bare).n_rows == 2
    dataset = load(out, tmp_path)
    texts = [row["prompt"] + row["chosen"] + row["rejected"] for row in dataset]
    model, tokenizer = tiny_model(texts, tmp_path)
    trainer = DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=str(tmp_path / "run"), report_to="none", use_cpu=True, bf16=False,
            max_length=None,
        ),
        train_dataset=dataset,
        processing_class=tokenizer,
    )  # fmt: skip
    for message, prepared in zip(dataset, trainer.train_dataset, strict=True):
        for side in ("chosen", "rejected"):
            text = tokenizer.decode(prepared[f"{side}_ids"])
            assert message[side][0]["content"] in text
        assert message["prompt"][-1]["content"] in tokenizer.decode(prepared["prompt_ids"])


def test_label_studio_takes_its_configuration_tasks_and_annotations(
    world: World, tmp_path: Path
) -> None:
    from label_studio_sdk.label_interface import LabelInterface

    out, config = tmp_path / "tasks.json", tmp_path / "config.xml"
    assert export(world, out, format="label-studio", config_out=config).n_rows == 3
    interface = LabelInterface(config.read_text(encoding="utf-8"))
    interface.validate()
    tasks = json.loads(out.read_text(encoding="utf-8"))
    for task in tasks:
        assert interface.validate_task({"data": task["data"]})
        (annotation,), (prediction,) = task["annotations"], task["predictions"]
        assert interface.validate_annotation(annotation)
        assert interface.validate_prediction(prediction, return_errors=True) == []
        assert "completed_by" not in annotation
        assert task["data"]["exchange_id"] == task["meta"]["exchange_id"]
    agreed = [
        {entry["from_name"]: entry["value"] for entry in task["annotations"][0]["result"]}
        for task in tasks
    ]
    assert [entry["verdict"] for entry in agreed] == [
        {"choices": ["accept"]},
        {"choices": ["correct"]},
        {"choices": ["correct"]},
    ]
    assert [REVIEWS[2].corrected_response] == agreed[2]["corrected_response"]["text"]


def test_label_studios_own_converter_reads_the_tasks(world: World, tmp_path: Path) -> None:
    from label_studio_sdk.converter import Converter

    out, config = tmp_path / "tasks.json", tmp_path / "config.xml"
    export(world, out, format="label-studio", config_out=config)
    tasks = json.loads(out.read_text(encoding="utf-8"))
    for number, task in enumerate(tasks, start=1):  # what the server would have added
        task["id"] = number
        task["annotations"][0] |= {"id": number, "completed_by": 1, "was_cancelled": False}
    out.write_text(json.dumps(tasks), encoding="utf-8")
    folder = tmp_path / "converted"
    Converter(str(config), str(tmp_path)).convert_to_json_min(str(out), str(folder), is_dir=False)
    (converted,) = folder.glob("*.json")
    rows = json.loads(converted.read_text(encoding="utf-8"))
    assert [row["verdict"] for row in rows] == ["accept", "correct", "correct"]
    assert REVIEWS[1].corrected_response == rows[1]["corrected_response"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgillaServer]:
    """Return an in-memory server for Argilla's client."""
    import argilla as rg

    made = ArgillaServer()
    monkeypatch.setattr(
        "argilla._api._http._client.httpx.HTTPTransport",
        lambda *_, **__: httpx.MockTransport(made.reply),
    )
    client = rg.Argilla(api_url="http://argilla.test", api_key="key")
    monkeypatch.setattr(rg.Argilla, "_default_client", client)
    yield made
    client.http_client.close()


@pytest.mark.filterwarnings("ignore:Workspace not provided")
@pytest.mark.parametrize("queue", [False, True])
def test_argilla_makes_a_dataset_of_the_folder(
    world: World, tmp_path: Path, server: ArgillaServer, queue: bool
) -> None:
    import argilla as rg

    out = tmp_path / "dataset"
    made = export(world, out, format="argilla", queue=queue)
    dataset = rg.Dataset.from_disk(str(out), client=rg.Argilla._default_client)
    assert (dataset.name, dataset.settings.distribution.min_submitted) == ("dataset", 2)
    assert made.n_rows == len(server.records) == (37 if queue else 3)
    sent = {
        record["external_id"]: {
            entry["question_name"]: entry["value"] for entry in record["suggestions"]
        }
        for record in server.records
    }
    rows = json.loads((out / "records.json").read_text(encoding="utf-8"))
    for row, record in zip(rows, server.records, strict=True):
        assert row["fields"] == record["fields"]
        assert row["metadata"] == record["metadata"]
        assert {name: entry["value"] for name, entry in row["suggestions"].items()} == sent[
            row["id"]
        ]
    if queue:
        assert {"item_id", "exchange_id", "model"} == set(rows[0]["metadata"])
        assert {"corrected_response"} == {name for message in sent.values() for name in message}
    else:
        assert [message["verdict"] for message in sent.values()] == ["accept", "correct", "correct"]
        texts = [message["corrected_response"] for message in sent.values()]
        assert [entry.corrected_response for entry in REVIEWS[1:]] == texts[1:]


@pytest.mark.parametrize("tool", ["label-studio", "argilla"])
def test_the_queue_shows_nothing_that_a_reviewer_may_not_see(
    world: World, tmp_path: Path, clock: datetime, tool: str
) -> None:
    out = tmp_path / "queue"
    made = export(world, out, format=tool, queue=True)
    assert made.n_rows == 37
    for word in (
        "slice",
        "probability",
        "cluster",
        "novelty",
        "control",
        "Ada",
        "Ben",
        "n_reviewers",
    ):
        assert word not in made.text
    assert "Blocking comes first." in made.text

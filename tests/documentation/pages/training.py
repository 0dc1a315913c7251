"""Pages for ML engineers."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from sqlalchemy import Engine

from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges
from monitor.store.training.registry import version_by_id
from monitor.store.training.runs import finish_run, mark_running
from retrain.data import build_training_set
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version
from retrain.run_folder import RunFolder, write_json, write_lines
from retrain.training.runs import plan_run, prepare_run
from tests.documentation.blocks import blocks_of
from tests.documentation.page import Page, Site
from tests.documentation.pages.exchange_files import write
from tests.documentation.pages.site import make_database
from tests.services.live_endpoint import FakeEndpoint
from tests.support.present import utc_now
from tests.support.retrain.candidates import evaluated
from tests.support.retrain.probe_world import write_evaluation
from tests.support.retrain.tiny_model import NEW, OLD, benchmark, examples
from tests.support.retrain.weights import record_without_files
from tests.support.review.gold_items import correct, make_reviewed_world
from tests.support.traffic.exchange_rows import exchange_row


def now() -> datetime:
    return utc_now().replace(microsecond=0)


def make_versions(engine: Engine, folder: Path, model: str) -> None:
    """Register versions 1 to 5 with their runs: 3 serves, 4 and 5 passed the gates."""
    for number in range(1, 6):
        with transaction(engine) as connection:
            run = plan_run(
                connection, model=model, recipe=Recipe(base="base", rank=2 * number),
                work_dir=folder / "runs", now=now(),
            )  # fmt: skip
            rows = build_training_set(examples(NEW, 20 + number), [], replay_share=0.0, seed=1)
            prepare_run(connection, run, rows)
            version = register_version(
                connection, model=model, adapter_path=f"runs/{run}/adapter",
                adapter_digest=f"sha256:{run}", now=now(), training_run_id=run,
                lineage={"seed": number, "data_digest": rows.card.digest},
                identity=record_without_files(now()),
            )  # fmt: skip
            if number >= 4:
                evaluated(connection, version, now())
            else:
                promote(connection, version, changed_by="lea", reason="better", now=now())


# ---- Manage model versions ---------------------------------------------------------------------


def registry(site: Site) -> None:
    engine = make_database(site)
    make_versions(engine, site.folder, "assistant")
    engine.dispose()
    base = str(site.request.getfixturevalue("tiny_base"))
    for place, weights in (("desk", b"weights"), ("other", b"others")):
        folder = site.folder / "adapters" / place
        folder.mkdir(parents=True)
        write_json(folder / "adapter_config.json", {**ADAPTER, "base_model_name_or_path": base})
        (folder / "adapter_model.safetensors").write_bytes(weights)
    write(site.folder / "desk.jsonl", examples(OLD, 20))
    site.fill["adapters/desk --base org/model@COMMIT"] = f"adapters/other --base {base}"


#: Of an adapter that another program trained.
ADAPTER = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}

REGISTRY = Page("how-to/registry.md", registry)

# ---- Roll out a version ------------------------------------------------------------------------


def rollouts(site: Site) -> None:
    engine = make_database(site)
    make_versions(engine, site.folder, "support bot")
    store_metric(engine, "support bot", "3")
    engine.dispose()
    site.configure('drift.higher_is_better = ["resolved"]\n\n[models."support bot"]\n')


def store_metric(engine: Engine, model: str, version: str) -> None:
    """Store a day of the serving version's traffic, which says what was resolved."""
    rows = [
        exchange_row(
            "traffic", number, occurred_at=now() - timedelta(days=1, minutes=number),
            prompt=f"question {number}", response="In the app.", model=model, end_user=f"u{number}",
            attributes={"resolved": number % 5 != 0, "model_version": version},
        )
        for number in range(120)
    ]  # fmt: skip
    vectors = np.full((len(rows), 4), 0.5, dtype=np.float16)
    exchanges = Exchanges.from_rows(
        rows, encoder="test", prompt_vectors=vectors, response_vectors=vectors
    )
    with transaction(engine) as connection:
        insert_exchanges(connection, exchanges, created_at=now())


def shows_the_state(site: Site) -> None:
    """See that the command shows where the rollout stands."""
    if "running" not in site.log.read_text(encoding="utf-8"):
        raise ConnectionError("nothing yet")


def start_again(site: Site) -> None:
    """Start what was just reverted: there must be a rollout to revert."""
    site.run('driftwarden rollout start 4 --reason "once more"')


ROLL_OUT = Page(
    "how-to/roll-out.md",
    rollouts,
    services={"driftwarden rollout watch": shows_the_state},
    before={"driftwarden rollout revert --now": start_again},
    listed={"import json": "test_an_application_sends_feedback_as_documented runs it"},
)

# ---- Probe the live model ----------------------------------------------------------------------


def probes(site: Site) -> None:
    make_database(site).dispose()
    live: FakeEndpoint = site.request.getfixturevalue("live_endpoint")
    site.fill['"http://gateway:8080/v1"'] = f'"{live.url}"'
    write_evaluation(site.folder)


PROBES = Page("how-to/probe-the-live-model.md", probes, applied=("probes.url",))

# ---- Prepare training data ---------------------------------------------------------------------


def training_data(site: Site) -> None:
    engine = make_database(site)
    gold = [correct(f"Block card {number} in the app.") for number in range(48)]
    make_reviewed_world(engine, site.folder, now(), gold, n=80)
    engine.dispose()
    write(site.folder / "original.jsonl", examples(OLD, 40))
    write(site.folder / "gold.jsonl", examples(NEW, 30))
    # The default length and batch need 48.2 GiB with the default base.
    (site.folder / "recipe.toml").write_text("max_length = 512\nmicro_batch_size = 1\n")
    site.configure('retrain.training_data = "original.jsonl"\nretrain.recipe = "recipe.toml"\n')


PREPARE_TRAINING_DATA = Page(
    "how-to/prepare-training-data.md", training_data, fill={"data 7": "data 1"}
)

# ---- Evaluate a candidate ----------------------------------------------------------------------

EVALUATION = """\
evaluation:
  benchmarks:
    - name: desk
      dataset: desk.jsonl
      metrics: [exact_match, token_f1]
"""


def candidate(site: Site) -> None:
    """Make a successful run whose weights are the base's, and labels for the rules."""
    base = site.request.getfixturevalue("tiny_base")
    engine = make_database(site)
    recipe = Recipe(base=str(base), method="full")
    with transaction(engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=recipe, work_dir=site.folder / "runs", now=now()
        )
        files = RunFolder(site.folder / "runs" / f"run-{run:05d}")
        shutil.copytree(base, files.adapter)
        write_json(files.recipe, msgspec.to_builtins(recipe))
        write_lines(files.training_data, examples(OLD, 3))
        mark_running(connection, run, {"pid": 1}, now())
        finish_run(connection, run, "succeeded", finished_at=now(), result={})
        version = register_version(
            connection, model="assistant", adapter_path=str(files.adapter),
            adapter_digest="sha256:0", lineage={"method": "full"}, now=now(), training_run_id=run,
        )  # fmt: skip
        assert version_by_id(connection, version).version == 1
    engine.dispose()
    site.configure("retrain.scoring.max_new_tokens = 8\n")
    (site.folder / "evaluation.yaml").write_text(EVALUATION, encoding="utf-8")
    lines = [msgspec.json.encode(item).decode() + "\n" for item in benchmark(4)]
    (site.folder / "desk.jsonl").write_text("".join(lines), encoding="utf-8")
    (labels,) = (
        block.text
        for block in blocks_of(EVALUATE_A_CANDIDATE.path)
        if block.text.startswith('{"language"')
    )
    (site.folder / "my-labels.jsonl").write_text(labels, encoding="utf-8")


EVALUATE_A_CANDIDATE = Page(
    "how-to/evaluate-a-candidate.md",
    candidate,
    fill={"evaluate 7": "evaluate 1"},
    # 8 items show nothing: undecided.
    statuses={".venv/bin/driftwarden retrain evaluate 7": 4},
)

TRAIN = Page(
    "how-to/train.md",
    listed={"{% for message": "a file: test_documented_template_passes reads it"},
)

PAGES = (REGISTRY, ROLL_OUT, PROBES, PREPARE_TRAINING_DATA, EVALUATE_A_CANDIDATE, TRAIN)

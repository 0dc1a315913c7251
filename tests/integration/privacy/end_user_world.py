"""A world of the end user Ann: exchanges, a baseline, a Slack message, reviews, gold, a run.

All data of Ann contains the word ``zebrafish`` or her address, so that traces can be found.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, insert, select, update

from monitor.alerts.drift_incidents import handle_evaluation
from monitor.alerts.incidents import note
from monitor.review.export import read_gold, sft_rows
from monitor.settings import Alerts, ModelSection, Settings, TrainingData
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.review.draws import BatchDesign, Draw, insert_draws
from monitor.store.review.gold_export import ItemFilter
from monitor.store.review.items import NewItem, insert_batch
from monitor.store.tables import (
    AuditEntry,
    Exchange,
    GoldExample,
    IncidentThread,
    OutboxMessage,
    Review,
    ReviewAssignment,
    ReviewAudit,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
    Rollout,
    RolloutObservation,
    User,
)
from monitor.store.traffic.baselines import create_baseline, latest_baseline
from monitor.store.traffic.daily_counts import SampledCount
from monitor.store.traffic.dead_letters import DeadLetterRow, insert_dead_letters
from monitor.store.traffic.feedback import insert_feedback
from monitor.store.traffic.pending_halves import insert_halves
from monitor.store.traffic.position import FeedbackRow, HalfRow, Position
from monitor.store.training.registry import insert_version
from monitor.store.training.runs import finish_run, mark_running, run_by_id
from monitor.store.windows.assessment import Example, Quote
from monitor.store.windows.claims import claim_drift_evaluation, finish_drift_evaluation
from monitor.store.windows.map_points import PromptMap
from monitor.store.windows.sample_scores import SampleScores
from monitor.traffic.redaction import pseudonym_of
from retrain.data import DataChecks, TrainingSet, build_training_set
from retrain.recipes.recipe import Recipe
from retrain.rollout.rows.measured_hours import insert_scores
from retrain.rollout.rows.observations import (
    LabelKey,
    ObservationRow,
    add_labels,
    insert_observations,
)
from retrain.run_folder import RunFolder, write_lines
from retrain.training.runs import plan_run, prepare_run
from tests.support.traffic.aging_traffic import exchange, store_rows
from tests.support.windows.assessments import make_assessment, make_examples, make_topic

ANN = "ann@example.org"
WORD = "zebrafish"
#: Numbers of her exchanges, and of the one in the baseline.
HERS = (3, 17, 33)
IN_BASELINE = 105
#: Somebody else's, which mentions her.
MENTIONS = 25
N_TRAFFIC = 40
RECIPE = Recipe(base="some/base")


@dataclass(frozen=True)
class EndUserWorld:
    engine: Engine
    settings: Settings
    folder: Path
    evaluation_id: int
    run: RunFolder
    version_id: int


EVALUATION = """\
evaluation:
  benchmarks: [{name: support, dataset: benchmark.jsonl, metrics: [exact_match]}]
"""


def make_end_user_world(engine: Engine, folder: Path, clock: datetime) -> EndUserWorld:
    original, benchmark = folder / "original.jsonl", folder / "benchmark.jsonl"
    evaluation = folder / "evaluation.yaml"
    evaluation.write_text(EVALUATION, encoding="utf-8")
    settings = Settings(
        database={"url": engine.url.render_as_string(hide_password=False)},
        retrain={"training_data": str(original), "evaluation": str(evaluation)},
    )
    write_lines(original, [_example(f"question {n}", f"answer {n}") for n in range(30)])
    with original.open("a", encoding="utf-8") as file:
        file.write(json.dumps(_example("Who am I?", f"You are {ANN}.")) + "\n")
    write_lines(benchmark, [_item(f"item-{n:03}", f"question {n}") for n in range(5)])
    _store_traffic(engine, clock)
    ids = exchange_ids(engine)
    evaluation_id = _evaluate(engine, ids, clock)
    with transaction(engine) as connection:
        _review(connection, evaluation_id, ids, clock)
        insert_dead_letters(connection, _dead_letters(clock))
        insert_halves(connection, _halves(clock), now=clock)
    run, version_id = _train(engine, folder, clock)
    with transaction(engine) as connection:
        _observe(connection, version_id, clock)
    return EndUserWorld(engine, settings, folder, evaluation_id, run, version_id)


def _observe(connection: Connection, version_id: int, clock: datetime) -> None:
    """Store observations of a rollout: two of Ann, one that mentions her, one of another user."""
    rollout_id = connection.execute(
        insert(Rollout)
        .values(
            model="assistant",
            version_id=version_id,
            stable_version_id=version_id,
            status="running",
            weight_percent=5,
            stage_started_at=clock,
            reason="start",
            settings={},
            started_at=clock,
        )
        .returning(Rollout.id)
    ).scalar_one()
    texts = [
        (pseudonym_of(ANN), f"{WORD}?", "yes", 700),
        ("", "hello", "yes", 17),  # known by the id of the exchange
        ("somebody", "hello", f"Ask {ANN}.", 702),
        ("somebody", "hello", "yes", 703),
    ]
    rows = [
        ObservationRow(
            rollout_id=rollout_id,
            position=Position("topic", 0, number),
            exchange_id=f"exchange-{number}",
            occurred_at=clock,
            received_at=clock,
            model="assistant",
            arm="canary",
            task_type="",
            end_user=end_user,
            inclusion_probability=1.0,
            prompt=prompt,
            response=response,
            measures={"length": 3.0},
        )
        for end_user, prompt, response, number in texts
    ]
    assert insert_observations(connection, rows) == 0
    ids = connection.execute(select(RolloutObservation.id)).scalars()
    insert_scores(connection, rollout_id, "judge", dict.fromkeys(ids, 1.0), clock)
    # Two of hers, one known by the exchange only, one by its id; one of another user.
    rated = ["exchange-3", "exchange-700", "exchange-17", f"call of {ANN}", "exchange-703"]
    feedback = [
        FeedbackRow(
            position=Position("topic", 0, 2000 + number),
            exchange_id=exchange_id,
            model="",
            name="thumbs_up",
            value=1.0,
            given_at=clock,
            received_at=clock,
        )
        for number, exchange_id in enumerate(rated)
    ]
    insert_feedback(connection, feedback)
    labels = {LabelKey(rollout_id, label): SampledCount(1, 1.0) for label in (ANN, "v7")}
    add_labels(connection, labels, clock)


def _halves(clock: datetime) -> list[HalfRow]:
    """Store a request of Ann that waits for its response, and one of another end user."""
    return [
        HalfRow(
            position=Position("topic", 0, 900 + number),
            join_id=f"half-{number}",
            side="request",
            end_user=end_user,
            occurred_at=clock,
            received_at=clock,
            randomness=0,
            threshold=0,
            inclusion_probability=0.05,
            payload={"user": end_user, "messages": [{"role": "user", "content": prompt}]},
        )
        for number, (end_user, prompt) in enumerate(
            [(pseudonym_of(ANN), f"{WORD}?"), ("somebody", "Where is my parcel?")]
        )
    ]


def exchange_ids(engine: Engine) -> dict[int, int]:
    """Return exchange number -> row id."""
    with transaction(engine) as connection:
        rows = connection.execute(select(Exchange.exchange_id, Exchange.id)).all()
    return {int(row[0].removeprefix("exchange-")): row[1] for row in rows}


def prompt_of(number: int) -> str:
    hers = number in HERS or number == IN_BASELINE
    return f"Where is my {WORD} number {number}?" if hers else f"Where is my parcel {number}?"


def _store_traffic(engine: Engine, clock: datetime) -> None:
    def row(number: int, at: datetime) -> Any:
        hers = number in HERS or number == IN_BASELINE
        values: dict[str, Any] = {"end_user": pseudonym_of(ANN)} if hers else {}
        if number == MENTIONS:
            values["response"] = f"Ask {ANN.upper()}, she knows."
        return exchange(
            number, at, prompt=prompt_of(number), exchange_id=f"exchange-{number}", **values
        )

    start = clock - timedelta(days=7)
    for first in range(0, N_TRAFFIC, 10):
        store_rows(engine, [row(n, start) for n in range(first, first + 10)])
    with transaction(engine) as connection:
        baseline_id = create_baseline(
            connection, "assistant", "digest", n_exchanges=10, encoder="fake@1", created_at=start
        )
    store_rows(engine, [row(n, start) for n in range(100, 110)], baseline_id=baseline_id)


def _evaluate(engine: Engine, ids: dict[int, int], clock: datetime) -> int:
    beginning = prompt_of(17)[:39] + "…" if len(prompt_of(17)) > 40 else prompt_of(17)
    topics = (
        make_topic(examples=make_examples(prompt_of(3), prompt_of(4))),
        make_topic(index=1, name=beginning, n_current=2, examples=make_examples(prompt_of(17))),
    )
    assessment = make_assessment(
        0.2,
        headline=f"People ask about new things: “crypto, wallet, transfer” and “{beginning}”.",
        remarks=(f"One user ({pseudonym_of(ANN)}) sent 30% of the window.",),
    )
    outliers = make_examples(prompt_of(5), prompt_of(33))
    before = Quote(prompt=prompt_of(IN_BASELINE), response=f"response {IN_BASELINE}")
    changed = Example(prompt=prompt_of(6), response="Nothing.", baseline=before)
    assessment = replace(
        assessment,
        input=replace(assessment.input, topics=topics, outliers=outliers),
        output=replace(assessment.output, outliers=(changed,)),
    )
    start, end = clock - timedelta(days=7), clock
    window = [ids[n] for n in range(N_TRAFFIC)]
    with transaction(engine) as connection:
        claim = claim_drift_evaluation(connection, "assistant", start, end, seed=1, now=clock)
        assert claim is not None
        scores = SampleScores(
            np.array(window),
            np.linspace(0, 1, len(window)),
            np.full(len(window), -1),
            np.full(len(window), 0.05),
        )
        baseline = latest_baseline(connection, "assistant")
        assert baseline is not None
        finish_drift_evaluation(
            connection, claim, assessment=assessment, scores=scores, baseline_id=baseline.id,
            provenance={}, now=clock, prompt_map=_map(window, [ids[n] for n in range(100, 110)]),
        )  # fmt: skip
        incident = handle_evaluation(connection, claim.evaluation_id, clock, alerts=Alerts())
        assert incident is not None
        note(connection, incident, "Lea", f"asked about {prompt_of(3)} & more", clock)
        connection.execute(update(OutboxMessage).values(sent_at=clock))

        thread = {"incident_id": incident, "target": "C1", "address": "C1", "ts": "17.1"}
        connection.execute(insert(IncidentThread).values(thread))
    return claim.evaluation_id


def _map(window: list[int], baseline: list[int]) -> PromptMap:
    """Return a map of all exchanges with meaningless positions."""
    return PromptMap(
        current_ids=np.array(window),
        current=np.full((len(window), 2), 0.5, dtype=np.float32),
        topic=np.full(len(window), -1),
        reference_ids=np.array(baseline),
        reference=np.full((len(baseline), 2), 0.5, dtype=np.float32),
    )


def _review(
    connection: Connection, evaluation_id: int, ids: dict[int, int], clock: datetime
) -> None:
    for number, name in ((1, "Ada"), (2, "Ben")):
        connection.execute(
            insert(User).values(
                id=number, name=name, password_hash="x", active=True,
                created_at=clock,
            )
        )  # fmt: skip
    queued = [*HERS, *range(4, 16)]
    items = [
        NewItem(
            exchange_id=ids[n],
            slice="control",
            selection_probability=0.5,
            control_probability=0.5,
            cluster=None,
        )
        for n in queued
    ]
    batch = insert_batch(connection, evaluation_id, "assistant", items, clock)
    rows = connection.execute(select(ReviewItem.id, ReviewItem.exchange_id)).all()
    draws = [
        Draw(
            text_digest=f"text {item_id}", task_type="", stratum=0, cluster=None,
            control_points=1, traffic_share=1 / len(rows), selection_probability=0.5,
        )
        for item_id, _ in rows
    ]  # fmt: skip
    design = BatchDesign(n_control=len(rows), n_window=len(rows), cells=(("", 0, 1.0),))
    item_ids = [item_id for item_id, _ in rows]
    insert_draws(connection, batch, list(zip(item_ids, draws, strict=True)), design)
    number_of = {row_id: number for number, row_id in ids.items()}
    for item_id, exchange_id in rows:
        corrected_response = f"{prompt_of(number_of[exchange_id])} It is on its way."
        outcome = {
            "verdict": "correct",
            "error_kind": "tone",
            "corrected_response": corrected_response,
        }
        for reviewer in (1, 2):
            connection.execute(
                insert(Review).values(
                    item_id=item_id, reviewer_id=reviewer, accuracy=3, completeness=3, tone=3,
                    compliance=3, comment=corrected_response, submitted_at=clock, **outcome,
                )
            )  # fmt: skip
            connection.execute(
                insert(ReviewAssignment).values(
                    item_id=item_id,
                    reviewer_id=reviewer,
                    expires_at=clock,
                    draft={"text": corrected_response},
                )
            )
        connection.execute(
            insert(ReviewProposal).values(
                item_id=item_id, reviewer_id=1, comment="", proposed_at=clock, **outcome
            )
        )
        connection.execute(
            insert(ReviewMessage).values(
                item_id=item_id, reviewer_id=2, text=corrected_response, written_at=clock
            )
        )
        connection.execute(
            insert(ReviewAudit).values(
                item_id=item_id, revision=1, drawn_at=clock, auditor_id=1, decided_at=clock,
                differences=[], comment=corrected_response, **outcome,
            )
        )  # fmt: skip
        connection.execute(
            insert(GoldExample).values(
                item_id=item_id, verdict="correct", response=corrected_response, error_kind="tone",
                resolution="agreed", decided_at=clock,
            )
        )  # fmt: skip
    connection.execute(update(ReviewItem).values(status="gold"))

    first = next(row.id for row in rows if row.exchange_id == ids[HERS[0]])
    append_entry(connection, clock, "Ada", "flagged", f"item:{first}", {"reason": "odd"})


def _dead_letters(clock: datetime) -> list[DeadLetterRow]:
    def dead_letter(partition: int, offset: int, key: bytes, value: bytes) -> DeadLetterRow:
        return DeadLetterRow(
            position=Position("topic", partition, offset, 9),
            key=key,
            value=value,
            reason="invalid_json",
            detail="",
            randomness=0,
            threshold=0,
            inclusion_probability=0.05,
            received_at=clock,
        )

    return [
        dead_letter(1, 1, b"", b'{"user": "Ann\\u0040example.org", "prompt": "zebrafish'),
        dead_letter(1, 2, ANN.encode(), b"\xff"),
        dead_letter(0, HERS[0], b"", b"the rest of the record that her exchange came from"),
        dead_letter(1, 3, b"", b'{"user": "joann@example.organic", "prompt": "not hers'),
    ]


def _train(engine: Engine, folder: Path, clock: datetime) -> tuple[RunFolder, int]:
    with transaction(engine) as connection:
        gold = sft_rows(read_gold(connection, ModelSection(), ItemFilter()), ModelSection())
        training_set: TrainingSet = build_training_set(
            gold, [], replay_share=0.0, seed=1, checks=DataChecks(rules=TrainingData(min_gold=1))
        )
        run_id = plan_run(
            connection, model="assistant", recipe=RECIPE, work_dir=folder / "runs", now=clock
        )  # fmt: skip
        run = prepare_run(connection, run_id, training_set)
        write_lines(
            run.evaluation_responses(1),
            [
                {
                    "by": system, "benchmark": "support", "id": f"exchange-{n}",
                    "messages": [{"role": "user", "content": prompt_of(n)}], "expected": "yes",
                    "response": "yes", "values": {"exact_match": 1.0},
                }
                for system in ("candidate", "base")
                for n in (HERS[1], 4)
            ],
        )  # fmt: skip
        mark_running(connection, run_id, {"number": 1}, clock)
        finish_run(connection, run_id, "succeeded", finished_at=clock, result={})
        lineage = {"data_digest": training_set.card.digest, "parent_adapter": ""}
        common: dict[str, Any] = {
            "model": "assistant", "adapter_path": "x", "adapter_digest": "y", "created_at": clock,
        }  # fmt: skip
        version = insert_version(
            connection, stage="production", parent_id=None, training_run_id=run_id,
            lineage=lineage, **common,
        )  # fmt: skip
        insert_version(
            connection, stage="candidate", parent_id=version, training_run_id=None,
            lineage={"parent_adapter": "x"}, **common,
        )  # fmt: skip
        failed = plan_run(
            connection, model="assistant", recipe=RECIPE, work_dir=folder / "runs", now=clock
        )  # fmt: skip
        error = f"1 prompts have different answers: {prompt_of(33)[:80]!r}: 'yes' or 'no'"
        finish_run(connection, failed, "failed", finished_at=clock, error=error)
        assert run_by_id(connection, failed).error == error
    return run, version


def audit_entries(engine: Engine) -> list[Any]:
    with transaction(engine) as connection:
        return list(
            connection.execute(
                select(AuditEntry.action, AuditEntry.subject, AuditEntry.details).order_by(
                    AuditEntry.id
                )
            )
        )


def _example(question: str, response: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": response},
        ],
        "metadata": {},
    }


def _item(name: str, question: str) -> dict[str, Any]:
    return {"id": name, "messages": [{"role": "user", "content": question}], "expected": "x"}

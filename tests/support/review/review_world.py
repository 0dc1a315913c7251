"""A support desk of a small bank: a finished evaluation, its batch, and users."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from monitor.accounts.registration import create_user
from monitor.review.sampling.batch import create_batch
from monitor.settings import Review
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.accounts.users import UserRow, list_users
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import insert_exchanges, load_window
from monitor.store.windows.assessment import (
    Assessment,
    Basis,
    DriftTest,
    Example,
    FamilyAssessment,
    NumericAssessment,
    Topic,
)
from monitor.store.windows.claims import claim_drift_evaluation, finish_drift_evaluation
from monitor.store.windows.reports import save_report
from monitor.store.windows.sample_scores import SampleScores
from tests.support.built_once import built_once
from tests.support.traffic.exchange_rows import exchange_row
from tests.support.windows.assessments import estimated

PASSWORD = "correct horse battery"
USERS = {"Ada": "reviewer", "Ben": "reviewer", "Cleo": "adjudicator", "Lea": "lead"}
CASES = [
    (
        "card_lost",
        "I left my debit card in a taxi in Lisbon last night and fly home tomorrow. What now?",
        (
            "I'm sorry to hear that. You can block the card at once in the app under Cards > Lost "
            "or stolen. A new card arrives at your home address within 5 working days. Payments "
            "made after you block the card will not be charged to you."
        ),
    ),
    (
        "instant_transfer",
        "My instant transfer to a friend shows 'pending' for two hours. Is the money gone?",
        (
            "Transfers usually take 1 to 2 working days. Please wait until the transfer has "
            "arrived. If it has not arrived after 3 working days, please contact us again."
        ),
    ),
    (
        "fees",
        "Why was I charged 1.75% when I paid in dollars online?",
        (
            "The 1.75% is our fee for payments in a foreign currency. It applies to card payments "
            "outside the euro area, and is listed in your price overview."
        ),
    ),
    (
        "crypto_withdrawal",
        "How long does it take until bitcoin I sold in the app shows up as euros?",
        "We do not offer cryptocurrency products. Please contact the provider of your wallet.",
    ),
]


@dataclass(frozen=True)
class World:
    engine: Engine
    batch_id: int
    evaluation_id: int
    users: dict[str, int]
    rows: dict[str, UserRow]


def topic(index: int, name: str, examples: tuple[str, ...]) -> Topic:
    return Topic(
        index=index,
        name=name,
        n_current=14,
        n_end_users=11,
        share_current=0.07,
        share_reference=0.002,
        enrichment=35.0,
        enrichment_lower=12.0,
        enrichment_upper=99.0,
        examples=tuple(Example(prompt=example) for example in examples),
    )


def assessment(n: int) -> Assessment:
    tests = (
        DriftTest(
            name="kernel two-sample",
            statistic=0.0123,
            p_value=0.0001,
            adjusted_p_value=0.0002,
            effect_size=0.21,
        ),
        DriftTest(
            name="novelty", statistic=3.1, p_value=0.0004, adjusted_p_value=0.0004, effect_size=0.3
        ),
    )
    crypto = topic(
        0,
        "bitcoin, wallet, sold",
        (
            "How long does it take until bitcoin I sold in the app shows up as euros?",
            "Can I move my bitcoin to my own wallet?",
            "What does it cost to sell 0.1 BTC?",
            "<script>alert(1)</script> is my wallet safe?",
        ),
    )
    instant = topic(
        1, "instant, pending, transfer", ("My instant transfer shows 'pending' for two hours.",)
    )
    descriptor = NumericAssessment(
        name="length_characters", side="response", direction=0, n_reference=800, n_current=n,
        reference_mean=212.0, current_mean=171.0, effect_size=-0.18, relative_change=-0.193,
        relative_change_lower=-0.24, relative_change_upper=-0.14, p_value=0.0003,
        adjusted_p_value=0.001, degraded=False,
    )  # fmt: skip
    return Assessment(
        model="assistant",
        verdict="drift",
        alarm=True,
        headline="Customers ask about two things the model was not trained for: crypto and instant "
        "transfers.",
        n_reference=800,
        n_current=n,
        input=FamilyAssessment(
            family="input", verdict="drift", alarm=True, p_value=0.0002,
            drifted_share=estimated(0.11), tests=tests, topics=(crypto, instant),
        ),
        output=FamilyAssessment(
            family="output", verdict="no_drift", alarm=False, p_value=0.21,
            drifted_share=estimated(0.0), tests=tests[:1],
        ),
        numeric_columns=(descriptor,),
        mix_current={"card_lost": 0.3, "fees": 0.25, "instant_transfer": 0.25, "": 0.2},
        mix_reference={"card_lost": 0.5, "fees": 0.5},
        remarks=("Sunday had no traffic.",),
        basis=Basis(seed=7, settings={"false_alarms_a_year": 0.5}, levels=DEFAULT_LEVELS),
    )  # fmt: skip


def make_world(
    engine: Engine,
    clock: datetime,
    *,
    n: int = 40,
    review: Review | None = None,
    cases: list[tuple[str, str, str]] | None = None,
    weeks_ago: int = 0,
    users: bool = True,
    versions: tuple[str, ...] = (),
) -> World:
    """Make the week, its evaluation, its batch and users; the versions respond in turns."""
    world = built_once(
        engine,
        (make_world, clock, n, review, cases, weeks_ago, users, versions),
        lambda: _build(engine, clock, n, review, cases, weeks_ago, users=users, versions=versions),
    )
    return replace(world, engine=engine, users=dict(world.users), rows=dict(world.rows))


def _build(
    engine: Engine,
    clock: datetime,
    n: int,
    review: Review | None,
    cases: list[tuple[str, str, str]] | None,
    weeks_ago: int,
    *,
    users: bool,
    versions: tuple[str, ...] = (),
) -> World:
    start = clock - timedelta(weeks=weeks_ago + 1)
    end = start + timedelta(weeks=1)
    inputs = cases is not None
    cases = cases or CASES
    rows = []
    for index in range(n):
        task_type, prompt, response = cases[index % len(cases)]
        suffix = "" if index < len(cases) else f" ({index})"
        if weeks_ago and not inputs:  # no week asks what another one did, unless a test wants that
            suffix += f" [{weeks_ago}]"
        rows.append(
            exchange_row(
                "test",
                index,
                partition=weeks_ago,
                exchange_id=f"x{weeks_ago}-{index}",
                occurred_at=start + timedelta(minutes=index),
                task_type=task_type,
                end_user=f"u{index}",
                messages=[
                    {"role": "system", "content": "You are the support desk of a bank."},
                    {"role": "user", "content": prompt + suffix},
                ],
                prompt=prompt + suffix,
                response=response,
                inclusion_probability=0.05,
                attributes={"model_version": versions[index % len(versions)]} if versions else {},
            )
        )
    vectors = np.ones((n, 4), dtype=np.float16) / 2
    with transaction(engine) as connection:
        exchanges = Exchanges.from_rows(
            rows, encoder="test", prompt_vectors=vectors, response_vectors=vectors
        )
        insert_exchanges(connection, exchanges, created_at=clock)
        ids = load_window(connection, "assistant", start, end).ids
        claim = claim_drift_evaluation(connection, "assistant", start, end, seed=1, now=clock)
        assert claim is not None
        cluster = np.where(np.arange(n) % len(cases) == 3, 0, -1)
        scores = SampleScores(ids, np.linspace(0, 1, n), cluster, np.full(n, 0.05))
        finish_drift_evaluation(
            connection, claim, assessment=assessment(n), scores=scores, baseline_id=None,
            provenance={}, now=clock,
        )  # fmt: skip
        report = "<html><body><script>document.title='ran'</script>report</body></html>"
        save_report(connection, claim.evaluation_id, "evidently", report, clock)
        batch_id = create_batch(
            connection, claim.evaluation_id, review or Review(), np.random.default_rng(3), clock
        )
        ids_by_name = {}
        if users:
            for name, role in USERS.items():
                ids_by_name[name] = create_user(connection, name, PASSWORD, role, clock)
        rows_by_name = {row.name: row for row in list_users(connection)}
    return World(engine, batch_id, claim.evaluation_id, ids_by_name, rows_by_name)

"""Statistics of a window compared with its baseline: prompts, responses, numbers, task mix."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from monitor.drift import (
    Cluster,
    DriftResult,
    MixComparison,
    Pairs,
    SampleDesign,
    compare,
)
from monitor.settings import Drift
from monitor.statistics.alarm_levels import AlarmLevels, permutations_for
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import Explanation, NumericAssessment
from monitor.traffic.same_prompt import SamePrompt, find_same_prompt
from monitor.windows.comparison.bursts import burst_groups
from monitor.windows.comparison.common_rate import comparable
from monitor.windows.comparison.equal_prompts import pair_exchanges
from monitor.windows.comparison.events import compare_events
from monitor.windows.comparison.format_conformance import Formats
from monitor.windows.comparison.large_users import thin_large_users
from monitor.windows.comparison.matched_days import MatchedDays, match_weekdays
from monitor.windows.comparison.numeric_columns import metric_columns_of, text_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn, compare_numeric_columns
from monitor.windows.comparison.response_comparison import compare_responses
from monitor.windows.comparison.task_mix import compare_task_mix
from monitor.windows.comparison.text_sample import TextSample
from monitor.windows.comparison.unread_texts import UnknownShares, UnreadShares, measure_unread

#: Streams of random numbers, each independent of the others.
INPUT_STREAM, OUTPUT_STREAM, TOPIC_STREAM, MIX_STREAM = range(4)
LARGE_USER_STREAM = 5
TEXT_STREAM = 6
INPUT_REST_STREAM, OUTPUT_REST_STREAM = 7, 8

#: Level of the events that explain a significant change without alarming.
EVENT_LEVEL = 0.05

#: Windows of up to so many exchanges on both sides have their prompts and responses compared at
#: once, on two cores. In larger ones the memory of both would add up.
MAX_COMPARED_AT_ONCE = 100_000

#: End users that each side needs, as :mod:`monitor.drift` requires.
MIN_END_USERS = 20


@dataclass(frozen=True)
class ComparedSide:
    """One side of a comparison."""

    #: All exchanges.
    whole: Exchanges
    #: int64: the compared rows of ``whole``, without the surplus of large users.
    rows: NDArray[np.int64]
    #: The compared exchanges.
    compared: Exchanges


@dataclass(frozen=True, kw_only=True)
class WindowComparison:
    """The statistics of a window and its baseline."""

    reference: ComparedSide
    current: ComparedSide
    drift: Drift
    levels: AlarmLevels
    seed: int
    #: ``None`` where the whole baseline is compared; else the reference is that on these days.
    matched_days: MatchedDays | None = None
    #: Comparable exchanges and weights; ``None`` where all were sampled at one rate.
    design: SampleDesign | None = None
    #: Of the prompts; ``None`` where a side has too few exchanges or end users.
    prompts: DriftResult | None = None
    #: Whether it is known that both sides have responses, if only empty ones.
    with_responses: bool = True
    #: Of the responses given the prompts; ``None`` where the baseline has too few responses, or
    #: nothing is known of those of a side.
    responses: DriftResult | None = None
    #: int64: the rows of the window whose responses were compared; ``None``: all.
    response_rows: NDArray[np.int64] | None = None
    #: The pairs of exchanges where both sides have the same prompts; ``None``: other prompts.
    pairs: Pairs | None = None
    prompt_clusters: tuple[Cluster, ...] = ()
    response_clusters: tuple[Cluster, ...] = ()
    columns: tuple[NumericColumn, ...] = ()
    numeric_columns: tuple[NumericAssessment, ...] = ()
    #: Events of the responses whose share rose, significantly or not.
    events: tuple[Explanation, ...] = ()
    mix: MixComparison | None = None
    #: Texts that the encoder doesn't read; ``None`` where nothing was compared.
    unread_prompts: UnreadShares | None = None
    unread_responses: UnreadShares | None = None
    #: The text that most prompts of a side are, of the baseline and of the window.
    same_prompts: tuple[SamePrompt | None, SamePrompt | None] = (None, None)

    @property
    def prompts_changed(self) -> bool:
        """Return whether the test of the prompts is significant."""
        return self.prompts is not None and self.prompts.p_value <= self.levels.input

    @property
    def responses_changed(self) -> bool:
        """Return whether the test of the responses is significant."""
        return self.responses is not None and self.responses.p_value <= self.levels.output

    @property
    def responses_tested(self) -> bool:
        """Return whether enough responses to comparable prompts were left to be tested."""
        return self.responses is not None and self.responses.verdict != "not_enough_data"

    @property
    def significant_events(self) -> tuple[Explanation, ...]:
        """Return the events that rose at their level; where the responses changed, at 5%."""
        level = EVENT_LEVEL if self.responses_changed else self.levels.events
        return tuple(event for event in self.events if (event.p_value or 0.0) <= level)

    @property
    def is_compared(self) -> bool:
        """Return whether the prompts could be compared."""
        return self.prompts is not None and self.prompts.verdict != "not_enough_data"


def compare_window(
    reference: Exchanges,
    current: Exchanges,
    *,
    drift: Drift,
    levels: AlarmLevels,
    alert_threshold: float,
    seed: int,
    rate_for: Callable[[str], float] | None = None,
    declared: Formats | None = None,
    unknown_shares: UnknownShares | None = None,
    with_responses: bool = True,
) -> WindowComparison:
    """Compare a window, ``current``, with its baseline, ``reference``.

    ``levels`` are of the tests of this window, or of a version's part of it; ``alert_threshold`` is
    the relative loss of a metric that alarms. The same ``seed`` and exchanges give the same figures
    to the last digit; with another seed the p-values differ by their Monte Carlo error.

    ``rate_for`` returns the configured sampling rate of a task type; ``declared`` has the output
    format of each that the taxonomy declares; ``unknown_shares`` are of the encoder's vocabulary,
    where it is known. Without ``with_responses`` these are not compared: an exchange whose response
    is missing looks like one with an empty one.
    """
    matched: MatchedDays | None = None
    if drift.match_weekdays:
        matched = match_weekdays(
            reference, current, min_samples=drift.min_samples, min_end_users=MIN_END_USERS
        )
    if matched is not None:
        reference = matched.reference
    # Not from the seed, which would decide which exchanges of a large end user are compared.
    rng = np.random.default_rng(LARGE_USER_STREAM)
    sides = [_thin(side, rng) for side in (reference, current)]
    reference, current = (side.compared for side in sides)
    comparison = partial(
        WindowComparison,
        reference=sides[0],
        current=sides[1],
        drift=drift,
        levels=levels,
        seed=seed,
        matched_days=matched,
        with_responses=with_responses,
    )
    n_end_users = [count_users(side.end_users) for side in (reference, current)]
    if min(len(reference), len(current)) < drift.min_samples or min(n_end_users) < MIN_END_USERS:
        return comparison()
    design = comparable(reference, current, rate_for)
    input_test = partial(
        compare_prompts,
        *(reference, current),
        drift=drift,
        level=levels.input,
        design=design,
        rng=np.random.default_rng([seed, INPUT_STREAM]),
    )
    # Python's own code would hold up the other thread, so that the texts come first.
    sample = TextSample.draw(len(reference), len(current), np.random.default_rng(TEXT_STREAM))
    sampled = sample.exchanges(reference, current)
    # A sample of each side would break pairs, and so would thinning by rates.
    pairs = pair_exchanges(reference, current) if design is None and sample.is_whole else None
    of_texts = text_columns_of(*sampled, declared, with_responses=with_responses)
    columns = (
        *(sample.of_all_rows(column, len(reference)) for column in of_texts),
        *metric_columns_of(reference, current, drift),
    )
    output_test = partial(
        compare_responses,
        *sampled,
        pairs,
        columns=of_texts,
        drift=drift,
        level=levels.output,
        design=sample.design(design),
        rng=np.random.default_rng([seed, OUTPUT_STREAM]),
    )
    responses: DriftResult | None = None
    has_responses = with_responses and sampled[0].n_responses >= drift.min_samples
    if has_responses and len(reference) + len(current) <= MAX_COMPARED_AT_ONCE:
        # Each has a core; the threads of a library for both would wait for each other.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(1, "prompts") as executor:
            started = executor.submit(input_test)
            responses = output_test()
            prompts = started.result()
    else:
        prompts = input_test()
        if has_responses and prompts.verdict != "not_enough_data":
            responses = output_test()
    if prompts.verdict == "not_enough_data":
        return comparison(design=design, prompts=prompts)
    responses = None if responses is None else sample.expand(responses)
    prompt_clusters, response_clusters = reported_clusters(
        prompts, responses, levels, n_current=len(current)
    )
    return comparison(
        design=design,
        prompts=prompts,
        responses=responses,
        response_rows=sample.current,
        pairs=pairs,
        prompt_clusters=prompt_clusters,
        response_clusters=response_clusters,
        columns=columns,
        numeric_columns=compare_numeric_columns(
            columns,
            reference,
            current,
            pairs,
            level=levels.metrics,
            alert_threshold=alert_threshold,
        ),
        events=compare_events(
            *sampled,
            of_texts,
            design=sample.design(design),
            level=levels.events,
            min_rise=drift.min_event_rise,
        ),
        mix=compare_task_mix(reference, current, design, np.random.default_rng([seed, MIX_STREAM])),
        unread_prompts=measure_unread(
            (reference.prompts, reference.prompt_vectors),
            (current.prompts, current.prompt_vectors),
            unknown_shares,
        ),
        unread_responses=None
        if responses is None
        else measure_unread(
            (reference.responses, reference.response_vectors),
            (current.responses, current.response_vectors),
            unknown_shares,
        ),
        same_prompts=(
            find_same_prompt(reference.prompts, drift.max_same_prompt_share),
            find_same_prompt(current.prompts, drift.max_same_prompt_share),
        ),
    )


def _thin(side: Exchanges, rng: np.random.Generator) -> ComparedSide:
    rows = thin_large_users(side, rng)
    return ComparedSide(side, rows, side if len(rows) == len(side) else side.take(rows))


def compare_prompts(
    reference: Exchanges,
    current: Exchanges,
    *,
    drift: Drift,
    level: float,
    design: SampleDesign | None,
    rng: np.random.Generator,
) -> DriftResult:
    """Compare the prompts of both sides."""
    return compare(
        reference.prompt_vectors,
        current.prompt_vectors,
        reference_groups=burst_groups(reference, "reference"),
        current_groups=burst_groups(current, "current"),
        current_parts=current.days,
        alpha=level,
        minimum_drifted_share=drift.min_drifted_share,
        minimum_samples=drift.min_samples,
        n_permutations=permutations_for(level, drift.n_permutations),
        rng=rng,
        design=design,
        cluster_alpha=level,
    )


def reported_clusters(
    prompts: DriftResult, responses: DriftResult | None, levels: AlarmLevels, *, n_current: int
) -> tuple[tuple[Cluster, ...], tuple[Cluster, ...]]:
    """Return the clusters of each family whose test is significant, of ``n_current`` exchanges.

    A cluster of responses to drifted prompts is reported with the prompts: clusters of the output
    are responses that changed although their prompts did not.
    """
    prompt_clusters = prompts.clusters if prompts.p_value <= levels.input else ()
    if responses is None or not responses.p_value <= levels.output:
        return prompt_clusters, ()
    drifted = np.zeros(n_current, dtype=bool)
    for cluster in prompt_clusters:
        drifted[cluster.members] = True
    return prompt_clusters, tuple(
        cluster for cluster in responses.clusters if drifted[cluster.members].mean() < 0.5
    )

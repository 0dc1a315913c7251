"""Explanations of a comparison whose tests are significant, and the tests of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors import are_withheld
from monitor.drift import Cluster, DriftResult
from monitor.errors import ModelError
from monitor.explanations import FoundExplanation, find_explanations, take_out
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import EVENT_KINDS, ExplanationKind
from monitor.windows.comparison.equal_prompts import pair_exchanges
from monitor.windows.comparison.format_conformance import Formats
from monitor.windows.comparison.numeric_columns import text_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.response_comparison import compare_responses
from monitor.windows.comparison.window_comparison import (
    INPUT_REST_STREAM,
    MIN_END_USERS,
    OUTPUT_REST_STREAM,
    TEXT_STREAM,
    WindowComparison,
    compare_prompts,
    reported_clusters,
)
from monitor.windows.explanations.rest import (
    Encode,
    NoEncoderError,
    RestSide,
    SampledSide,
    expand,
    rename,
    select_design,
)
from monitor.windows.topics.examples import Side

Sides = tuple[SampledSide, SampledSide]
RestSides = tuple[RestSide, RestSide]

#: Events without a text to compare; of the others the text is a topic.
SET_APART = frozenset({"error", "empty", "refusal"})
#: Forms that a new topic may bring: its prompts have capitals, or end with a question mark.
FORM = frozenset({"letter_case", "punctuation", "markup"})
#: A form counts as that of new texts where the rest drifted by this part of its change, or more.
OF_NEW_TEXTS = 0.5
#: A match says what an event says where the event covers this share of its responses.
COVERED = 0.9
#: Least difference, and level, of what explains no significant change.
MIN_UNTESTED, UNTESTED_LEVEL = 0.05, 1e-4
#: Why there is no test of the rest.
NO_REST = (
    "The rest, without what explains the change, was not compared: the texts could not be embedded "
    "again: {}"
)


@dataclass(frozen=True, kw_only=True)
class ExplainedFamily:
    """The explanations of a family, and the base of its topics, outliers and novelty."""

    #: Of the window's test or, where some was taken out, of that of the rest.
    novelty: NDArray[np.float64]
    clusters: tuple[Cluster, ...]
    #: Of the baseline's prompts, where the window has fewer like them.
    rarer_clusters: tuple[Cluster, ...] = ()
    #: Both sides with the texts that name topics.
    named: tuple[Exchanges, Exchanges]
    #: The most important first.
    matches: tuple[FoundExplanation, ...] = ()
    #: Those that were taken out where the rest was tested.
    taken_out: tuple[FoundExplanation, ...] = ()
    #: ``None`` where nothing was taken out.
    rest: RestSides | None = None
    #: ``None`` where too little was left.
    rest_result: DriftResult | None = None

    @property
    def is_apart(self) -> NDArray[np.bool_]:
        """Return which exchanges of the window are set apart, bool ``[n_current]``."""
        apart = np.zeros(len(self.novelty), dtype=np.bool_)
        if self.rest is not None:
            apart[:] = True
            apart[self.rest[1].rows] = False
        return apart

    def drop(self, dropped: Sequence[FoundExplanation]) -> "ExplainedFamily":
        """Return the family without some explanations; before the rest is tested."""
        ids = set(map(id, dropped))  # equal ones would be compared by their arrays
        return replace(
            self,
            matches=tuple(match for match in self.matches if id(match) not in ids),
            taken_out=tuple(match for match in self.taken_out if id(match) not in ids),
        )


@dataclass(frozen=True, kw_only=True)
class Explained:
    """The explanations of both families."""

    input: ExplainedFamily
    #: ``None`` where responses were not compared.
    output: ExplainedFamily | None
    #: The exchanges of the window that were searched; ``None``: none were.
    window: Exchanges | None = None
    #: Why the rest was not tested.
    remarks: tuple[str, ...] = ()


def unexplained(comparison: WindowComparison) -> Explained:
    """Return a comparison of prompts, and perhaps responses, without explanations."""
    sides = comparison.reference.compared, comparison.current.compared
    prompts, responses = comparison.prompts, comparison.responses
    return Explained(
        input=ExplainedFamily(
            novelty=np.zeros(len(sides[1])) if prompts is None else prompts.novelty,
            clusters=comparison.prompt_clusters,
            rarer_clusters=_rarer(prompts, comparison),
            named=sides,
        ),
        output=None
        if responses is None
        else ExplainedFamily(
            novelty=responses.novelty, clusters=comparison.response_clusters, named=sides
        ),
    )


def explain_window(
    comparison: WindowComparison,
    *,
    encode: Encode | None = None,
    declared: Formats | None = None,
) -> Explained:
    """Find what explains the changes of a window, and test the rest of the significant ones.

    A change that no test shows, as of the case of letters, is found at a stricter level. The test
    of the rest has the level of the window's, and never alarms. There is none where texts
    would be embedded again, and ``encode`` is missing or raises a :class:`ModelError`; and no
    explanation where the texts of the baseline are withheld.
    """
    plain = unexplained(comparison)
    is_searched = comparison.is_compared and not are_withheld(comparison.reference.whole.prompts)
    if not is_searched:
        return plain
    return _Search.of(comparison, encode, declared).explain(plain)


@dataclass(frozen=True)
class _Search:
    """The common inputs of both families."""

    comparison: WindowComparison
    sides: Sides
    encode: Encode | None
    declared: Formats | None

    @classmethod
    def of(
        cls, comparison: WindowComparison, encode: Encode | None, declared: Formats | None
    ) -> "_Search":
        rng = np.random.default_rng(TEXT_STREAM)
        sides = (
            SampledSide.draw(comparison.reference, rng),
            SampledSide.draw(comparison.current, rng),
        )
        return cls(comparison, sides, encode, declared)

    def explain(self, plain: Explained) -> Explained:
        """Return both families with their explanations, and the tests of the rest."""
        comparison = self.comparison
        own, output = plain.input, plain.output
        events: list[ExplanationKind] = []
        own = self._matched(own, "prompts", is_significant=comparison.prompts_changed)
        if output is not None:
            is_significant = comparison.responses_changed
            output = self._matched(output, "responses", is_significant=is_significant)
            kinds = [event.kind for event in comparison.significant_events]
            events = [kind for kind in kinds if kind in SET_APART]
            output = self._drop_repeated(output, events)
        remarks: tuple[str, ...] = ()
        try:
            whole = RestSide.of(self.sides[0]), RestSide.of(self.sides[1])
            own, rest = self._test_rest(own, whole, "prompts", is_changed=False)
            # Prompts with a new template are comparable with none of the baseline's.
            is_hidden = own.rest is not None and not comparison.responses_tested
            if output is not None:
                rest = self._set_apart(rest, events)
                is_changed = bool(events) or is_hidden
                output, _ = self._test_rest(output, rest, "responses", is_changed=is_changed)
        except NoEncoderError:
            pass
        except ModelError as error:
            remarks = (NO_REST.format(error),)
        window = self.sides[1].exchanges
        return self._with_clusters(
            Explained(input=own, output=output, window=window, remarks=remarks)
        )

    def _matched(
        self, family: ExplainedFamily, side: Side, *, is_significant: bool
    ) -> ExplainedFamily:
        texts = (own.texts_of(side) for own in self.sides)
        if not is_significant:
            matches = find_explanations(*texts, min_difference=MIN_UNTESTED, level=UNTESTED_LEVEL)
            return replace(family, matches=matches)
        matches = find_explanations(*texts)
        # One text in many exchanges is a topic, too, which reviewers are to see.
        taken_out = tuple(match for match in matches if match.kind != "copies")
        return replace(family, matches=matches, taken_out=taken_out)

    def _drop_repeated(
        self, family: ExplainedFamily, events: Sequence[ExplanationKind]
    ) -> ExplainedFamily:
        """Return a family without matches whose responses an event covers: copies of a refusal.

        Of a text that responses have no more, those are the responses without it.
        """
        sample = self.sides[1]
        has_event = np.zeros(len(sample.side.whole), dtype=np.bool_)
        for column in self._columns_of(events):
            has_event[sample.side.rows] |= column.current == 1.0
        rows = has_event[sample.rows]
        repeated = []
        for match in family.matches:
            is_loss = match.difference.mean < 0.0
            changed = ~match.current_rows if is_loss else match.current_rows
            if changed.any() and rows[changed].mean() >= COVERED:
                repeated.append(match)
        return family.drop(repeated)

    def _take_out(
        self,
        reference: RestSide,
        current: RestSide,
        family: Side,
        matches: Sequence[FoundExplanation],
    ) -> RestSides:
        """Take out of both sides what explanations of these texts cover."""
        if not matches:
            return reference, current
        texts = [side.texts_of(family).texts for side in self.sides]
        return (
            reference.take_out(take_out(texts[0], matches, "reference"), family, self.encode),
            current.take_out(take_out(texts[1], matches, "current"), family, self.encode),
        )

    def _columns_of(self, events: Sequence[ExplanationKind]) -> list[NumericColumn]:
        return [
            column
            for column in self.comparison.columns
            if column.side == "response" and EVENT_KINDS.get(column.name) in events
        ]

    def _set_apart(self, rest: RestSides, events: Sequence[ExplanationKind]) -> RestSides:
        """Set responses with an event apart on both sides."""
        reference, current = rest
        for column in self._columns_of(events):
            reference = reference.keep(column.reference[reference.rows] != 1.0)
            current = current.keep(column.current[current.rows] != 1.0)
        return reference, current

    def _test_rest(
        self, family: ExplainedFamily, sides: RestSides, side: Side, *, is_changed: bool
    ) -> tuple[ExplainedFamily, RestSides]:
        """Return a family with the test of the rest, and the rest.

        A form that only new texts have explains nothing, and is dropped. With ``is_changed`` the
        sides differ from those of the window's test already.
        """
        if not family.taken_out and not is_changed:
            return family, sides
        rest = self._take_out(*sides, side, family.taken_out)
        tested = self._test(family, rest, side)
        dropped = [
            match for match in family.taken_out if _comes_with_texts(match, tested.rest_result)
        ]
        if not dropped:
            return tested, rest
        left = family.drop(dropped)
        return self._test_rest(left, sides, side, is_changed=is_changed)

    def _test(self, family: ExplainedFamily, rest: RestSides, side: Side) -> ExplainedFamily:
        """Return a family with the test of the rest."""
        whole = self.comparison.reference.compared, self.comparison.current.compared
        result: DriftResult | None = None
        exchanges = rest[0].exchanges, rest[1].exchanges
        n_users = min(count_users(own.end_users or [""] * len(own)) for own in exchanges)
        if (
            min(map(len, exchanges)) >= self.comparison.drift.min_samples
            and n_users >= MIN_END_USERS
        ):
            compared = self._compare(exchanges, rest, side)
            result = None if compared.verdict == "not_enough_data" else compared
        if result is not None:
            result = expand(result, rest, family.novelty)
        return replace(
            family,
            novelty=family.novelty if result is None else result.novelty,
            named=(rename(whole[0], rest[0]), rename(whole[1], rest[1])),
            rest=rest,
            rest_result=result,
        )

    def _compare(
        self, exchanges: tuple[Exchanges, Exchanges], rest: RestSides, side: Side
    ) -> DriftResult:
        """Compare the rest as its family is compared, by random numbers of its own."""
        comparison = self.comparison
        drift, levels = comparison.drift, comparison.levels
        design = select_design(comparison.design, *rest)
        if side == "prompts":
            return compare_prompts(
                *exchanges,
                drift=drift,
                level=levels.input,
                design=design,
                rng=np.random.default_rng([comparison.seed, INPUT_REST_STREAM]),
            )
        return compare_responses(
            *exchanges,
            None if comparison.pairs is None else pair_exchanges(*exchanges),
            columns=text_columns_of(*exchanges, self.declared, with_responses=True),
            drift=drift,
            level=levels.output,
            design=design,
            rng=np.random.default_rng([comparison.seed, OUTPUT_REST_STREAM]),
        )

    def _with_clusters(self, explained: Explained) -> Explained:
        """Return the families with the clusters that are reported."""
        comparison, output = self.comparison, explained.output
        prompts = _reported(comparison.prompts, explained.input)
        responses = None if output is None else _reported(comparison.responses, output)
        if prompts is None:
            return explained
        of_prompts, of_responses = reported_clusters(
            prompts,
            responses,
            comparison.levels,
            n_current=len(comparison.current.compared),
        )
        return replace(
            explained,
            input=replace(
                explained.input,
                clusters=of_prompts,
                rarer_clusters=_rarer(prompts, comparison),
            ),
            output=None if output is None else replace(output, clusters=of_responses),
        )


def _comes_with_texts(match: FoundExplanation, rest: DriftResult | None) -> bool:
    """Return whether a form may be that of texts which differ without it, too."""
    if match.kind not in FORM or rest is None or rest.verdict != "drift":
        return False
    return rest.drifted_share >= abs(match.difference.mean) * OF_NEW_TEXTS


def _rarer(prompts: DriftResult | None, comparison: WindowComparison) -> tuple[Cluster, ...]:
    """Return the clusters that became rarer, where the test of the prompts is significant."""
    if prompts is None or not prompts.p_value <= comparison.levels.input:
        return ()
    return prompts.rarer_clusters


def _reported(result: DriftResult | None, family: ExplainedFamily) -> DriftResult | None:
    """Return the test whose clusters are reported; without any where too little was left."""
    if family.rest is None or result is None:
        return result
    return family.rest_result or replace(result, clusters=(), rarer_clusters=())

"""Estimates of one version's part of a batch that two versions responded to."""

import numpy as np
from scipy import stats

from monitor.review.decision.error_rate import control_slice, estimate_traffic
from monitor.review.sampling.selection import select_items
from monitor.settings import Review
from monitor.store.review.draws import DrawRow
from monitor.store.windows.sample_scores import SampleScores

N, N_TEXTS, N_TRIALS = 1_200, 500, 150
VERSIONS = ("1", "2")


def test_estimates_of_each_version_are_unbiased() -> None:
    """Texts are common to both versions, which give them in different shares; rates 50% and 8%."""
    rng = np.random.default_rng(8)
    version = rng.choice(2, N, p=(0.6, 0.4))
    wrong_text = np.arange(N_TEXTS) % 2 == 0
    popular = [np.where(wrong_text, odds, 1.0) for odds in (1.0, 0.09)]
    text = np.array([rng.choice(N_TEXTS, p=popular[v] / popular[v].sum()) for v in version])
    wrong = wrong_text[text]
    truth = [wrong[version == number].mean() for number in range(2)]
    probability = rng.choice((0.05, 0.2), N)
    # The traffic is what the sample stands for.
    weight = 1 / probability
    truth = [
        float((weight * wrong)[version == number].sum() / weight[version == number].sum())
        for number in range(2)
    ]
    assert truth[0] - truth[1] > 0.3
    scores = SampleScores(
        np.arange(N), rng.random(N) + wrong, np.where(text % 17 == 0, 0, -1), probability
    )
    errors: dict[tuple[str, str], list[float]] = {}
    for seed in range(N_TRIALS):
        selection = select_items(
            scores, [str(t) for t in text], [""] * N, Review(), np.random.default_rng(seed),
            versions=[VERSIONS[v] for v in version],
        )  # fmt: skip
        for number, name in enumerate(VERSIONS):
            share = selection.design.share_of(name.__eq__)
            rows = [
                DrawRow(
                    **{**vars(drawn.draw), "traffic_share": drawn.draw.traffic_share / share},
                    batch_id=1, item_id=at, queued_in=1, status="gold", error_kind="",
                    verdict="correct" if wrong_text[int(drawn.draw.text_digest)] else "accept",
                    answerable="",
                )
                for at, drawn in enumerate(selection.unreviewed)
                if drawn.draw.version == name
            ]  # fmt: skip
            control = control_slice(rows)
            overall = estimate_traffic(
                {1: selection.design.part(name.__eq__)}, rows, newest=1
            ).overall
            assert overall is not None
            errors.setdefault((name, "control"), []).append(
                control.errors / control.n - truth[number]
            )
            errors.setdefault((name, "all slices"), []).append(overall.rate - truth[number])
    for key, values in errors.items():
        assert stats.ttest_1samp(values, 0.0).pvalue > 0.001, (key, np.mean(values))
    shares = [
        sum(d.draw.control_points for d in selection.unreviewed if d.draw.version == name) / 60
        for name in VERSIONS
    ]
    assert sum(shares) == 1.0

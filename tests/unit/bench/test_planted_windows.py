"""Composition of the benchmark's windows."""

import numpy as np
import pytest

from bench.drift.sources.synthetic import around, make_synthetic, make_world
from monitor.bench.labelled import Labelled, TooFewSamplesError, open_labelled
from monitor.bench.windows import WindowSpec, draw_independent_weeks, draw_weeks, draw_windows

N_DOMAINS, TOPICS_EACH, ROWS_EACH, N_NOVEL = 4, 3, 50, 60
N_IN_SCOPE = N_DOMAINS * TOPICS_EACH * ROWS_EACH


@pytest.fixture
def data() -> Labelled:
    topics = np.repeat(np.arange(N_DOMAINS * TOPICS_EACH), ROWS_EACH)
    domains = topics // TOPICS_EACH
    none = np.full(N_NOVEL, -1)
    vectors = np.zeros((N_IN_SCOPE + N_NOVEL, 2), dtype=np.float32)
    vectors[:, 0] = 1.0
    return Labelled(vectors, np.concatenate([topics, none]), np.concatenate([domains, none]))


@pytest.mark.parametrize("kind", ["none", "oos", "domain", "topic", "surge"])
def test_windows_have_their_sizes_and_share_no_row(data: Labelled, kind: str) -> None:
    windows = draw_windows(data, WindowSpec(kind, 150, 100, 0.2), np.random.default_rng(0))
    assert (150, 100, 100) == (len(windows.reference), len(windows.current), len(windows.planted))
    rows = np.concatenate([windows.reference, windows.current])
    assert len(np.unique(rows)) == 250


@pytest.mark.parametrize("kind", ["domain", "topic"])
def test_a_planted_label_is_missing_from_the_reference(data: Labelled, kind: str) -> None:
    windows = draw_windows(data, WindowSpec(kind, 150, 100, 0.2), np.random.default_rng(1))
    labels = data.domains if kind == "domain" else data.topics
    planted = np.unique(labels[windows.current[windows.planted]])
    assert len(planted) == 1
    assert not np.isin(planted, labels[windows.reference])
    assert not np.isin(planted, labels[windows.current[~windows.planted]])
    assert 0.2 == windows.drifted_share == windows.planted.mean()


def test_scattered_novelty_is_out_of_scope_and_nothing_else_is(data: Labelled) -> None:
    windows = draw_windows(data, WindowSpec("oos", 150, 100, 0.2), np.random.default_rng(2))
    assert (data.topics[windows.current] == -1).tolist() == windows.planted.tolist()
    assert (data.topics[windows.reference] >= 0).all()
    assert 20 == windows.planted.sum()


def test_surge_adds_its_points_to_one_domain(data: Labelled) -> None:
    windows = draw_windows(data, WindowSpec("surge", 150, 100, 0.2), np.random.default_rng(3))
    domains = data.domains[windows.current]
    surging = np.unique(domains[windows.planted])
    assert len(surging) == 1
    assert 0.25 + 0.2 == pytest.approx((domains == surging).mean())
    assert 0.2 == pytest.approx(windows.drifted_share)
    assert np.isin(surging, data.domains[windows.reference])


def test_drift_free_windows_plant_nothing(data: Labelled) -> None:
    windows = draw_windows(data, WindowSpec("none", 150, 100), np.random.default_rng(4))
    assert not windows.planted.any()
    assert 0.0 == windows.drifted_share
    assert windows.reference_groups is None


def test_users_have_one_topic_and_stay_on_one_side(data: Labelled) -> None:
    spec = WindowSpec("none", 150, 100, messages_per_user=5)
    windows = draw_windows(data, spec, np.random.default_rng(5))
    for rows, groups in (
        (windows.reference, windows.reference_groups),
        (windows.current, windows.current_groups),
    ):
        users, messages = np.unique(groups, return_counts=True)
        assert set(messages) == {5}
        for user in users:
            assert 1 == len(np.unique(data.topics[rows[groups == user]]))
    assert not set(windows.reference_groups) & set(windows.current_groups)
    rows = np.concatenate([windows.reference, windows.current])
    assert len(np.unique(rows)) == 250


def test_the_same_seed_draws_the_same_windows(data: Labelled) -> None:
    spec = WindowSpec("domain", 150, 100, 0.2)
    first, two, other = (draw_windows(data, spec, np.random.default_rng(s)) for s in (7, 7, 8))
    assert first.current.tolist() == two.current.tolist()
    assert first.current.tolist() != other.current.tolist()


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        (WindowSpec("none", 500, 200), "needs 700 samples; there are 600"),
        (WindowSpec("oos", 100, 400, 0.2), "needs 80 samples; there are 60"),
        (WindowSpec("topic", 100, 400, 0.2), "needs 80 samples of one topic, of 50 in the largest"),
        (WindowSpec("none", 400, 300, messages_per_user=5), "needs 700 samples; there are 600"),
        (WindowSpec("surge", 300, 300, 0.2), "no domain has enough samples left"),
    ],
)
def test_too_small_a_data_set_is_reported(data: Labelled, spec: WindowSpec, complaint: str) -> None:
    with pytest.raises(TooFewSamplesError, match=complaint):
        draw_windows(data, spec, np.random.default_rng(0))


def test_a_label_is_chosen_that_leaves_enough_of_the_others() -> None:
    topics = np.repeat([0, 1], [400, 100])
    lopsided = Labelled(np.zeros((500, 2), dtype=np.float32), topics, topics)
    for seed in range(10):
        windows = draw_windows(
            lopsided, WindowSpec("topic", 200, 100, 0.5), np.random.default_rng(seed)
        )
        assert {1} == set(topics[windows.current[windows.planted]])


def test_weeks_grow_by_novel_rows_that_come_once(data: Labelled) -> None:
    shares = [0.0, 0.05, 0.10]
    reference, weeks = draw_weeks(data, shares, 100, np.random.default_rng(0))
    novel = [rows[data.topics[rows] == -1] for rows in weeks]
    assert [0, 5, 10] == [len(rows) for rows in novel]
    assert 15 == len(np.unique(np.concatenate(novel)))
    for rows in weeks:
        assert 100 == len(np.unique(rows))
        assert not np.isin(rows, reference).any()


def test_independent_weeks_come_from_all_that_is_in_scope(data: Labelled) -> None:
    reference, weeks = draw_independent_weeks(data, 3, 20_000, np.random.default_rng(0))
    for rows in (reference, *weeks):
        assert np.array_equal(data.in_scope, np.unique(rows))


def test_a_saved_data_set_opens_as_it_was(data: Labelled, tmp_path) -> None:
    data.save(tmp_path / "one")
    opened = open_labelled(tmp_path / "one")
    assert np.array_equal(data.vectors, opened.vectors)
    assert np.array_equal(data.topics, opened.topics)
    assert np.array_equal(data.domains, opened.domains)


def test_points_lie_at_the_cosine_that_was_asked() -> None:
    rng = np.random.default_rng(0)
    centre = around(np.zeros((1, 64)), np.zeros(1), rng)
    cosine = np.array([0.1, 0.5, 0.9])
    points = around(np.repeat(centre, 3, axis=0), cosine, rng)
    assert cosine == pytest.approx(points @ centre[0], abs=1e-5)
    assert np.ones(3) == pytest.approx(np.linalg.norm(points, axis=1), abs=1e-5)


def test_synthetic_topics_are_nearer_to_themselves_than_to_others() -> None:
    made = make_synthetic(0, n_in_scope=600, n_novel=50)
    assert (650, 384) == made.vectors.shape
    assert (600, 50) == (len(made.in_scope), len(made.out_of_scope))
    assert np.ones(650) == pytest.approx(np.linalg.norm(made.vectors, axis=1), abs=2e-3)
    vectors, topics = made.vectors[made.in_scope], made.topics[made.in_scope]
    domains = made.domains[made.in_scope]
    cosines = vectors @ vectors.T
    same_topic = (topics[:, None] == topics) & ~np.eye(600, dtype=bool)
    same_domain = (domains[:, None] == domains) & (topics[:, None] != topics)
    elsewhere = domains[:, None] != domains
    assert cosines[same_topic].mean() > cosines[same_domain].mean() > cosines[elsewhere].mean()


def test_a_synthetic_world_is_a_function_of_its_seed() -> None:
    first, two = (make_world(np.random.default_rng(3), dimension=16) for _ in range(2))
    assert np.array_equal(first.centres, two.centres)

"""Requests of the demo: repeatable, varied, and distinct from the training data."""

from collections import Counter

from monitor.demo.end_to_end import N_HOLDOUT_OLD
from monitor.demo.request_generator import DRIFTED_WEEK, Request, RequestGenerator
from monitor.demo.topics import CHANGED_TOPIC, KNOWN_TOPICS, NEW_TOPICS


def everything(seed: int) -> dict[str, list[Request]]:
    world = RequestGenerator(seed)
    return {
        "training": world.training_examples(480),
        "baseline": world.baseline(400),
        **{
            f"week {week}": world.traffic(week, 240, drifted=week == DRIFTED_WEEK)
            for week in range(1, DRIFTED_WEEK + 1)
        },
        "holdout old": world.holdout_old(150),
        "holdout new": world.holdout_new(150),
    }


def test_the_same_seed_draws_the_same_requests() -> None:
    assert everything(3) == everything(3)
    assert everything(3) != everything(4)


def test_no_prompt_is_drawn_twice() -> None:
    prompts = [request.prompt for requests in everything(3).values() for request in requests]
    assert len(prompts) == len(set(prompts))


def test_training_and_benchmarks_have_each_topic_as_often() -> None:
    n = sum(len(topic.frames) for topic in KNOWN_TOPICS)
    training = RequestGenerator(3).training_examples(3 * n)
    counts = Counter(request.topic for request in training)
    assert {topic.name: 3 * len(topic.frames) for topic in KNOWN_TOPICS} == counts
    old = RequestGenerator(3).holdout_old(N_HOLDOUT_OLD)
    # Coverage needs five of each task type, after copies are left out.
    assert set(Counter(request.topic for request in old).values()) == {7}


def test_new_topics_arrive_in_the_drifted_week_only() -> None:
    drawn = everything(3)
    for name in ("training", "baseline", "week 1", "week 2", "week 3", "holdout old"):
        assert not any(request.is_new for request in drawn[name]), name
    new = [request for request in drawn[f"week {DRIFTED_WEEK}"] if request.is_new]
    assert {topic.name for topic in (*NEW_TOPICS, CHANGED_TOPIC)} == {r.topic for r in new}


def test_the_changed_topic_has_another_route_in_one_menu_entry() -> None:
    before = next(topic for topic in KNOWN_TOPICS if topic.name == CHANGED_TOPIC.name)
    assert before.menu == CHANGED_TOPIC.menu
    assert before.route != CHANGED_TOPIC.route


def test_the_log_does_not_give_the_new_topics_away() -> None:
    known = {topic.menu for topic in KNOWN_TOPICS}
    assert {topic.menu for topic in NEW_TOPICS} <= known


def test_a_week_lies_inside_its_seven_days() -> None:
    first, second = (RequestGenerator(1).traffic(week, 300, drifted=False) for week in (1, 2))
    assert max(r.sent_at for r in first) < min(r.sent_at for r in second)

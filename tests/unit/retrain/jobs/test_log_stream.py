"""Stream of a growing log: every line once, to the end."""

from retrain.jobs.log_stream import new_lines


def follow(looks: list[list[str]], n_first: int = 2) -> list[str]:
    """Stream a log that grows at each read; its writer ends before the last."""
    at = 0

    def read(n: int) -> list[str]:
        return looks[at][-n:]

    def running() -> bool:
        nonlocal at
        at += 1
        return at < len(looks) - 1

    return list(new_lines(read, running, n_first, sleep=lambda _: None))


def test_the_last_lines_and_then_what_is_added() -> None:
    assert follow([["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c", "d"]]) == ["b", "c", "d"]


def test_last_lines_are_shown_after_the_writer_ended() -> None:
    assert follow([["a"], ["a", "b", "c"]]) == ["a", "b", "c"]


def test_repeated_line_counts_twice() -> None:
    assert follow([["x", "x"], ["x", "x", "x"], ["x"] * 4]) == ["x"] * 4


def test_a_log_that_begins_late() -> None:
    assert follow([[], [], ["a"], ["a", "b"]]) == ["a", "b"]


def test_overlapping_log_windows_give_each_line_once() -> None:
    assert follow([["a", "b", "c"], ["b", "c", "d"], ["d", "e", "f"]]) == ["b", "c", "d", "e", "f"]

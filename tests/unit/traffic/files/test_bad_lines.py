"""Unreadable lines, each problem said once."""

from monitor.traffic.files.bad_lines import BadLine, summarize_bad_lines


def test_problem_of_many_lines_is_reported_once() -> None:
    bad = [BadLine(n, "invalid_json", f"malformed (byte {n})") for n in (1, 2, 3, 7)]

    assert ["lines 1 to 3, 7 (4): invalid_json: malformed (byte 1)"] == summarize_bad_lines(bad, 10)


def test_single_lines_keep_their_text_and_the_rest_is_counted() -> None:
    bad = [BadLine(1, "invalid_json", "x"), *(BadLine(n, "missing_prompt", "y") for n in (2, 3))]

    assert ["line 1: invalid_json: x", "and 2 more"] == summarize_bad_lines(bad, 1)

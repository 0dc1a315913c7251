"""Singular for a count of one."""

from monitor.plurals import pluralize


def test_one_is_singular_and_other_numbers_plural() -> None:
    texts = [pluralize(number, "exchange") for number in (0, 1, 2, 2_048)]
    assert ["0 exchanges", "1 exchange", "2 exchanges", "2,048 exchanges"] == texts

"""Numbers of trials of a statistical test: a short form in each run, the long form as a drill."""

import pytest


def trials(short: int, long: int) -> pytest.MarkDecorator:
    """Parametrize a test by its number of trials, ``n_trials``.

    Bounds on counts must follow from ``n_trials`` by the binomial distribution, at one level for
    both forms.
    """
    return pytest.mark.parametrize("n_trials", [short, pytest.param(long, marks=pytest.mark.drill)])

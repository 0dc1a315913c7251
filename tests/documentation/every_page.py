"""All pages, with what their tests fill in."""

from tests.documentation.pages import comparing, extending, privacy, production, reviewing, training

PAGES = (
    *comparing.PAGES,
    *extending.PAGES,
    *production.PAGES,
    *privacy.PAGES,
    *reviewing.PAGES,
    *training.PAGES,
)

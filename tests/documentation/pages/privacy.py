"""Pages about an end user's data."""

from monitor.store.engine import transaction
from tests.documentation.page import Page, Site
from tests.documentation.pages.site import make_database
from tests.integration.privacy.end_user_world import ANN, make_end_user_world
from tests.support.present import utc_now
from tests.support.retrain.candidates import evaluated

SUBJECT = "customer-00765"


def end_user(site: Site) -> None:
    """Store exchanges, reviews, a run and messages of an end user."""
    engine = make_database(site)
    now = utc_now().replace(microsecond=0)
    world = make_end_user_world(engine, site.folder, now)
    with transaction(engine) as connection:
        evaluated(connection, world.version_id, now)
    engine.dispose()
    (site.folder / "config.toml").write_text(
        'retrain.training_data = "original.jsonl"\nretrain.evaluation = "evaluation.yaml"\n',
        encoding="utf-8",
    )
    (site.folder / "ids.txt").write_text(f"{ANN}\nbob@example.net\n", encoding="utf-8")


def give_key(site: Site) -> None:
    """Set the variable of the page's next block."""
    site.environment["DRIFTWARDEN_USER_ID_KEY_FILE"] = str(site.folder / "user-id-key")


def export_list(site: Site) -> None:
    """Export the list, as the comment says."""
    site.run("driftwarden suppress export list.jsonl")


PERSONAL_DATA = Page(
    "how-to/personal-data.md",
    end_user,
    fill={SUBJECT: ANN, "/etc/driftwarden/": "", "models promote 3": "models promote 1"},
    listed={
        "pip install 'driftwarden[presidio]'": "downloads a language model",
        "DRIFTWARDEN_USER_ID_KEY_FILE": "a variable of a process: the test sets it",
        "                                  found": "figures of another site; "
        "one person's story shows those of a run",
    },
    after={"openssl": give_key},
    before={"driftwarden suppress import": export_list},
)
REQUESTS = Page("how-to/answer-a-request.md", end_user, fill={SUBJECT: ANN})

PAGES = (PERSONAL_DATA, REQUESTS)

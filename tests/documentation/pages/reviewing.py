"""Pages for reviewers and leads."""

import json
from datetime import datetime
from typing import Any

from tests.documentation.page import Page, Site
from tests.documentation.pages.site import make_database
from tests.support.present import utc_now
from tests.support.review.gold_items import ACCEPT, correct, make_reviewed_world
from tests.support.review.human_evaluation import make_human_evaluation, rate_all
from tests.support.review.review_world import make_world

DIMENSIONS = ("accuracy", "completeness", "tone", "compliance")
RATINGS = {
    system: dict.fromkeys(DIMENSIONS, value)
    for system, value in (("candidate", 5), ("incumbent", 4), ("base", 2))
}


def now() -> datetime:
    return utc_now().replace(microsecond=0)


# ---- Export and import -------------------------------------------------------------------------


def reviewed(site: Site) -> None:
    """Store items of which some are gold and some wait, and name the tools' users."""
    engine = make_database(site)
    reviews = [correct("Block it in the app first."), ACCEPT]
    make_reviewed_world(engine, site.folder, now(), reviews, n=16)
    engine.dispose()
    site.configure('review.taxonomy = "taxonomy.md"\n')
    (site.folder / "reviewers.json").write_text('{"7": "Ada", "8": "Ben"}', encoding="utf-8")


def annotate(site: Site) -> None:
    """Do what two annotators do in Label Studio with the first exported task."""
    tasks = json.loads((site.folder / "tasks.json").read_text(encoding="utf-8"))
    tasks[0]["annotations"] = [annotation(7), annotation(8)]
    (site.folder / "project.json").write_text(json.dumps(tasks[:1]), encoding="utf-8")


def annotation(user: int) -> dict[str, Any]:
    """Return an accepting annotation as Label Studio exports it."""
    result: list[dict[str, Any]] = [
        {"from_name": "verdict", "type": "choices", "value": {"choices": ["accept"]}}
    ]
    result += [{"from_name": name, "type": "rating", "value": {"rating": 4}} for name in DIMENSIONS]
    return {"completed_by": user, "result": result}


def respond(site: Site) -> None:
    """Do what two annotators do in Argilla with the first exported record."""
    (path,) = (site.folder / "dataset").rglob("records.json")
    records = json.loads(path.read_text(encoding="utf-8"))
    values = {"verdict": "accept", **dict.fromkeys(DIMENSIONS, 4)}
    records[0]["responses"] = {
        name: [{"value": value, "user_id": user} for user in ("7", "8")]
        for name, value in values.items()
    }
    (site.folder / "records.json").write_text(json.dumps(records[:1]), encoding="utf-8")


EXPORT_AND_IMPORT = Page(
    "how-to/export-and-import.md",
    reviewed,
    listed={"submitted = rg.Query": "needs a server of Argilla, which is no Python package"},
    before={
        "driftwarden review import project.json": annotate,
        "driftwarden review import records.json": respond,
    },
)

# ---- Human evaluation --------------------------------------------------------------------------


def rated(site: Site) -> None:
    """Open a human evaluation, and let three raters finish it."""
    engine = make_database(site)
    world = make_world(engine, now(), n=4)
    number = make_human_evaluation(engine, now(), n=6)
    for name in [name for name in world.users if name != "Lea"][:3]:
        rate_all(engine, number, world.users[name], now(), RATINGS)
    engine.dispose()


HUMAN_EVALUATION = Page(
    "how-to/human-evaluation.md",
    rated,
    fill={f"{action} 3": f"{action} 1" for action in ("show", "lock", "export")},
)


def stored(site: Site) -> None:
    """Make the database that versions are published in."""
    make_database(site).dispose()


WRITE_A_TAXONOMY = Page("how-to/write-a-taxonomy.md", stored, applied=("[review]",))

PAGES = (EXPORT_AND_IMPORT, HUMAN_EVALUATION, WRITE_A_TAXONOMY)

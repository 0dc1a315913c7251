"""Support desk with guidelines, conversations of several turns, code and other scripts."""

from datetime import datetime
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Engine, select, update

from monitor.review.guidelines import load_taxonomy
from monitor.store.engine import transaction
from monitor.store.review.taxonomies import save_taxonomy
from monitor.store.tables import Exchange, ReviewItem
from tests.support.review.review_world import World, make_world

SYSTEM = {"role": "system", "content": "You are the support desk of Example Bank.\nBe brief."}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


LOST_CARD = (
    [
        SYSTEM,
        user(
            "Good evening. My bag was stolen in Lisbon an hour ago, with both cards in it. My "
            "flight home is tomorrow at 18:00, and I can't even pay the hotel."
        ),
        {
            "role": "assistant",
            "content": (
                "I'm very sorry to hear that. Have you been able to block the cards yet? You can "
                "do it in the app under Cards > Lost or stolen."
            ),
        },
        user(
            "Yes, both are blocked. But how do I get at money tonight? And will I have to pay if "
            "somebody used them before I blocked them? There is one payment of €84.20 at a petrol "
            "station that isn't mine."
        ),
    ],
    (
        "Thank you for blocking them so quickly. New cards will reach your home address within 5 "
        "working days.\n\nPayments made before you blocked the cards can't be refunded, so the "
        "€84.20 will stay on your account. Please ask a friend to send you money for the hotel."
    ),
)
RIGHT = (
    "Thank you for blocking them so quickly. New cards will reach your home address within 5 "
    "working days.\n\nYou don't have to pay for what others spent with your card: we refund the "
    "€84.20 within one working day. For the hotel, call us now and we have emergency cash paid "
    "out to you in Lisbon."
)
CODE = (
    [
        SYSTEM,
        user(
            "Your API answers 401 to this. Why?\n\n```python\nimport httpx\n\n"
            'client = httpx.Client(headers={"Authorization": TOKEN})\n'
            'for page in range(3):\n    print(client.get(f"/v2/accounts?page={page}").json())\n'
            "```\nIt worked last week."
        ),
    ],
    (
        "The header needs the scheme:\n\n```python\n"
        'headers={"Authorization": f"Bearer {TOKEN}"}\n```\n\n'
        "Since 1 November we refuse tokens without it."
    ),
)
ARABIC = (
    [
        SYSTEM,
        user("مرحبا، فقدت بطاقتي أمس في المطار.\nHow do I block it? أحتاج إلى المساعدة."),
    ],
    "يمكنك إيقاف البطاقة فورًا من التطبيق: Cards > Lost or stolen.\nستصلك بطاقة جديدة قريبًا.",
)


def make_desk(engine: Engine, clock: datetime, n: int = 40) -> World:
    """Make the small bank's world with guidelines; longer conversations are first in the queue."""
    world = make_world(engine, clock, n=n)
    taxonomy = load_taxonomy(Path(str(files("monitor.review.guidelines") / "starter.md")))
    with transaction(engine) as connection:
        save_taxonomy(connection, taxonomy.version, taxonomy.canonical())
        connection.execute(update(ReviewItem).values(taxonomy_version=taxonomy.version))
    first = queue_of(world)
    retell(world, first[0], *LOST_CARD, task_type="card_lost")
    retell(world, first[1], *CODE, task_type="fees")
    retell(world, first[2], *ARABIC, task_type="card_lost")
    return world


def queue_of(world: World) -> list[int]:
    """Return the items in queue order."""
    with transaction(world.engine) as connection:
        statement = select(ReviewItem.id).order_by(ReviewItem.position)
        return list(connection.execute(statement).scalars())


def retell(
    world: World,
    item_id: int,
    messages: list[dict[str, str]],
    response: str,
    task_type: str = "",
) -> None:
    """Replace the conversation of an item."""
    with transaction(world.engine) as connection:
        exchange = select(ReviewItem.exchange_id).where(ReviewItem.id == item_id).scalar_subquery()
        connection.execute(
            update(Exchange)
            .where(Exchange.id == exchange)
            .values(messages=messages, response=response, task_type=task_type)
        )
        connection.execute(
            update(ReviewItem).where(ReviewItem.id == item_id).values(task_type=task_type)
        )

"""The texts of studies: looked through for a person's, and taken out."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from monitor.store.tables import StudyAnswer, StudyItem, StudySheet

#: Items looked through in one transaction.
ITEMS_PER_SCAN = 100
REMOVED = "(removed)"


@dataclass(frozen=True)
class StudyTexts:
    """All that an item of a study holds of what people wrote."""

    id: int
    item_id: str
    messages: list[dict[str, str]]
    answers: list[str]
    #: Comments, drafts, and why it was declined.
    notes: list[Any]

    def as_row(self) -> dict[str, Any]:
        """Return it as a row of a file would be."""
        return {
            "id": self.item_id,
            "messages": self.messages,
            "answers": self.answers,
            "notes": self.notes,
        }


def study_texts(connection: Connection, after_id: int) -> list[StudyTexts]:
    """Return the next items of studies after one, in the order of their ids."""
    statement = (
        select(StudyItem.id, StudyItem.item_id, StudyItem.messages)
        .where(StudyItem.id > after_id)
        .order_by(StudyItem.id)
        .limit(ITEMS_PER_SCAN)
    )
    items = connection.execute(statement).all()
    ids = [item.id for item in items]
    answers: dict[int, list[str]] = defaultdict(list)
    texts = select(StudyAnswer.item_id, StudyAnswer.text).where(StudyAnswer.item_id.in_(ids))
    for item_id, text in connection.execute(texts):
        answers[item_id].append(text)
    notes: dict[int, list[Any]] = defaultdict(list)
    written = select(
        StudySheet.item_id, StudySheet.comment, StudySheet.draft, StudySheet.declined_reason
    ).where(StudySheet.item_id.in_(ids))
    for item_id, *said in connection.execute(written):
        notes[item_id] += said
    return [
        StudyTexts(item.id, item.item_id, item.messages, answers[item.id], notes[item.id])
        for item in items
    ]


def remove_study_texts(connection: Connection, item_id: int) -> None:
    """Take the texts out of an item; its ratings stay, which say nothing of what was written."""
    connection.execute(
        update(StudyItem)
        .where(StudyItem.id == item_id)
        .values(item_id=f"removed {item_id}", messages=[{"role": "user", "content": REMOVED}])
    )
    connection.execute(
        update(StudyAnswer).where(StudyAnswer.item_id == item_id).values(text=REMOVED)
    )
    sheets = update(StudySheet).where(StudySheet.item_id == item_id)
    connection.execute(sheets.values(comment="", draft={}))
    declined = sheets.where(StudySheet.declined_reason.is_not(None))
    connection.execute(declined.values(declined_reason=REMOVED))

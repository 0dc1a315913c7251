"""The inventory as Markdown and as lines of a terminal."""

from collections.abc import Iterator, Sequence

from monitor.privacy.inventory.content import Inventory, InventoryColumn, Store

INTRODUCTION = """\
This is a draft for the record of processing activities and for the impact assessment: what
driftwarden stores, for what, how long, and who reads it, from its own registry and the settings. It
says nothing about systems around it."""


def to_markdown(inventory: Inventory) -> str:
    """Return the inventory as a document with tables."""
    return "\n\n".join(_sections(inventory)) + "\n"


def to_text(inventory: Inventory) -> str:
    """Return the inventory for a terminal."""
    return "\n".join(_lines(inventory))


def _sections(inventory: Inventory) -> Iterator[str]:
    yield "# Inventory of personal data"
    yield INTRODUCTION
    yield "## To be filled in by the site"
    yield _table(
        ("item", "content", "what belongs there"),
        [(field.name, "", field.hint) for field in inventory.to_fill_in],
    )
    yield "## Purposes"
    yield _table(("purpose", "where"), _purposes(inventory))
    yield "## Where, how long, and who reads it"
    yield _table(
        ("where", "personal data", "how long", "readers"),
        [
            (_code(store.name), "; ".join(store.holds), store.period, store.readers)
            for store in inventory.stores
        ],
    )
    nothing = ", ".join(f"`{name}`" for name in inventory.without_personal_data)
    yield f"Tables without personal data: {nothing}."
    yield "## Columns, and what `driftwarden forget` does with them"
    yield _table(
        ("where", "columns", "personal data", "erasure"),
        [row for store in inventory.stores for row in _columns(store)],
    )
    yield "## Services that the settings name"
    yield _table(
        ("setting", "address", "what it gets"),
        [
            (
                f"`{recipient.setting}`" + (f" of {recipient.model}" if recipient.model else ""),
                recipient.address,
                recipient.gets,
            )
            for recipient in inventory.recipients
        ],
    )
    yield "## Settings that protect the data"
    yield _table(
        ("setting", "value"),
        [(f"`{setting}`", value) for setting, value in inventory.protection.items()],
    )
    yield "## Risks for the impact assessment"
    yield "\n".join(f"- {risk}" for risk in inventory.risks)


def _lines(inventory: Inventory) -> Iterator[str]:
    for store in inventory.stores:
        yield f"{store.name} ({store.place})"
        yield f"  for      {store.purpose}"
        yield f"  holds    {'; '.join(store.holds)}"
        yield f"  period   {store.period}"
        yield f"  readers  {store.readers}"
    yield ""
    yield f"without personal data: {', '.join(inventory.without_personal_data)}"
    yield ""
    yield "services that the settings name:"
    for recipient in inventory.recipients:
        yield f"- {recipient.setting} ({recipient.address}): {recipient.gets}"
    yield ""
    yield "to be filled in by the site:"
    for field in inventory.to_fill_in:
        yield f"- {field.name}: {field.hint}"


def _purposes(inventory: Inventory) -> list[tuple[str, str]]:
    names: dict[str, list[str]] = {}
    for store in inventory.stores:
        names.setdefault(store.purpose, []).append(_code(store.name))
    return [(purpose, ", ".join(stores)) for purpose, stores in sorted(names.items())]


def _columns(store: Store) -> list[tuple[str, str, str, str]]:
    """Return a row for each kind of data and of erasure."""
    groups: dict[tuple[str, str], list[InventoryColumn]] = {}
    for column in store.columns:
        erasure = f"{column.erasure}: {column.reason}" if column.reason else column.erasure
        groups.setdefault((column.holds, erasure), []).append(column)
    return [
        (
            _code(store.name),
            ", ".join(f"`{column.name}`" for column in columns),
            holds,
            erasure,
        )
        for (holds, erasure), columns in groups.items()
    ]


def _code(name: str) -> str:
    """Return a name as code; one that quotes code itself stays as it is."""
    return name if "`" in name else f"`{name}`"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")

"""Columns in which a text is found, whatever they declare."""

from sqlalchemy import Engine, LargeBinary, String
from sqlalchemy import inspect as inspect_schema

from monitor.privacy.erasure.masking import read_table, readable
from monitor.store.tables import metadata
from monitor.store.tables.facts import columns_of
from monitor.store.transfer.stored_rows import is_json
from monitor.table_types.contents import Content

#: What no text of an end user or of staff is declared as.
NOT_PERSONAL = (Content.NONE, Content.FIGURE)


def places_of(engine: Engine, text: str) -> dict[str, Content]:
    """Return each column that holds a text, by `table.column`, with the content it declares."""
    places = {}
    for name in inspect_schema(engine).get_table_names():
        table = metadata.tables[name]
        columns = [
            column.name
            for column in table.columns
            if isinstance(column.type, String | LargeBinary) or is_json(column.type)
        ]
        for _, values in read_table(engine, name, columns):
            for column, value in zip(columns, values, strict=True):
                if text in str(readable(value)):
                    places[f"{name}.{column}"] = columns_of(name)[column].content
    return places


def misdeclared(engine: Engine, *texts: str) -> list[str]:
    """Return the columns that hold one of the texts and declare no personal data."""
    return [
        f"{place}: {content}"
        for text in texts
        for place, content in places_of(engine, text).items()
        if content in NOT_PERSONAL
    ]

"""Remarks on the files of a comparison."""

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime

from monitor.plurals import pluralize
from monitor.rendering.excerpts import version_from_attributes
from monitor.store.windows.assessment import Verdict
from monitor.windows.findings.remarks import withheld_remark
from monitor.windows.reading.files import FileSide
from monitor.windows.versions.split import describe_versions


def remarks_on_files(sides: Sequence[FileSide], *, field: str, now: datetime) -> tuple[str, ...]:
    """Return remarks on two files.

    ``field`` is the key of the metadata that names the version; ``now`` is the time of this machine
    after reading the files.
    """
    return (
        *_same_content(*sides),
        *_missing_responses(*sides),
        *_no_end_users(*sides),
        *(f"{side.name}: {remark}." for side in sides if (remark := side.content.user_remark)),
        *_versions_of_reference(sides[0], field),
        *_models(*sides),
        *(remark for side in sides for remark in _times(side, now)),
        *(remark for side in sides for remark in _repeated(side)),
        *(remark for side in sides for remark in _not_compared(side)),
    )


def finding_of_copies(sides: Sequence[FileSide], verdict: Verdict) -> str:
    """Return the finding where a file is compared with a copy of itself; else the empty text."""
    if verdict != "no_drift" or not _are_copies(*sides) or not _have_same_metadata(*sides):
        return ""
    return "Both sides hold the same exchanges, so nothing can differ."


def _are_copies(reference: FileSide, current: FileSide) -> bool:
    """Return whether both files have the same conversations and responses, in any order."""
    first, second = (
        Counter((exchange.messages, exchange.response) for exchange in side.content.exchanges)
        for side in (reference, current)
    )
    return first == second


def _have_same_metadata(reference: FileSide, current: FileSide) -> bool:
    """Return whether both files have the same metrics and task types, in any order."""
    first, second = (
        Counter(
            (exchange.task_type, repr(sorted(exchange.attributes.items())))
            for exchange in side.content.exchanges
        )
        for side in (reference, current)
    )
    return first == second


def _same_content(reference: FileSide, current: FileSide) -> list[str]:
    if not _are_copies(reference, current):
        return []
    names = f"{reference.name} and {current.name}"
    if reference.name == current.name:
        names = f"Both sides ({reference.name})"
    remark = (
        f"{names} hold the same prompts and responses. Check that the second one is the window "
        "that you mean."
    )
    return [remark]


def _no_end_users(*sides: FileSide) -> list[str]:
    """Return a remark where no line names an end user."""
    exchanges = [exchange for side in sides for exchange in side.content.exchanges]
    if any(exchange.end_user for exchange in exchanges):
        return []
    remark = (
        "No exchange of either side names an end user, so each counts as an end user of its own: "
        "one person who sends many can cause a false alarm. Give each exchange a `user`."
    )
    return [remark]


def _missing_responses(*sides: FileSide) -> list[str]:
    """Return remarks where a side, or both, have no response, or some exchanges have none."""
    if not any(side.window.n_responses for side in sides):
        return ["No exchange of either side has a response: only prompts were compared."]
    remarks = []
    for side in sides:
        missing, n = side.n_missing_responses, len(side.content.exchanges)
        if not side.has_responses:
            remarks.append(
                f"No exchange of {side.name} has a response, and those of the other side have: "
                "only prompts were compared. If responses are there under another name, set "
                'traffic.fields; write "" for a response that is empty.'
            )
        elif not side.window.n_responses:
            remarks.append(
                f"All responses of {side.name} are empty. If they are there under another name, "
                "set traffic.fields."
            )
        elif missing:
            remarks.append(
                f"Without a response: {missing:,} of {pluralize(n, 'exchange')} of {side.name}; "
                "each counts as an empty response."
            )
    return remarks


def _versions_of_reference(side: FileSide, field: str) -> list[str]:
    """Return a remark where the reference file has responses of several versions."""
    versions = Counter(
        version_from_attributes(attributes, field) for attributes in side.window.attributes
    )
    if len(versions) < 2:
        return []
    remark = (
        f"{side.name} has responses of {len(versions):,} versions of the model: "
        f"{describe_versions(versions)}. They are one reference together."
    )
    return [remark]


def _models(reference: FileSide, current: FileSide) -> list[str]:
    """Return remarks where lines name several models, which are not compared separately."""
    remarks = [
        f"{side.name} has exchanges of {len(side.models):,} models: "
        f"{describe_versions(side.models)}. They are compared together; to compare each, split "
        "the file by `model`."
        for side in (reference, current)
        if len(side.models) > 1
    ]
    if reference.models and current.models and set(reference.models) != set(current.models):
        remarks.append(
            f"{reference.name} has the model {describe_versions(reference.models)}, "
            f"{current.name} {describe_versions(current.models)}: what differs between models "
            "counts as drift."
        )
    return remarks


def _times(side: FileSide, now: datetime) -> list[str]:
    """Return remarks on missing times, and on times in the future."""
    remarks = []
    exchanges = side.content.exchanges
    n_untimed = sum(not exchange.has_timestamp for exchange in exchanges)
    if 0 < n_untimed < len(exchanges):
        remarks.append(
            f"Without a time: {n_untimed:,} of {pluralize(len(exchanges), 'exchange')} of "
            f"{side.name}, so all times of this side are ignored."
        )
    ahead = [at for at in side.window.occurred_at if at > now]
    if ahead:
        remarks.append(
            f"Later than this machine's clock: {pluralize(len(ahead), 'exchange')} of "
            f"{side.name}, up to {max(ahead).astimezone(UTC):%Y-%m-%d %H:%M} UTC. "
            "They are ignored when serving versions are determined; correct them, or the clock."
        )
    return remarks


def _repeated(side: FileSide) -> list[str]:
    """Return a remark on lines that repeat another one, id and time included.

    Lines with neither may be of two end users with the same prompt, so they are not counted.
    """
    seen: set[Hashable] = set()
    n_repeated = 0
    for exchange in side.content.exchanges:
        # An exchange without an id is named by its place in the file.
        has_id = not exchange.exchange_id.startswith(f"{side.name}/")
        if not has_id and not exchange.has_timestamp:
            continue
        content = (
            exchange.exchange_id if has_id else "",
            exchange.occurred_at if exchange.has_timestamp else None,
            *(
                exchange.model,
                exchange.task_type,
                exchange.end_user,
                exchange.messages,
                exchange.response,
            ),
            frozenset(exchange.attributes.items()),
        )
        n_repeated += content in seen
        seen.add(content)
    if not n_repeated:
        return []
    remark = (
        f"Repeated: {n_repeated:,} of {pluralize(len(side.content.exchanges), 'exchange')} of "
        f"{side.name} are identical to another one, and are compared. Remove them if they "
        "occurred once."
    )
    return [remark]


def _not_compared(side: FileSide) -> list[str]:
    remarks = []
    content = side.content
    if content.bad_lines:
        n_bad = pluralize(len(content.bad_lines), "line")
        remarks.append(f"{n_bad} of {side.name} could not be read.")
    n_with_parts = sum(exchange.n_other_parts > 0 for exchange in content.exchanges)
    if n_with_parts:
        remarks.append(
            f"Images or other parts that are no text, in {pluralize(n_with_parts, 'prompt')} of "
            f"{side.name}, are left out: only their texts were compared."
        )
    if content.n_withheld:
        remark = withheld_remark(content.n_withheld, content.share_withheld)
        remarks.append(f"{side.name}: {remark}")
    return remarks

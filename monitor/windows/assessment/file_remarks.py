"""What the reader of a comparison of two files should know about them."""

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime

from monitor.plurals import pluralize
from monitor.windows.assessment.remarks import withheld_remark
from monitor.windows.reading.files import FileSide
from monitor.windows.versions.split import describe_versions, version_from_attributes


def remarks_on_files(sides: Sequence[FileSide], *, field: str, now: datetime) -> tuple[str, ...]:
    """Return remarks on two files.

    Args:
        sides: The file that is taken as normal, and the one that is judged.
        field: Key of the metadata that names the version.
        now: The time of this machine after the files were read.
    """
    return (
        *_prompts_alone(*sides),
        *_versions_of_reference(sides[0], field),
        *_models(*sides),
        *(remark for side in sides for remark in _times(side, now)),
        *(remark for side in sides for remark in _repeated(side)),
        *(remark for side in sides for remark in _left_out(side)),
    )


def _prompts_alone(*sides: FileSide) -> list[str]:
    """Say where there are no answers: "no drift" is then less than who reads only that thinks."""
    if any(side.window.n_responses for side in sides):
        return []
    return ["No line of either file has an answer: only the prompts were compared."]


def _versions_of_reference(side: FileSide, field: str) -> list[str]:
    """Say where several versions answered in the file that is taken as normal."""
    told = Counter(version_from_attributes(one, field) for one in side.window.attributes)
    if len(told) < 2:
        return []
    remark = (
        f"{side.path.name} holds answers of {len(told):,} versions of the model: "
        f"{describe_versions(told)}. "
        "What is judged was compared with all of them together."
    )
    return [remark]


def _models(reference: FileSide, current: FileSide) -> list[str]:
    """Say where lines name several models: nothing sets them apart here."""
    remarks = [
        f"{side.path.name} holds exchanges of {len(side.models):,} models: "
        f"{describe_versions(side.models)}. They count as one here; to judge each by itself, split the "
        "file by `model`."
        for side in (reference, current)
        if len(side.models) > 1
    ]
    if reference.models and current.models and set(reference.models) != set(current.models):
        remarks.append(
            f"{reference.path.name} names as its model {describe_versions(reference.models)}, "
            f"{current.path.name} {describe_versions(current.models)}: what differs between models "
            "counts as drift here."
        )
    return remarks


def _times(side: FileSide, now: datetime) -> list[str]:
    """Say which times are left out, and which can't be right."""
    remarks = []
    exchanges = side.content.exchanges
    without = sum(not one.has_timestamp for one in exchanges)
    if 0 < without < len(exchanges):
        remarks.append(
            f"Without a time: {without:,} of {pluralize(len(exchanges), 'exchange')} of "
            f"{side.path.name}, so the times of the others are left out too."
        )
    ahead = [at for at in side.window.occurred_at if at > now]
    if ahead:
        remarks.append(
            f"Ahead of this machine's clock: {pluralize(len(ahead), 'exchange')} of "
            f"{side.path.name}, up to {max(ahead).astimezone(UTC):%Y-%m-%d %H:%M} UTC. Which "
            "version still answers is told without these times; put them right, or the clock."
        )
    return remarks


def _repeated(side: FileSide) -> list[str]:
    """Say how many lines say again what another does, id and time included.

    Lines with neither may be two people who asked the same, so they are not counted.
    """
    seen: set[Hashable] = set()
    n_repeated = 0
    for one in side.content.exchanges:
        # What has no id is named by its place in the file.
        has_id = not one.exchange_id.startswith(f"{side.path.name}/")
        if not has_id and not one.has_timestamp:
            continue
        said = (
            one.exchange_id if has_id else "",
            one.occurred_at if one.has_timestamp else None,
            *(one.model, one.task_type, one.end_user, one.messages, one.response),
            frozenset(one.attributes.items()),
        )
        n_repeated += said in seen
        seen.add(said)
    if not n_repeated:
        return []
    remark = (
        f"Repeated: {n_repeated:,} of {pluralize(len(side.content.exchanges), 'exchange')} of "
        f"{side.path.name} are the same as another of the file to the letter, and count all the "
        "same. Leave them out if they took place once."
    )
    return [remark]


def _left_out(side: FileSide) -> list[str]:
    remarks = []
    content = side.content
    if content.bad_lines:
        n_bad = pluralize(len(content.bad_lines), "line")
        remarks.append(f"{n_bad} of {side.path.name} could not be read; left out.")
    if content.n_withheld:
        said = withheld_remark(content.n_withheld, content.share_withheld)
        remarks.append(f"{side.path.name}: {said}")
    return remarks

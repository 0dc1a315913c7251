"""Comparison of the produced records with the stored rows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.soak.database import Database
from tests.soak.ledger import NOWHERE, Cut, Ledger
from tests.soak.records import SoakRecord, make_record
from tests.soak.sampling_rule import is_kept, threshold

Place = tuple[int, int]  # partition, offset


@dataclass(frozen=True)
class Gap:
    """A range that ingest reported as deleted before reading, first and last inclusive."""

    partition: int
    first: int
    last: int
    #: What is wrong with it; empty for an exact one.
    fault: str


@dataclass
class Reckoning:
    """The outcome, with lists of wrong positions."""

    n_produced: int = 0
    n_aborted: int = 0
    n_unconfirmed: int = 0
    n_in_gaps: int = 0
    n_expected: int = 0
    n_stored: int = 0
    n_dead_letters_expected: int = 0
    n_dead_letters: int = 0
    lost: list[Place] = field(default_factory=list)
    doubled: list[Place] = field(default_factory=list)
    #: Rows that no produced record explains, or whose content isn't the record's.
    wrong: list[Place] = field(default_factory=list)
    dead_letters_lost: list[Place] = field(default_factory=list)
    dead_letters_wrong: list[Place] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    #: Cuts of unread records that no gap reports.
    cuts_unreported: list[Cut] = field(default_factory=list)
    #: Partitions that weren't read to their end.
    undrained: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether each sampled record has exactly one row, and every gap is exact."""
        return not (
            self.lost
            or self.doubled
            or self.wrong
            or self.dead_letters_lost
            or self.dead_letters_wrong
            or self.cuts_unreported
            or self.undrained
            or any(gap.fault for gap in self.gaps)
        )


def reckon(
    ledger: Ledger,
    database: Database,
    *,
    seed: int,
    topic: str,
    rate: str,
    ends: dict[int, int],
    record_of: Callable[[int, int], SoakRecord] = make_record,
) -> Reckoning:
    """Compare what the sampling rule selects of the produced records with the database.

    Args:
        ledger: The produced records.
        database: What was stored.
        seed: Of the records.
        topic: The topic.
        rate: The sampling rate.
        ends: The end of each partition.
        record_of: Returns a record by seed and number.
    """
    result = Reckoning(n_produced=len(ledger), n_aborted=len(ledger.aborted))
    rows = _exchanges(database)
    dead_letters = _dead_letters(database)
    gaps = database.rows("SELECT partition, first_offset, last_offset FROM offset_gaps")
    gaps.sort()
    result.n_stored = sum(len(row) for row in rows.values())
    result.n_dead_letters = sum(len(dead_letter) for dead_letter in dead_letters.values())
    occupied = {*rows, *dead_letters} if gaps else set()
    probability = (2**56 - threshold(rate)) / 2**56

    for number in range(len(ledger)):
        place = (ledger.partitions[number], ledger.offsets[number])
        if number in ledger.unconfirmed or (place[1] == NOWHERE and number not in ledger.aborted):
            result.n_unconfirmed += 1
            rows.pop(place, None)
            dead_letters.pop(place, None)
            continue
        if number in ledger.aborted:
            continue  # whatever is stored of it is wrong
        record = record_of(seed, number)
        stored, dead_letter = rows.pop(place, []), dead_letters.pop(place, [])
        if not is_kept(record, topic, *place, rate):
            result.wrong += [place] * (len(stored) + len(dead_letter))
            continue
        in_gap = any(p == place[0] and first <= place[1] <= last for p, first, last in gaps)
        if in_gap and not stored and not dead_letter:
            result.n_in_gaps += 1
            continue
        _compare(result, record, place, stored, dead_letter, probability)

    # What no record has claimed.
    result.wrong += list(rows)
    result.dead_letters_wrong += list(dead_letters)
    result.gaps = [_judge(gap, gaps, ledger.cuts, occupied) for gap in gaps]
    result.cuts_unreported = [
        cut
        for cut in ledger.cuts
        if cut.stored is not None and (cut.partition, cut.stored, cut.before - 1) not in gaps
    ]
    reached = database.next_offsets()
    result.undrained = [
        f"partition {number}: read to {reached.get(number)} of {end}"
        for number, end in ends.items()
        if reached.get(number) != end
    ]
    return result


def _compare(
    result: Reckoning,
    record: SoakRecord,
    place: Place,
    stored: list[tuple],
    dead_letters: list[tuple],
    probability: float,
) -> None:
    """Compare one record with its stored rows."""
    if len(stored) + len(dead_letters) > 1:
        result.doubled.append(place)
    if record.reason:
        result.n_dead_letters_expected += 1
        if not dead_letters:
            result.dead_letters_lost.append(place)
        elif dead_letters[0] != (0, record.key, record.value, record.reason, probability):
            result.dead_letters_wrong.append(place)
        result.wrong += [place] * len(stored)
    else:
        result.n_expected += 1
        if not stored:
            result.lost.append(place)
        elif stored[0] != (0, record.exchange_id, record.prompt, probability):
            result.wrong.append(place)
        result.dead_letters_wrong += [place] * len(dead_letters)


def _judge(gap: tuple, gaps: list[tuple], cuts: list[Cut], stored: set[Place]) -> Gap:
    """Return whether a gap equals the range deleted unread."""
    partition, first, last = gap
    own = [cut for cut in cuts if cut.partition == partition and cut.before == last + 1]
    fault = ""
    if not own:
        fault = "it doesn't end where records were deleted"
    elif own[0].stored not in (None, first):
        fault = f"the next offset stood at {own[0].stored}"
    elif any(place[0] == partition and first <= place[1] <= last for place in stored):
        fault = "records inside are stored"
    elif Counter(gaps)[gap] > 1:
        fault = "it is reported twice"
    return Gap(partition, first, last, fault)


def _exchanges(database: Database) -> dict[Place, list[tuple]]:
    result = database.rows(
        'SELECT partition, "offset", record_index, exchange_id, prompt, inclusion_probability '
        "FROM exchanges"
    )
    return _by_place(result)


def _dead_letters(database: Database) -> dict[Place, list[tuple]]:
    result = database.rows(
        'SELECT partition, "offset", record_index, key, value, reason, inclusion_probability '
        "FROM dead_letters"
    )
    return _by_place(
        [(*row[:3], *(x if x is None else bytes(x) for x in row[3:5]), *row[5:]) for row in result]
    )


def _by_place(rows: list[tuple]) -> dict[Place, list[tuple]]:
    places: dict[Place, list[tuple]] = {}
    for partition, offset, *rest in rows:
        places.setdefault((partition, offset), []).append(tuple(rest))
    return places

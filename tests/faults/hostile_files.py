"""All hostile files."""

import zlib
from collections.abc import Iterator

from tests.faults.documents import HostileFile
from tests.faults.hostile_graphs import hostile_graphs
from tests.faults.hostile_json import hostile_json
from tests.faults.hostile_places import hostile_places
from tests.faults.hostile_yaml import hostile_yaml
from tests.faults.mutants import mutants
from tests.faults.wrong_types import wrong_types


def hostile_files() -> Iterator[HostileFile]:
    """Give all of them."""
    yield from hostile_json()
    yield from hostile_graphs()
    yield from hostile_places()
    yield from wrong_types()
    yield from hostile_yaml()
    yield from mutants()


def sample(one_of: int) -> Iterator[HostileFile]:
    """Give those of a kind of their own, and of the many that are alike some, always the same."""
    for hostile in hostile_files():
        if not hostile.is_one_of_many or zlib.crc32(hostile.name.encode()) % one_of == 0:
            yield hostile

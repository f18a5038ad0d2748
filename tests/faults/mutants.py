"""Definitions that are right, but for some bytes that chance has changed."""

import json
import random
from collections.abc import Iterator

from tests.faults.documents import HostileFile, document

MUTANTS_COUNT = 300
_SIGNS = b"{}[]\",:\\${}'.#&*!|>%@-?\n\t\0\xff"

_JSON = json.dumps(
    document(condition="input.x > 1", parameters={"x": "${input.y + 1}"}, max_retries=3)
).encode()
_YAML = b"""\
id: d
name: "D"
tasks:
  - id: a
    name: 'A'
    task_type: noop
    condition: input.x > 1
    parameters: {x: "${input.y + 1}"}
  - {id: b, name: B, task_type: gateway, depends_on: [a]}
"""


def mutants() -> Iterator[HostileFile]:
    """Give them; the same ones each time."""
    chance = random.Random(5)
    for number in range(MUTANTS_COUNT):
        for name, ending, right in (("JSON", ".json", _JSON), ("YAML", ".yaml", _YAML)):
            data = _mutated(right, chance)
            yield HostileFile(
                f"{name} mutant {number}", ending, data, may_be_accepted=True, is_one_of_many=True
            )


def _mutated(right: bytes, chance: random.Random) -> bytes:
    data = bytearray(right)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                data[place] = chance.choice(_SIGNS)
            case 2:
                data[place:place] = bytes([chance.choice(_SIGNS)]) * chance.choice((1, 2, 100))
            case 3:
                del data[place : place + chance.randrange(1, 20)]
            case _:
                data[place:place] = data[place : place + chance.randrange(1, 60)]
    return bytes(data)

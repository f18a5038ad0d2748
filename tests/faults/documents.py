"""Definitions that hostile files are made from, and what a hostile file is."""

import json
from typing import Any, NamedTuple

SIZE = 64 * 1024
"""No hostile file is much longer, in bytes."""


class HostileFile(NamedTuple):
    """A file that was written to break its reader.

    Attributes:
        name: What is wrong with it.
        ending: How its name ends, which tells what it is read as.
        data: What is in it.
        may_be_accepted: Whether it may also be taken as a definition.
        is_one_of_many: Whether the gate may leave it out, for others are much alike.
    """

    name: str
    ending: str
    data: bytes
    may_be_accepted: bool = False
    is_one_of_many: bool = False


def document(**task: Any) -> dict[str, Any]:
    """A definition of one task that does nothing, with some members of the task replaced."""
    first: dict[str, Any] = {
        "id": "a",
        "name": "A",
        "task_type": "noop",
        "parameters": {},
        "depends_on": [],
    }
    return {"id": "d", "name": "D", "version": "1", "tasks": [{**first, **task}]}


def tasks(count: int, **members: Any) -> dict[str, Any]:
    """A definition of many tasks; texts among the members may hold `{i}`, `{j}` for the next."""
    made = [
        {
            "id": f"t{i}",
            "name": "x",
            "task_type": "noop",
            **json.loads(json.dumps(members).replace("{i}", str(i)).replace("{j}", str(i + 1))),
        }
        for i in range(count)
    ]
    return {"id": "d", "name": "D", "tasks": made}


def as_json(
    name: str, value: Any, *, may_be_accepted: bool = False, is_one_of_many: bool = False
) -> HostileFile:
    """Write a value as a JSON file; bytes are the file."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HostileFile(name, ".json", data, may_be_accepted, is_one_of_many)


def with_parameter(text: bytes) -> bytes:
    """A JSON file that is right, with this text in place of a parameter's value."""
    return json.dumps(document(parameters={"x": "HERE"})).encode().replace(b'"HERE"', text)

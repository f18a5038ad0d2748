"""Definition files that were written to break their reader; each is at most 64 KiB."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.faults.hostile_expressions import EXPRESSIONS

SIZE = 64 * 1024


class HostileFile(NamedTuple):
    """A file, and whether it may also be taken as a definition."""

    name: str
    ending: str
    data: bytes
    may_be_accepted: bool = False


def document(**task: Any) -> dict[str, Any]:
    """A definition of one task that does nothing, with some members of the task replaced."""
    first = {"id": "a", "name": "A", "task_type": "noop", "parameters": {}, "depends_on": []}
    return {"id": "d", "name": "D", "version": "1", "tasks": [{**first, **task}]}


def tasks(count: int, **members: Any) -> dict[str, Any]:
    """A definition of many tasks; texts among the members may hold `{i}`."""
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


def hostile_files() -> Iterator[HostileFile]:
    """Give all of them."""
    yield from _texts()
    yield from _graphs()
    yield from _expressions()
    yield from _wrong_types()
    yield from _yaml()
    yield from _mutants(100)


def _json(name: str, value: Any, *, may_be_accepted: bool = False) -> HostileFile:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HostileFile(name, ".json", data, may_be_accepted)


def _with_parameter(text: bytes) -> bytes:
    return json.dumps(document(parameters={"x": "HERE"})).encode().replace(b'"HERE"', text)


def _texts() -> Iterator[HostileFile]:
    plain = {
        "empty": b"",
        "spaces": b" " * SIZE,
        "null": b"null",
        "a number": b"1",
        "a list": b"[]",
        "an empty object": b"{}",
        "zero bytes": b"\0" * SIZE,
        "no UTF-8": b"\xff" * SIZE,
        "UTF-16": '{"id": "d"}'.encode("utf-16"),
        "open lists": b"[" * SIZE,
        "lists": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
        "open objects": b'{"a":' * (SIZE // 5),
        "open text": b'"' + b"a" * SIZE,
        "backslashes": b'"' + b"\\" * SIZE,
        "a key twice": b'{"id":"d","id":"e","tasks":[]}',
        "a key twice below": b'{"id":"d","name":"n","tasks":[{"id":"a","id":"b"}]}',
        "NaN": _with_parameter(b"NaN"),
        "infinity": _with_parameter(b"-Infinity"),
        "beyond all floats": _with_parameter(b"1e999"),
        "a long number": _with_parameter(b"9" * 60_000),
        "a long fraction": _with_parameter(b"0." + b"9" * 60_000),
        "half a surrogate pair": _with_parameter(b'"\\ud800"'),
        "65 lists": _with_parameter(b"[" * 65 + b"]" * 65),
        "1,000 lists": _with_parameter(b"[" * 1000 + b"]" * 1000),
        "30,000 lists": _with_parameter(b"[" * 30_000 + b"]" * 30_000),
    }
    for name, data in plain.items():
        yield _json(name, data)


def _graphs() -> Iterator[HostileFile]:
    long = "a" * 25_000
    refused = {
        "a task of itself": document(depends_on=["a"]),
        "a ring": tasks(2, depends_on=["t{j}"]) | {},
        "the same id a thousand times": tasks(1000, id="t"),
        "unknown dependencies, nearly right": tasks(700, depends_on=["u{i}"]),
        "a long unknown dependency": document(id=long, depends_on=["b" + long]),
        "one dependency many times": document(depends_on=["b"] * 10_000),
        "tasks that are numbers": {"id": "d", "name": "D", "tasks": [1] * 20_000},
        "tasks that are null": {"id": "d", "name": "D", "tasks": [None] * 12_000},
        "tasks as an object": {"id": "d", "name": "D", "tasks": {"a": 1}},
        "no tasks": {"id": "d", "name": "D", "tasks": []},
        "unknown members": {f"k{i}": 1 for i in range(5000)},
        "unknown members of a task": document(**{f"f{i}": 1 for i in range(4000)}),
        "a zero byte in an id": document(id="a\0b"),
        "a long id": document(id="a" * 60_000),
        "a long id beyond ASCII": document(id="\U0001f600" * 5000),
        "an empty id": document(id=""),
        "a long type": document(task_type="x" * 60_000),
        "half a surrogate pair as id": document(id="\ud800"),
    }
    ring = tasks(900, depends_on=["t{j}"])
    ring["tasks"][-1]["depends_on"] = ["t0"]
    refused["a ring"] = ring
    for name, value in refused.items():
        yield _json(name, value)
    many = tasks(110)
    for number, task in enumerate(many["tasks"]):
        task["depends_on"] = [f"t{other}" for other in range(number)]
    yield _json("all depend on all before", many, may_be_accepted=True)


def _expressions() -> Iterator[HostileFile]:
    """Each expression in each place that takes one; a text may be too long, or just a text."""
    chosen = {"id": "b", "name": "B", "task_type": "noop", "depends_on": ["a"]}
    for name, source in EXPRESSIONS.items():
        decision = {"conditions": [{"condition": source, "next_task": "b"}]}
        branching = document(task_type="decision", parameters=decision)
        branching["tasks"].append(chosen)
        places = {
            "condition": document(condition=source),
            "template": document(parameters={"x": "${" + source + "}"}),
            "map": document(for_each="${" + source + "}"),
            "decision": branching,
            "key": document(concurrency_key="${" + source + "}"),
        }
        for place, value in places.items():
            yield _json(f"{place}: {name}", value, may_be_accepted=True)
    texts = {
        "many templates": "${1}" * 16_000,
        "open templates": "${" * 30_000,
        "templates in templates": "${'${" * 20 + "}" * 100,
        "dollars": "$" * 60_000,
        "written-out templates": "$${" * 20_000,
        "a long secret": "${secret." + "A" * 60_000 + "}",
        "many secrets": "".join(f"${{secret.A{i}}}" for i in range(4000)),
    }
    for name, text in texts.items():
        yield _json(f"text: {name}", document(parameters={"x": text}), may_be_accepted=True)


WRONG: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, 2**64, -(2**63), 10**30, "", "x" * 1000, "\0", "${",
    "${1}", [], [[]], {}, {"a": 1}, [None], ["a", 1], {"": {}},
)  # fmt: skip
"""A value of every kind, for members that take another."""

MEMBERS = (
    "id", "name", "description", "version", "tasks", "on_error", "deadline", "consistency",
    "max_concurrent_tasks",
)  # fmt: skip
TASK_MEMBERS = (
    "id", "name", "task_type", "parameters", "depends_on", "max_retries", "base_delay",
    "max_delay", "jitter", "retry_on", "no_retry_on", "retry_budget", "timeout", "queue_timeout",
    "heartbeat_timeout", "total_timeout", "max_deliveries", "priority", "concurrency_key",
    "concurrency", "rate_limit", "fairness_key", "delivery", "executor", "condition", "join",
    "for_each", "on_error",
)  # fmt: skip
_CORE_PARAMETERS = {
    "timer": ("seconds",),
    "decision": ("conditions", "default"),
    "data_transformation": ("operation", "items", "field", "threshold_high"),
    "gateway": ("x",),
}


def _wrong_types() -> Iterator[HostileFile]:
    for number, value in enumerate(WRONG):
        for member in MEMBERS:
            changed = {**document(), member: value}
            yield _json(f"{member} is wrong, {number}", changed, may_be_accepted=True)
        for member in TASK_MEMBERS:
            changed = document(**{member: value})
            yield _json(f"a task's {member} is wrong, {number}", changed, may_be_accepted=True)
        for task_type, names in _CORE_PARAMETERS.items():
            for name in names:
                changed = document(task_type=task_type, parameters={name: value})
                label = f"{name} of a {task_type} is wrong, {number}"
                yield _json(label, changed, may_be_accepted=True)
        handler = {"task_type": value, "parameters": value, "recovers": value}
        yield _json(f"a handler is wrong, {number}", document(on_error=handler))
        branch = {"condition": value, "next_task": value}
        branching = document(task_type="decision", parameters={"conditions": [branch]})
        yield _json(f"a branch is wrong, {number}", branching)


def _yaml() -> Iterator[HostileFile]:
    laughs = "a: &a [x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join('*' + chr(97 + i) for _ in range(9))}]\n"
        for i in range(20)
    )
    texts: dict[str, str | bytes] = {
        "empty": "",
        "a byte order mark": b"\xef\xbb\xbf",
        "a comment": "#" * SIZE,
        "a billion laughs": laughs,
        "an anchor of itself": "a: &a [*a]",
        "merge keys": "a: &x {b: 1}\nc:\n  <<: *x\n",
        "a tag that runs": "a: !!python/object/apply:os.system ['id']",
        "a set": "!!set {a, b}",
        "binary": "a: !!binary aGk=",
        "open lists": "[" * SIZE,
        "lists": "[" * (SIZE // 2) + "]" * (SIZE // 2),
        "open maps": "{a: " * (SIZE // 4),
        "dashes": "- " * (SIZE // 2),
        "indents": "".join(" " * i + "a:\n" for i in range(350)),
        "question marks": "? " * (SIZE // 2),
        "colons": ": " * (SIZE // 2),
        "a list as key": "[1,2]: 3",
        "documents": "---\n" * (SIZE // 4),
        "a directive": "%YAML 1.1\n---\na: 1",
        "percents": "%" * SIZE,
        "tabs": "\t" * SIZE,
        "anchors": "".join(f"&a{i} " for i in range(8000)),
        "a long word": "a" * SIZE,
        "quotes": '"' * SIZE,
        "single quotes": "'" * SIZE,
        "a long block": "a: |\n" + " x\n" * 20_000,
        "an empty block": "a: >" + "\n" * 60_000,
        "UTF-16": "a: 1".encode("utf-16"),
        "no UTF-8": b"\xff" * SIZE,
        "zero bytes": b"\0" * SIZE,
        "a control character": "a: \x01",
        "a key twice": "a: 1\na: 2\n",
        "a long number": "a: " + "9" * 60_000,
        "a long hexadecimal number": "a: 0x" + "f" * 60_000,
        "infinity": "a: .inf",
        "not a number": "a: .nan",
        "keys of all types": "1: 2\ntrue: 3\nnull: 4\n",
        "exclamations": "!" * SIZE,
        "ampersands": "&" * SIZE,
        "stars": "*" * SIZE,
        "a long key": "? " + "a" * 60_000 + "\n: 1\n",
        "half a surrogate pair": 'a: "\\ud800"',
        "an escape beyond Unicode": 'a: "\\Uffffffff"',
        "many keys": "".join(f"k{i}: 1\n" for i in range(6000)),
    }
    for name, text in texts.items():
        data = text.encode() if isinstance(text, str) else text
        yield HostileFile(f"YAML: {name}", ".yaml", data)


def _mutants(count: int) -> Iterator[HostileFile]:
    """A definition that is right, with some bytes changed."""
    chance = random.Random(5)
    right = document(condition="input.x > 1", parameters={"x": "${input.y + 1}"}, max_retries=3)
    for number in range(count):
        data = bytearray(json.dumps(right).encode())
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        yield _json(f"mutant {number}", bytes(data), may_be_accepted=True)

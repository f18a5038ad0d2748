"""Definitions that are JSON and make no sense, or make it at great length."""

from collections.abc import Iterator
from typing import Any

from tests.faults.documents import HostileFile, as_json, document, tasks

_LONG = "a" * 25_000
_NO_IDS = ("", "\0", "a\0b", "a\nb", "\ud800", "a" * 60_000, "\U0001f600" * 5000)
_ODD_IDS = (
    "a[0]", "a.b", "${a}", "..", "/", "__proto__", "null", "1", "-", "\u202ea", "\u200b", "\u00e9",
    "a b", " ", "'", '"', "A", "output", "input", "$", "item", "a" * 255, "\ufeff", "\uffff",
)  # fmt: skip


def hostile_graphs() -> Iterator[HostileFile]:
    """Give them all."""
    for name, value in {**_wrong_names(), **_wrong_edges(), **_many_problems()}.items():
        yield as_json(name, value)
    for name, value in {**_long_ways(), **_references()}.items():
        yield as_json(name, value, may_be_accepted=True)
    for number, odd in enumerate(_ODD_IDS):
        value = document(id=odd, on_error={"task_type": "noop", "parameters": {}})
        yield as_json(f"an odd id, {number}", value, may_be_accepted=True)


def _wrong_names() -> dict[str, Any]:
    wrong: dict[str, Any] = {
        f"no id at all, {number}": document(id=name) for number, name in enumerate(_NO_IDS)
    }
    return wrong | {
        "the same id a thousand times": tasks(1000, id="t"),
        "a long type": document(task_type="x" * 60_000),
        "unknown members": {f"k{i}": 1 for i in range(5000)},
        "unknown members of a task": document(**{f"f{i}": 1 for i in range(4000)}),
        "unknown members, nearly right": tasks(500, max_retrie=1, timeou=2, jiter=3),
        "a long unknown member": document(**{"m" * 60_000: 1}),
        "long unknown members": document(**{"max_retries" + "s" * size: 1 for size in range(300)}),
        "a long name of an error": document(retry_on="E" * 60_000),
        "tasks that are numbers": {"id": "d", "name": "D", "tasks": [1] * 20_000},
        "tasks that are null": {"id": "d", "name": "D", "tasks": [None] * 12_000},
        "tasks that are empty": {"id": "d", "name": "D", "tasks": [{}] * 20_000},
        "tasks as an object": {"id": "d", "name": "D", "tasks": {"a": 1}},
        "no tasks": {"id": "d", "name": "D", "tasks": []},
        "a long operation": document(
            task_type="data_transformation", parameters={"operation": "o" * 60_000}
        ),
        "a long rate": document(rate_limit="1/" + "9" * 60_000 + "s"),
        "a rate beyond floats": document(rate_limit="1e999/s"),
        "a rate in Arabic digits": document(rate_limit="\u0663/s"),
        "a long join": document(join="n_of_m:" + "9" * 60_000),
        "a join of none": document(join="n_of_m:-1"),
        "a long version": {**document(), "version": "v" * 60_000},
        "a long name of it all": {**document(), "id": "i" * 60_000},
    }


def _wrong_edges() -> dict[str, Any]:
    ring = tasks(900, depends_on=["t{j}"])
    ring["tasks"][-1]["depends_on"] = ["t0"]
    rings = tasks(800)
    for number, task in enumerate(rings["tasks"]):
        task["depends_on"] = [f"t{number ^ 1}"]
    knot = tasks(90)
    for number, task in enumerate(knot["tasks"]):
        task["depends_on"] = [f"t{other}" for other in range(90) if other != number]
    lasso = _layers(300, 2)
    lasso["tasks"][0]["depends_on"] = ["t599"]
    return {
        "a task of itself": document(depends_on=["a"]),
        "a ring": ring,
        "rings": rings,
        "a knot": knot,
        "a ring of two to the three hundredth ways": lasso,
        "unknown dependencies, nearly right": tasks(700, depends_on=["u{i}"]),
        "a long unknown dependency": document(id=_LONG, depends_on=["b" + _LONG]),
        "one dependency many times": document(depends_on=["b"] * 10_000),
        "unknown dependencies of one": document(depends_on=[f"b{i}" for i in range(6000)]),
        "dependencies that are lists": document(depends_on=[[[]]] * 10_000),
        "a branch to nowhere": document(task_type="decision", parameters=_decision(["b"] * 500)),
        "a branch to itself": document(task_type="decision", parameters=_decision(["a"])),
    }


def _many_problems() -> dict[str, Any]:
    wrong = {
        "max_retries": -1, "timeout": "soon", "jitter": 7, "priority": "urgent", "delivery": 3,
        "depends_on": ["nobody"], "condition": "((", "rate_limit": "fast", "join": "some",
        "unknown": 1,
    }  # fmt: skip
    return {
        "ten problems of each of many": tasks(200, **wrong),
        "an open expression in each of many": tasks(700, condition="(("),
        "an open template in each of many": tasks(700, parameters={"x": "${"}),
        "an unknown output in each of many": tasks(600, parameters={"x": "${output.u{i}.x}"}),
        "a wrong handler of each of many": tasks(600, on_error={"task_typ": "x"}),
    }


def _decision(targets: list[str]) -> dict[str, Any]:
    return {"conditions": [{"condition": "true", "next_task": target} for target in targets]}


def _layers(count: int, width: int) -> dict[str, Any]:
    """Layers of tasks, each of which depends on all of the layer before."""
    made = tasks(count * width)
    for number, task in enumerate(made["tasks"][width:], width):
        before = number // width * width - width
        task["depends_on"] = [f"t{before + other}" for other in range(width)]
    return made


def _long_ways() -> dict[str, Any]:
    deciding = tasks(240)
    for number, task in enumerate(deciding["tasks"][:-2]):
        task["task_type"] = "decision"
        task["parameters"] = _decision([f"t{number + 1}", f"t{number + 2}"])
    for number, task in enumerate(deciding["tasks"][1:], 1):
        task["depends_on"] = [f"t{other}" for other in (number - 2, number - 1) if other >= 0]
    all_before = tasks(110)
    for number, task in enumerate(all_before["tasks"]):
        task["depends_on"] = [f"t{other}" for other in range(number)]
    nested_maps = tasks(500, for_each="${input.l}")
    for number, task in enumerate(nested_maps["tasks"][1:]):
        task["depends_on"] = [f"t{number}"]
    return {
        "a chain": tasks(900, depends_on=["t{j}"]) | {"tasks": _chain(900)},
        "two to the three hundredth ways": _layers(300, 2),
        "a broad net": _layers(3, 90),
        "all depend on all before": all_before,
        "decisions on decisions": deciding,
        "maps after maps": nested_maps,
        "handlers": tasks(600, on_error={"task_type": "noop", "recovers": True}),
        "many errors to retry": document(retry_on=[f"E{number}" for number in range(6000)]),
        "types, nearly right": tasks(700, task_type="decisio{i}"),
        "a member of everything": document(
            join="any", priority="high", timeout=1e308, max_retries=2**31 - 1, jitter=0
        ),
    }


def _chain(count: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = tasks(count)["tasks"]
    for number, task in enumerate(made[1:]):
        task["depends_on"] = [f"t{number}"]
    return made


def _references() -> dict[str, Any]:
    crossed = tasks(2)
    crossed["tasks"][0]["parameters"] = {"x": "${output.t1}"}
    crossed["tasks"][1]["parameters"] = {"x": "${output.t0}"}
    doubling: dict[str, Any] = {"id": "d", "name": "D", "tasks": _chain(500)}
    for number, task in enumerate(doubling["tasks"][1:]):
        task["parameters"] = {"x": f"${{output.t{number}.x}}${{output.t{number}.x}}"}
    from_all: dict[str, Any] = {"id": "d", "name": "D", "tasks": _chain(300)}
    from_all["tasks"][-1]["parameters"] = {
        "x": "".join(f"${{output.t{number}}}" for number in range(299))
    }
    return {
        "an output of itself": document(parameters={"x": "${output.a}"}),
        "outputs of each other": crossed,
        "texts that double from task to task": doubling,
        "an output of all before": from_all,
        "a map of its own items": document(for_each="${item}"),
        "a condition on its own output": document(condition="output.a == 1"),
        "a handler of its own output": document(
            on_error={"task_type": "noop", "parameters": {"x": "${output.a}"}}
        ),
    }

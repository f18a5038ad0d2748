"""Hostile expressions and texts, in each place of a definition that takes them."""

from collections.abc import Iterator
from typing import Any

from tests.faults.documents import SIZE, HostileFile, as_json, document, tasks
from tests.faults.hostile_expressions import EXPRESSIONS

_TEXTS = {
    "many templates": "${1}" * (SIZE // 4),
    "many templates of inputs": "${input.a}" * (SIZE // 10),
    "open templates": "${" * (SIZE // 2),
    "closed templates": "}" * SIZE,
    "templates in templates": "${'${" * 20 + "}" * 100,
    "templates in texts in templates": "${'" * (SIZE // 6) + "'}" * (SIZE // 6),
    "dollars": "$" * SIZE,
    "written-out templates": "$${" * (SIZE // 3),
    "a long secret": "${secret." + "A" * 60_000 + "}",
    "many secrets": "".join(f"${{secret.A{i}}}" for i in range(4000)),
    "a secret of a secret": "${secret.${secret.A}}",
    "unknown names": "".join(f"${{a{i}}}" for i in range(7000)),
    "unknown functions": "".join(f"${{f{i}(1)}}" for i in range(6000)),
    "a template over lines": "${\n" * (SIZE // 3) + "1" + "}",
    "braces in a text": "${'" + "{" * SIZE + "'}",
}


def hostile_places() -> Iterator[HostileFile]:
    """Give them; a text may be too long, or just a text."""
    for name, source in EXPRESSIONS.items():
        for place, value in _places(source).items():
            # The reader of expressions is one; the first place is tried in full.
            many = place != "condition"
            yield as_json(f"{place}: {name}", value, may_be_accepted=True, is_one_of_many=many)
    for name, text in _TEXTS.items():
        yield as_json(f"text: {name}", document(parameters={"x": text}), may_be_accepted=True)
        value = document(parameters={text: text[:1000]})
        yield as_json(f"text as a key: {name}", value, may_be_accepted=True, is_one_of_many=True)


def _places(source: str) -> dict[str, Any]:
    chosen = {"id": "b", "name": "B", "task_type": "noop", "depends_on": ["a"]}
    decision = {"conditions": [{"condition": source, "next_task": "b"}]}
    branching = document(task_type="decision", parameters=decision)
    branching["tasks"].append(chosen)
    template = "${" + source + "}"
    return {
        "condition": document(condition=source),
        "template": document(parameters={"x": template}),
        "amid a text": document(parameters={"x": f"it is {template} or so"}),
        "map": document(for_each=template),
        "decision": branching,
        "key": document(concurrency_key=template),
        "many": tasks(max(1, min(100, SIZE // (len(source) + 80))), condition=source),
    }

"""Definitions in files: reading, bounds, hostile texts and where faults are shown."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyflow.authoring.document import (
    JSON_SIZE_MAX,
    YAML_SIZE_MAX,
    Document,
    document_of,
    read_document,
)
from pyflow.errors import DefinitionInvalid, Problem

EXAMPLE = Path(__file__).parents[2] / "examples" / "factory_temperature.json"


def value_of(text: str | bytes, *, is_yaml: bool = False) -> Any:
    data = text.encode() if isinstance(text, str) else text
    return document_of(data, "flow", is_yaml=is_yaml).value()


def fault_of(text: str | bytes, *, is_yaml: bool = False) -> DefinitionInvalid:
    with pytest.raises(DefinitionInvalid) as caught:
        value_of(text, is_yaml=is_yaml)
    return caught.value


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_json_is_read_as_python_reads_it(value: Any) -> None:
    assert value_of(json.dumps(value)) == value


@given(PLAIN, st.booleans())
def test_yaml_is_read_as_it_was_meant(value: Any, flow: bool) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    anchors = "&id" in text or "\ufeff" in text

    if not anchors:
        assert value_of(text, is_yaml=True) == value


def test_the_example_reads_the_same_from_both() -> None:
    read = read_document(EXAMPLE).value()

    assert read["id"] == "factory_temperature"
    assert value_of(yaml.safe_dump(read), is_yaml=True) == read


def test_yaml_words_are_those_of_json() -> None:
    text = (
        "on: off\nyes: no\ny: n\nwhen: 2026-11-21\nversion: 010\nhex: 0x1F\nnull: ~\nempty:\n"
        "true: True\ntime: 1:30\nquoted: '1'\ntagged: !!str 1\nmerge: {<<: 1}\nfloat: 1e3\n"
        "block: |\n  a\n  b\n"
    )

    assert value_of(text, is_yaml=True) == {
        "on": "off",
        "yes": "no",
        "y": "n",
        "when": "2026-11-21",
        "version": 10,
        "hex": 31,
        "null": None,
        "empty": None,
        "true": True,
        "time": "1:30",
        "quoted": "1",
        "tagged": "1",
        "merge": {"<<": 1},
        "float": 1000.0,
        "block": "a\nb\n",
    }


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('{"a": 1,\n "a": 2}', (2, 2), "'a' is given twice"),
        ('{"x": [{"a": 1, "b": {"c": 1, "c": 2}}]}', (1, 31), "'c' is given twice"),
        ('{"a": NaN}', (1, 7), "NaN"),
        ('{"a": [1, -Infinity]}', (1, 11), "Infinity"),
        ('{"a": 1e999}', (1, 7), "range"),
        ('{"a": 123456789012345678901}', (1, 7), "64 bits"),
        ('{"a": ' + "1" * 5000 + "}", (1, 7), "5000 characters"),
        ("[" * 65 + "]" * 65, (1, 65), "deeper than 64"),
        ('{"a": }', (1, 7), "not JSON"),
        ('{"a": 1', (1, 8), "not JSON"),
        ("", (1, 1), "not JSON"),
        (b'{"a": "\xff"}', (1, 8), "0xff is not UTF-8"),
        (b'{"a":\n"x\xc3("}', (2, 3), "0xc3 is not UTF-8"),
        ('{"a": "\x01"}', (1, 8), "control character"),
    ],
)
def test_json_faults_show_their_place(
    text: str | bytes, place: tuple[int, int], reason: str
) -> None:
    error = fault_of(text)

    assert reason in str(error)
    assert (error.problems[0].line, error.problems[0].column) == place
    assert f"flow:{place[0]}:{place[1]}: " in str(error)
    assert error.file == "flow"


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, 1), "'a' is given twice"),
        ("a: &x 1\n", (1, 4), "anchors"),
        ("a: *x\n", (1, 4), "aliases"),
        ("a: !!python/object:os.system x\n", (1, 4), "tag"),
        ("a: !x {}\n", (1, 4), "tag"),
        ("a: .nan\n", (1, 4), "no number"),
        ("a: 1e999\n", (1, 4), "range"),
        ("a: [1\n", (2, 1), ""),
        ("a:\n\t- b\n", (2, 1), ""),
        ("[a]: 1\n", (1, 1), "key must be a text"),
        ("? {a: 1}\n: 1\n", (1, 3), "key must be a text"),
        ("a: 1\n---\nb: 2\n", (2, 1), "second document"),
        ("%YAML 1.1\n---\na: 1\n", (1, 1), "directives"),
        ("[" * 65 + "]" * 65, (1, 65), "deeper than 64"),
        ("a: 1\nb: \x07\n", (2, 1), "U+0007"),
    ],
)
def test_yaml_faults_show_their_place(text: str, place: tuple[int, int], reason: str) -> None:
    error = fault_of(text, is_yaml=True)

    assert reason in str(error)
    assert (error.problems[0].line, error.problems[0].column) == place


def test_a_caret_stands_below_the_place() -> None:
    error = fault_of('{"tasks": [\n  {"id": "a", "id": "b"}\n]}')

    assert error.message.splitlines()[1:] == [
        "flow:2:15: tasks[0]: the key 'id' is given twice",
        '    2 |   {"id": "a", "id": "b"}',
        "      |               ^",
    ]


def test_a_long_line_is_cut_around_the_caret() -> None:
    error = fault_of(json.dumps({"long": "x" * 5000, "bad": 1})[:-2] + "NaN}")

    shown = error.message.splitlines()[2:]
    assert all(len(line) < 120 for line in shown)
    assert shown[0][shown[1].index("^")] == "N"


TASKS = '{"tasks": [\n  {"id": "a",\n   "depends_on": ["x", "a.b"]}]}'


@pytest.mark.parametrize("is_yaml", [False, True])
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("tasks[0].depends_on[1]", (3, 24)),
        ("tasks[0].depends_on[9]", (3, 18)),
        ("tasks[0].timeout", (2, 3)),
        ('tasks[0].parameters["a b"]', (2, 3)),
        ("", (1, 1)),
        ("nowhere", (1, 1)),
    ],
)
def test_a_path_leads_to_its_place_or_the_nearest(
    is_yaml: bool, path: str, place: tuple[int, int]
) -> None:
    document = Document(TASKS, "flow", is_yaml)

    (found,) = document.located([Problem(path, "PF1001", "wrong")])

    assert (found.line, found.column) == place
    assert f"flow:{place[0]}:{place[1]}" in str(document.refusal([found]))


def test_many_problems_are_cut() -> None:
    document = Document(TASKS, "flow", is_yaml=False)
    problems = document.located([Problem("tasks[0]", "PF1001", str(n)) for n in range(50)])

    error = document.refusal(problems)

    assert len(error.problems) == 50
    assert "and 30 more problems" in str(error)


def test_a_size_over_the_bound_is_refused_before_reading(tmp_path: Path) -> None:
    for name, size_max in (
        ("a.json", JSON_SIZE_MAX),
        ("a.yaml", YAML_SIZE_MAX),
        ("a.yml", YAML_SIZE_MAX),
    ):
        path = tmp_path / name
        path.write_bytes(b" " * (size_max + 1))
        with pytest.raises(DefinitionInvalid, match=f"{size_max:,} bytes"):
            read_document(path)
    with pytest.raises(DefinitionInvalid, match="cannot be read"):
        read_document(tmp_path / "missing.json")
    with pytest.raises(DefinitionInvalid, match="cannot be read"):
        read_document(tmp_path)


SIZE = 64 * 1024


def filled(part: str, start: str = "", end: str = "") -> str:
    """Repeat a part up to 64 KiB."""
    return start + part * ((SIZE - len(start) - len(end)) // len(part)) + end


HOSTILE_JSON: dict[str, Callable[[], str]] = {
    "brackets": lambda: filled("["),
    "objects": lambda: filled('{"a":'),
    "unclosed quotes": lambda: filled('\\"', '"'),
    "one string": lambda: filled("a", '"'),
    "backslashes": lambda: filled("\\", '"'),
    "digits": lambda: filled("1"),
    "float digits": lambda: filled("1", "0."),
    "exponent": lambda: filled("9", "1e"),
    "commas": lambda: filled(","),
    "numbers": lambda: filled("1,", "[", "1]"),
    "bad number last": lambda: filled("1,", "[", "1e999]"),
    "key last twice": lambda: filled('"a",', '{"l":[', '1],"l":1}'),
    "empty objects": lambda: filled("{},", "[", "{}]"),
    "escapes": lambda: filled("\\u0041", '"', '"'),
    "surrogates": lambda: filled("\\ud800", '"', '"'),
    "spaces": lambda: filled(" "),
    "lines": lambda: filled("\n"),
    "nulls": lambda: filled("\0"),
}
HOSTILE_YAML: dict[str, Callable[[], str]] = {
    "brackets": lambda: filled("["),
    "braces": lambda: filled("{"),
    "flow pairs": lambda: filled("{a: "),
    "dashes": lambda: filled("- "),
    "questions": lambda: filled("? "),
    "colons": lambda: filled(": "),
    "anchors": lambda: filled("&a "),
    "aliases": lambda: filled("*a, ", "["),
    "bomb": lambda: filled("*a,", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [", "]"),
    "tags": lambda: filled("!!str "),
    "bangs": lambda: filled("!"),
    "directives": lambda: filled("%TAG !a! b\n"),
    "late directives": lambda: filled("%TAG !a! b\n", "a: 1\n...\n"),
    "documents": lambda: filled("---\n"),
    "ends": lambda: filled("...\n"),
    "keys": lambda: filled("a: 1\n"),
    "one key": lambda: filled("a") + ": 1",
    "scalars": lambda: filled("1,", "[", "1]"),
    "quoted": lambda: filled("'',", "[", "]"),
    "escapes": lambda: filled("\\x41", '"', '"'),
    "plain words": lambda: filled("a "),
    "plain lines": lambda: filled("a\n "),
    "block": lambda: filled(" a\n", "|\n"),
    "block lines": lambda: filled("\n", "|\n"),
    "folded": lambda: filled(" a\n", ">\n"),
    "comments": lambda: filled("#\n"),
    "one comment": lambda: filled("#"),
    "tabs": lambda: filled("\t"),
    "spaces": lambda: filled(" "),
    "lines": lambda: filled("\n"),
    "steps": lambda: "\n".join(" " * n + "a:" for n in range(350)),
    "percents": lambda: filled("%"),
    "digits": lambda: filled("1"),
    "floats": lambda: filled("1.", "1."),
    "quotes": lambda: filled('"'),
    "pipes": lambda: filled("|\n"),
    "duplicates": lambda: "\n".join(f"k{n}: 1" for n in range(6000)) + "\nk1: 2\n",
}


@pytest.mark.parametrize("kind", HOSTILE_JSON)
def test_hostile_json_is_answered(kind: str) -> None:
    answer(HOSTILE_JSON[kind](), is_yaml=False)


@pytest.mark.parametrize("kind", HOSTILE_YAML)
def test_hostile_yaml_is_answered(kind: str) -> None:
    answer(HOSTILE_YAML[kind](), is_yaml=True)


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_answered(data: bytes, is_yaml: bool) -> None:
    answer(data, is_yaml=is_yaml)


@given(st.text(alphabet="{}[]:,-?&*!|>%@#'\"\\ \n\tab1.~<", max_size=60), st.booleans())
def test_any_punctuation_is_answered(text: str, is_yaml: bool) -> None:
    json.dumps(answer(text, is_yaml=is_yaml), allow_nan=False)


def answer(text: str | bytes, *, is_yaml: bool) -> Any:
    """Read a hostile text: it is read or refused with its problems, none too long to show."""
    try:
        return value_of(text, is_yaml=is_yaml)
    except DefinitionInvalid as error:
        return [len(str(error)) < 10_000 or pytest.fail(str(error)), error.problems[0].line]

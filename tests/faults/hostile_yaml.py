"""YAML files that are wrong, are more than JSON, or were written to cost much."""

from collections.abc import Iterator

from tests.faults.documents import SIZE, HostileFile

_RIGHT = "id: d\nname: D\ntasks:\n- {id: a, name: A, task_type: noop}\n"


def hostile_yaml() -> Iterator[HostileFile]:
    """Give them all."""
    for name, text in {**_BOMBS, **_MORE_THAN_JSON, **_BROKEN, **_LONG}.items():
        yield HostileFile(f"YAML: {name}", ".yaml", text.encode())
    for name, data in _ENCODED.items():
        yield HostileFile(f"YAML: {name}", ".yaml", data)
    for name, text in _ODD.items():
        # In the place of a parameter's value.
        whole = f"{_RIGHT[:-2]}, parameters: {{x: {text}}}}}\n".encode()
        yield HostileFile(f"YAML value: {name}", ".yml", whole, may_be_accepted=True)


_LAUGHS = "a: &a [x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join('*' + chr(97 + i) for _ in range(9))}]\n"
    for i in range(20)
)

_BOMBS = {
    "a billion laughs": _LAUGHS,
    "a billion laughs at once": "[" + _LAUGHS.replace("\n", ", ") + "]",
    "merges of merges": "a: &a {x: 1}\n"
    + "".join(f"b{i}: &b{i} {{<<: [{', '.join(['*a'] * 9)}]}}\n" for i in range(900)),
    "an anchor of itself": "a: &a [*a]",
    "an anchor of itself as a key": "&a {*a : 1}",
    "an alias of nothing": "a: *a",
    "anchors": "".join(f"&a{i} " for i in range(8000)),
    "aliases": "[" + "*a, " * (SIZE // 4) + "]",
    "numbers to the base of sixty": "a: " + ":".join(["59"] * 20_000),
    "a long binary number": "a: 0b" + "1" * 60_000,
    "a long octal number": "a: 0o" + "7" * 60_000,
    "a long hexadecimal number": "a: 0x" + "f" * 60_000,
    "a long number": "a: " + "9" * 60_000,
    "a long fraction": "a: ." + "9" * 60_000,
    "a long exponent": "a: 1e" + "9" * 60_000,
    "a number of underscores": "a: 1" + "_" * 60_000,
    "a date with room": "a: 2001-12-14" + " " * 60_000 + "x",
    "open lists": "[" * SIZE,
    "lists": "[" * (SIZE // 2) + "]" * (SIZE // 2),
    "open maps": "{a: " * (SIZE // 4),
    "maps of lists": "{a: [" * (SIZE // 5),
    "dashes": "- " * (SIZE // 2),
    "question marks": "? " * (SIZE // 2),
    "open question marks": "[? " * (SIZE // 3),
    "colons": ": " * (SIZE // 2),
    "indents": "".join(" " * i + "a:\n" for i in range(350)),
    "indents of lists": "".join(" " * i + "-\n" for i in range(350)),
}

_MORE_THAN_JSON = {
    "merge keys": "a: &x {b: 1}\nc:\n  <<: *x\n",
    "a tag that runs": "a: !!python/object/apply:os.system ['id']",
    "a tag that imports": "a: !!python/name:os.system",
    "a tag of its own": "a: !<tag:example.com,2026:x> 1",
    "a long tag": "a: !" + "t" * 60_000 + " 1",
    "tags": "a: " + "!t " * 20_000,
    "a set": "!!set {a, b}",
    "a map in order": "!!omap [a: 1]",
    "binary": "a: !!binary aGk=",
    "a number by tag": "a: !!int '1'",
    "a list as key": "[1,2]: 3",
    "a map as key": "{a: 1}: 3",
    "a long list as key": "? [" + "1," * 30_000 + "]\n: 3",
    "documents": "---\n" * (SIZE // 4),
    "two documents": _RIGHT + "---\n" + _RIGHT,
    "a directive": "%YAML 1.1\n---\na: 1",
    "a directive of tags": "%TAG ! tag:example.com,2026:\n---\na: !x 1",
    "infinity": "a: .inf",
    "not a number": "a: .nan",
    "keys of all types": "1: 2\ntrue: 3\nnull: 4\n",
}

_BROKEN = {
    "empty": "",
    "a comment": "#" * SIZE,
    "comments": "#\n" * (SIZE // 2),
    "only an end": "...\n" * (SIZE // 4),
    "percents": "%" * SIZE,
    "tabs": "\t" * SIZE,
    "a tab for an indent": "a:\n\tb: 1\n",
    "quotes": '"' * SIZE,
    "single quotes": "'" * SIZE,
    "an open quote": "a: '" + "x" * SIZE,
    "a control character": "a: \x01",
    "zero bytes": "\0" * SIZE,
    "a key twice": "a: 1\na: 2\n",
    "a key twice by two quotes": "'a': 1\n\"a\": 2\n",
    "a key many times": "a: 1\n" * (SIZE // 5),
    "exclamations": "!" * SIZE,
    "ampersands": "&" * SIZE,
    "stars": "*" * SIZE,
    "pipes": "|" * SIZE,
    "at signs": "@" * SIZE,
    "backticks": "`" * SIZE,
    "commas": "," * SIZE,
    "brackets of two kinds": "[{" * (SIZE // 2),
    "an escape of nothing": 'a: "\\z"',
    "half an escape": 'a: "\\x1"',
    "half a surrogate pair": 'a: "\\ud800"',
    "an escape beyond Unicode": 'a: "\\Uffffffff"',
    "an indent too far": "a: |9\n x\n",
    "JSON with a tail": '{"id": "d"} x',
}

_ENCODED = {
    "a byte order mark": b"\xef\xbb\xbf",
    "a mark amid": b"a: 1\n\xef\xbb\xbfb: 2\n",
    "UTF-16": "a: 1".encode("utf-16"),
    "UTF-16 without a mark": "a: 1".encode("utf-16-be"),
    "UTF-32": "a: 1".encode("utf-32"),
    "no UTF-8": b"\xff" * SIZE,
    "no UTF-8 at the end": _RIGHT.encode() + b"#" * (SIZE - 500) + b"\xc3",
    "Latin-1": "id: \u00e9".encode("latin-1"),
}

_LONG = {
    "a long word": "a" * SIZE,
    "a long key": "? " + "a" * 60_000 + "\n: 1\n",
    "a long plain key": "a" * 2000 + ": 1\n",
    "a long block": "a: |\n" + " x\n" * 20_000,
    "a long folded block": "a: >\n" + " x\n\n" * 15_000,
    "an empty block": "a: >" + "\n" * 60_000,
    "many keys": "".join(f"k{i}: 1\n" for i in range(6000)),
    "many lists": "- []\n" * (SIZE // 5),
    "many words": "[" + "a, " * (SIZE // 3) + "]",
    "many problems": "id: d\nname: D\ntasks:\n" + "- {id: a, x: 1}\n" * 3000,
    "many lines of other kinds": "a: 1\u2028" * 4000,
    "marks of lines": "\x85" * (SIZE // 2),
}

_ODD = {
    "a word that was false": "no",
    "a word that was true": "on",
    "nothing": "~",
    "a date": "2001-12-14",
    "sixty": "1:30:00",
    "octal of old": "0777",
    "an underscore": "1_000",
    "a minus": "-",
    "a point": ".",
    "a version": "1.2.3",
    "an exponent": "1e5",
    "Arabic digits": "\u0661\u0662",
    "quotes in quotes": "'it''s'",
    "an emoji by escapes": '"\\U0001F600"',
    "a word beyond ASCII": "\u00e9\u202e\u200b",
    "a template": "'${input.x}'",
    "an equals sign": "=",
    "a merge as a value": "<<",
    "an address": "::1",
}

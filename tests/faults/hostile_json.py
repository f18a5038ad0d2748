"""JSON files that are wrong before it matters what they say."""

import json
from collections.abc import Iterator

from tests.faults.documents import SIZE, HostileFile, as_json, document, tasks, with_parameter

_RIGHT = json.dumps(document()).encode()


def hostile_json() -> Iterator[HostileFile]:
    """Give them all."""
    for name, data in {**_BROKEN, **_ENCODED, **_NESTED}.items():
        yield as_json(name, data)
    for name, text in _NUMBERS.items():
        yield as_json(f"number: {name}", with_parameter(text))
    for name, data in _ODD.items():
        yield as_json(name, data, may_be_accepted=True)
    yield HostileFile("an unknown ending", ".txt", _RIGHT, may_be_accepted=True)
    yield HostileFile("no ending", "", _RIGHT, may_be_accepted=True)


_BROKEN = {
    "empty": b"",
    "spaces": b" " * SIZE,
    "null": b"null",
    "a number": b"1",
    "a text": b'"tasks"',
    "a list": b"[]",
    "an empty object": b"{}",
    "zero bytes": b"\0" * SIZE,
    "open text": b'"' + b"a" * SIZE,
    "many open texts": b'"\n' * (SIZE // 2),
    "backslashes": b'"' + b"\\" * SIZE,
    "escapes that end": b'"\\u12',
    "a key twice": b'{"id":"d","id":"e","tasks":[]}',
    "a key twice below": b'{"id":"d","name":"n","tasks":[{"id":"a","id":"b"}]}',
    "a key twice, once escaped": b'{"id":"d","\\u0069d":"d","name":"D","tasks":[]}',
    "a key many times": b'{"tasks":[],' + b'"id":"d",' * (SIZE // 9) + b'"name":"D"}',
    "a comma at the end": b'{"id":"d","name":"D","tasks":[],}',
    "commas": b"[" + b"," * SIZE + b"]",
    "colons": b"{" + b":" * SIZE + b"}",
    "a comment": b"// no\n" + _RIGHT,
    "a long comment": b"/*" + b"*" * SIZE + b"/",
    "single quotes": _RIGHT.replace(b'"', b"'"),
    "two documents": _RIGHT + _RIGHT,
    "a tail": _RIGHT + b"x",
    "a tail far away": _RIGHT + b" " * (SIZE - 500) + b"x",
    "a long word": b"a" * SIZE,
    "words": b"true " * (SIZE // 5),
    "a line break in a text": b'{"id":"d\n"}',
    "a control character in a text": b'{"id":"d\x01"}',
    "YAML": b"id: d\nname: D\ntasks: []\n",
}

_ENCODED = {
    "no UTF-8": b"\xff" * SIZE,
    "no UTF-8 at the end": _RIGHT + b" " * (SIZE - 500) + b"\xc3",
    "Latin-1": json.dumps(document(name="\u00e9"), ensure_ascii=False).encode("latin-1"),
    "UTF-16": _RIGHT.decode().encode("utf-16"),
    "UTF-16 without a mark": _RIGHT.decode().encode("utf-16-le"),
    "UTF-32": _RIGHT.decode().encode("utf-32"),
    "an overlong zero": with_parameter(b'"\xc0\x80"'),
    "an overlong slash": with_parameter(b'"\xe0\x80\xaf"'),
    "half a surrogate pair in UTF-8": with_parameter(b'"\xed\xa0\x80"'),
    "beyond Unicode in UTF-8": with_parameter(b'"\xf4\x90\x80\x80"'),
    "half a surrogate pair": with_parameter(b'"\\ud800"'),
    "the other half": with_parameter(b'"\\udc00x"'),
    "halves the wrong way round": with_parameter(b'"\\udc00\\ud800"'),
    "half a pair as a key": with_parameter(b'{"\\ud800":1}'),
    "two byte order marks": b"\xef\xbb\xbf" * 2 + _RIGHT,
    "compressed": bytes.fromhex("1f8b0800000000000003"),
}

_NESTED = {
    "open lists": b"[" * SIZE,
    "lists": b"[" * (SIZE // 2) + b"]" * (SIZE // 2),
    "closed lists": b"]" * SIZE,
    "open objects": b'{"a":' * (SIZE // 5),
    "objects in lists": b'[{"a":' * (SIZE // 8) + b"1" + b"}]" * (SIZE // 8),
    "65 lists": with_parameter(b"[" * 65 + b"]" * 65),
    "65 objects": with_parameter(b'{"a":' * 65 + b"1" + b"}" * 65),
    "1,000 lists": with_parameter(b"[" * 1000 + b"]" * 1000),
    "30,000 lists": with_parameter(b"[" * 30_000 + b"]" * 30_000),
    "brackets of two kinds": b"[{" * (SIZE // 2),
    "a bracket closed by another": b"[" * 60 + b"}" * 60,
}

_NUMBERS = {
    "NaN": b"NaN",
    "infinity": b"Infinity",
    "minus infinity": b"-Infinity",
    "beyond all floats": b"1e999",
    "a long number": b"9" * 60_000,
    "a long negative number": b"-" + b"9" * 60_000,
    "a long fraction": b"0." + b"9" * 60_000,
    "a long exponent": b"1e" + b"9" * 60_000,
    "a long exponent of nothing": b"0e" + b"9" * 60_000,
    "zeros before it": b"007",
    "65 bits": b"18446744073709551616",
    "below 64 bits": b"-9223372036854775809",
    "hexadecimal": b"0x10",
    "a plus": b"+1",
    "a point": b"1.",
    "a point before it": b".5",
    "underscores": b"1_000",
    "Arabic digits": '"x": \u0661'.encode(),
    "many long ones": b"[" + b",".join([b"9" * 60] * 1000) + b"]",
}

_ODD = {
    "a byte order mark": b"\xef\xbb\xbf" + _RIGHT,
    "the least there is": with_parameter(b"5e-324"),
    "less than there is": with_parameter(b"1e-999"),
    "minus zero": with_parameter(b"-0"),
    "64 bits": with_parameter(b"18446744073709551615"),
    "many numbers": with_parameter(b"[" + b",".join([b"1e300"] * 9000) + b"]"),
    "many lists": with_parameter(b"[" + b",".join([b"[]"] * 20_000) + b"]"),
    "many objects": with_parameter(b"[" + b",".join([b"{}"] * 20_000) + b"]"),
    "many keys": with_parameter(
        b"{" + b",".join(b'"k%d":0' % number for number in range(5000)) + b"}"
    ),
    "keys that look alike": with_parameter(
        json.dumps({"\u00e9": 1, "e\u0301": 2, "\u0435": 3, "e": 4}).encode()
    ),
    "a zero byte in a key": with_parameter(b'{"\\u0000":1}'),
    "an empty key": with_parameter(b'{"":{"":1}}'),
    "marks upon marks": with_parameter(json.dumps("a" + "\u0301" * 9000).encode()),
    "right to left": with_parameter(json.dumps("\u202e" * 9000).encode()),
    "a plane beyond": with_parameter(json.dumps("\U0001f600" * 5000).encode()),
    "escapes": with_parameter(b'"' + b"\\u0041" * 10_000 + b'"'),
    "quotes": with_parameter(b'"' + b'\\"' * 30_000 + b'"'),
    "no breaks": json.dumps(tasks(600)).encode(),
    "breaks": json.dumps(tasks(200), indent=8).encode(),
    "carriage returns": _RIGHT.replace(b" ", b"\r"),
}

"""Which keys a configuration may have, and which of them the environment sets."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from msgspec import inspect as kinds

PREFIX: Final = "PYFLOW_"
_BETWEEN: Final = "__"
_SECRETS: Final = "PYFLOW_SECRET_"

Path = tuple[str, ...]


class UnknownKey(NamedTuple):
    """A key that the configuration does not have, with those that it could be."""

    key: str
    nearest: Sequence[str]
    known: Sequence[str]

    def describe(self) -> str:
        """Say it, with the nearest known key or all of them."""
        listed = "known are " + ", ".join(self.known)
        advice = f"did you mean {self.nearest[0]!r}?" if self.nearest else listed
        return f"the setting {self.key!r} is not known; {advice}"


def table_of(value: Any) -> Mapping[str, Any]:
    """Take a value as a table; one that is none is an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def first_unknown(root: type, document: Mapping[str, Any]) -> UnknownKey | None:
    """Find the first key of a document that a Struct and the Structs in it do not have."""
    return _first_unknown(kinds.type_info(root), document, ())


def _first_unknown(kind: kinds.Type, value: Any, path: Path) -> UnknownKey | None:
    inner = _inner(kind)
    if inner is None:
        return None
    for name, each in table_of(value).items():
        found = inner.get(name, inner.get(""))
        if found is None:
            known = [".".join((*path, other)) for other in inner]
            key = ".".join((*path, name))
            return UnknownKey(key, _nearest(name, known), known)
        unknown = _first_unknown(found, each, (*path, name))
        if unknown is not None:
            return unknown
    return None


def _nearest(name: str, known: Sequence[str]) -> Sequence[str]:
    by_last = {each.rpartition(".")[2]: each for each in known}
    return [by_last[each] for each in difflib.get_close_matches(name, by_last, n=1)]


def _inner(kind: kinds.Type) -> dict[str, kinds.Type] | None:
    """Tell the kinds of the values in a table by key, "" standing for any; None for no table."""
    if isinstance(kind, kinds.StructType):
        return {each.encode_name: each.type for each in kind.fields}
    if isinstance(kind, kinds.DictType):
        return {"": kind.value_type}
    return None


def overrides(
    root: type, document: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[tuple[Path, Any, str]]:
    """Give each setting of the environment: its key, its value and the name of the variable.

    `PYFLOW_STORE__URL` is `store.url`. A name that users choose, as of a device, is written as in
    the file where that has it, in capitals and with `_` for what a variable cannot hold; without a
    file it is in small letters.
    """
    top = kinds.type_info(root)
    assert isinstance(top, kinds.StructType)
    alone = {each.encode_name for each in top.fields}
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or variable.startswith(_SECRETS):
            continue
        if _BETWEEN in name or name in alone:
            path, kind = _resolved(top, document, name.split(_BETWEEN))
            yield path, _value(kind, environment[variable]), variable


def _resolved(
    kind: kinds.Type | None, document: Any, names: Sequence[str]
) -> tuple[Path, kinds.Type | None]:
    path: list[str] = []
    for name in names:
        inner = _inner(kind) if kind is not None else None
        table = table_of(document)
        written = next((each for each in table if _as_variable(each) == name), name)
        kind = inner.get(written, inner.get("")) if inner is not None else None
        document = table.get(written)
        path.append(written)
    return tuple(path), kind


def _as_variable(name: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in name).lower()


def _value(kind: kinds.Type | None, text: str) -> Any:
    """Read the text of a variable as a setting is: texts as they stand, all else as JSON."""
    if isinstance(kind, kinds.StrType) or (_takes_text(kind) and text[:1] not in "{["):
        return text
    if isinstance(kind, kinds.VarTupleType) and not text.startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _takes_text(kind: kinds.Type | None) -> bool:
    return isinstance(kind, kinds.UnionType) and any(
        isinstance(each, kinds.StrType) for each in kind.types
    )


def put(document: dict[str, Any], path: Path, value: Any) -> None:
    """Set a value of a document; tables on the way are made, and what is no table gives way."""
    for name in path[:-1]:
        document[name] = document = dict(table_of(document.get(name)))
    document[path[-1]] = value

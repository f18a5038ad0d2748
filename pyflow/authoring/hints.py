"""Whether a value of one type hint can be read by another: only what surely cannot is refused."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import inspect as kinds

from pyflow._values import bare

_TEXTS = (
    kinds.StrType, kinds.BytesType, kinds.ByteArrayType, kinds.MemoryViewType, kinds.DateTimeType,
    kinds.DateType, kinds.TimeType, kinds.TimeDeltaType, kinds.UUIDType,
)  # fmt: skip
_LISTS = (
    kinds.ListType, kinds.VarTupleType, kinds.TupleType, kinds.SetType, kinds.FrozenSetType,
    kinds.NamedTupleType,
)  # fmt: skip
_FORMS: tuple[tuple[tuple[type, ...], frozenset[str]], ...] = (
    (_TEXTS, frozenset({"a text"})),
    (_LISTS, frozenset({"a list"})),
    ((kinds.IntType, kinds.FloatType), frozenset({"a number"})),
    ((kinds.DecimalType,), frozenset({"a text", "a number"})),
    ((kinds.BoolType,), frozenset({"a boolean"})),
    ((kinds.NoneType,), frozenset({"null"})),
    ((kinds.DictType, kinds.TypedDictType, kinds.DataclassType), frozenset({"an object"})),
)


def misfit(producer: Any, consumer: Any) -> str | None:
    """Say why no value of one hint can be read by another; None when it may fit."""
    gives, takes = _kind_of(bare(producer)), _kind_of(bare(consumer))
    given, taken = _forms(gives), _forms(takes)
    if given is None or taken is None:
        return None
    if not given & taken:
        return f"{_listed(given)} is given, {_listed(taken)} is wanted"
    missing = _missing_fields(gives, takes)
    return f"the object that is given has no {_listed(missing)}" if missing else None


@lru_cache(maxsize=1024)
def _known_kind(hint: Any) -> kinds.Type:
    return kinds.type_info(hint)


def _kind_of(hint: Any) -> kinds.Type:
    try:
        return kinds.AnyType() if hint is None else _known_kind(hint)
    except (TypeError, NameError, RecursionError):  # A hint that msgspec does not know may fit.
        return kinds.AnyType()


def _forms(kind: kinds.Type) -> frozenset[str] | None:
    """Tell the forms that the JSON of a kind may have; None for any."""
    if isinstance(kind, kinds.Metadata):
        return _forms(kind.type)
    if isinstance(kind, kinds.UnionType):
        return _joined(_forms(each) for each in kind.types)
    if isinstance(kind, kinds.EnumType):
        return _joined(_forms_of(each.value) for each in kind.cls)
    if isinstance(kind, kinds.LiteralType):
        return _joined(_forms_of(each) for each in kind.values)
    if isinstance(kind, kinds.StructType):
        return frozenset({"a list" if kind.array_like else "an object"})
    return next((forms for types, forms in _FORMS if isinstance(kind, types)), None)


def _forms_of(value: Any) -> frozenset[str] | None:
    return _forms(_kind_of(type(value)))


def _joined(parts: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    joined: frozenset[str] = frozenset()
    for part in parts:
        if part is None:
            return None
        joined |= part
    return joined


def _missing_fields(gives: kinds.Type, takes: kinds.Type) -> frozenset[str]:
    given, taken = _fields(gives), _fields(takes)
    if given is None or taken is None:
        return frozenset()
    return frozenset(name for name, needed in taken.items() if needed and name not in given)


def _fields(kind: kinds.Type) -> Mapping[str, bool] | None:
    """Tell which fields an object has, and which of them must be there."""
    plain = isinstance(kind, (kinds.DataclassType, kinds.TypedDictType)) or (
        isinstance(kind, kinds.StructType) and not kind.array_like
    )
    return {each.encode_name: each.required for each in kind.fields} if plain else None  # type: ignore[attr-defined]


def _listed(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))

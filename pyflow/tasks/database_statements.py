"""SQL statements out of the parameters of `database_operation`. Values are bound, never written."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import msgspec

from pyflow.errors import ParametersInvalid

if TYPE_CHECKING:
    from sqlalchemy import (
        BindParameter,
        Column,
        ColumnElement,
        Delete,
        Insert,
        Select,
        Table,
        TextClause,
        Update,
    )

Values = Mapping[str, Any]

# What has no place in a statement whose values are all bound: literals, comments, a second one.
_REFUSED_IN_TEXT = re.compile(r"'|;|--|/\*|\$\$|#")

_COMPARISONS: dict[str, "Callable[[ColumnElement[Any], Any], ColumnElement[bool]]"] = {
    "eq": lambda column, value: column == value,
    "ne": lambda column, value: column != value,
    "lt": lambda column, value: column < value,
    "le": lambda column, value: column <= value,
    "gt": lambda column, value: column > value,
    "ge": lambda column, value: column >= value,
    "like": lambda column, value: column.like(value),
    "in": lambda column, value: column.in_(value),
    "not_in": lambda column, value: column.not_in(value),
}


def insert_statement(table: "Table", rows: Sequence[Values]) -> "Insert":
    """Insert rows, all of which name the same columns."""
    if not rows:
        raise ParametersInvalid("insert needs at least one row", parameter="data")
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ParametersInvalid("all rows of one insert name the same columns", parameter="data")
    return table.insert().values([_bound(table, row) for row in rows])


def update_statement(table: "Table", data: Values, where: Values | None) -> "Update":
    """Set columns of the rows that fit."""
    if not data:
        raise ParametersInvalid("update needs the columns to set", parameter="data")
    return table.update().values(_bound(table, data)).where(*_required(table, where, "update"))


def delete_statement(table: "Table", where: Values | None) -> "Delete":
    """Delete the rows that fit."""
    return table.delete().where(*_required(table, where, "delete"))


def select_statement(
    table: "Table",
    columns: Sequence[str] | None,
    where: Values | None,
    order_by: Sequence[str] | None,
    limit: int,
) -> "Select[Any]":
    """Select columns (all by default) of the rows that fit; `-name` orders downwards."""
    from sqlalchemy import select  # noqa: PLC0415 - heavy

    chosen = [_column(table, name, "columns") for name in columns or table.columns.keys()]
    order: list[ColumnElement[Any]] = []
    for name in order_by or ():
        column = _column(table, name.removeprefix("-"), "order_by")
        order.append(column.desc() if name.startswith("-") else column.asc())
    return select(*chosen).where(*_conditions(table, where or {})).order_by(*order).limit(limit)


def text_statement(statement: str, parameters: Values) -> "TextClause":
    """Make a statement of SQL text with `:name` parameters; a list fills `IN :name`."""
    from sqlalchemy import bindparam, text  # noqa: PLC0415 - heavy

    source = statement.strip().removesuffix(";")
    refused = _REFUSED_IN_TEXT.search(source)
    if refused:
        raise ParametersInvalid(
            f"{refused.group()!r} has no place in a statement: it is one statement without "
            "comments, and values are bound as `:name` and given in `parameters`",
            parameter="statement",
        )
    clause = text(source)
    named = set(clause.compile().params)
    if named != set(parameters):
        raise ParametersInvalid(
            f"the statement binds {sorted(named)}, but `parameters` has {sorted(parameters)}",
            parameter="parameters",
        )
    binds: list[BindParameter[Any]] = [
        bindparam(name, value, expanding=isinstance(value, list))
        for name, value in parameters.items()
    ]
    return clause.bindparams(*binds)


def _column(table: "Table", name: str, parameter: str) -> "Column[Any]":
    column = table.columns.get(name)
    if column is None:
        known = ", ".join(table.columns.keys())
        raise ParametersInvalid(
            f"table {table.name!r} has no column {name!r}; it has {known}", parameter=parameter
        )
    return column


def _required(table: "Table", where: Values | None, operation: str) -> "list[ColumnElement[bool]]":
    if where is None:
        raise ParametersInvalid(
            f"{operation} needs `where`; an empty one, {{}}, means every row", parameter="where"
        )
    return _conditions(table, where)


def _conditions(table: "Table", where: Values) -> "list[ColumnElement[bool]]":
    """Read conditions: a value is equality, null is IS NULL, a list is IN, an object compares."""
    found: list[ColumnElement[bool]] = []
    for name, wanted in where.items():
        column = _column(table, name, "where")
        if isinstance(wanted, dict):
            each = cast("dict[str, Any]", wanted)
            found.extend(_compared(column, how, value) for how, value in each.items())
        else:
            found.append(_compared(column, "in" if isinstance(wanted, list) else "eq", wanted))
    return found


def _compared(column: "Column[Any]", how: str, value: Any) -> "ColumnElement[bool]":
    compare = _COMPARISONS.get(how)
    if compare is None:
        known = ", ".join(_COMPARISONS)
        raise ParametersInvalid(f"no comparison {how!r}; use one of {known}", parameter="where")
    if isinstance(value, list):
        values: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - Any, narrowed
        return compare(column, [fitting(column, each) for each in values])
    return compare(column, fitting(column, value))


def _bound(table: "Table", row: Values) -> dict[str, Any]:
    return {name: fitting(_column(table, name, "data"), value) for name, value in row.items()}


def _utc(text: str, *, aware: bool) -> datetime:
    """Read a time; a column without a zone holds UTC."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC) if aware else moment
    return moment if aware else moment.astimezone(UTC).replace(tzinfo=None)


_READERS: dict[type, Callable[[str], Any]] = {
    date: date.fromisoformat,
    time: time.fromisoformat,
    Decimal: Decimal,
    UUID: UUID,
}


def fitting(column: "Column[Any]", value: Any) -> Any:
    """Turn a JSON value into what the column's driver wants: times, dates, numbers, JSON text."""
    from sqlalchemy import ARRAY, JSON  # noqa: PLC0415 - heavy

    takes_json = isinstance(column.type, JSON | ARRAY)
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = object
    if isinstance(value, dict | list) and not takes_json:
        return msgspec.json.encode(value).decode()
    if not isinstance(value, str):
        return cast("Any", value)
    try:
        if kind is datetime:
            return _utc(value, aware=bool(getattr(column.type, "timezone", False)))
        return _READERS[kind](value) if kind in _READERS else value
    except (ValueError, ArithmeticError):
        raise ParametersInvalid(
            f"{value!r} does not fit column {column.name!r} of type {column.type}",
            parameter=column.name,
        ) from None

"""References: what a workflow function holds in place of values while it is traced.

A reference stands for a value of a run: an input, a task's output, or an expression over such.
Indexing, attributes, comparisons and arithmetic make further references, as source text of the
expression language; whatever would need the value now is refused, naming the alternative.
"""
# The private parts of `Ref` are private to this file:
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from typing import Any, NoReturn, Protocol, cast

from pyflow.authoring.source import SOURCE_SIZE_MAX, member_source, plain_source
from pyflow.errors import TraceError

# Noncharacters of Unicode: they frame expressions until the text around them has been escaped.
OPEN, CLOSE = "\ufdd0", "\ufdd1"


class Origin(Protocol):
    """What references belong to: a trace. Those of different ones do not mix."""

    def output_source(self, task: int) -> str:
        """Write the expression of a task's whole output."""
        ...


# The tasks that a reference reads: numbers in a trace, ids in a builder.
Reads = int | tuple[int | str, ...]


class Ref:
    """A value that a run will have.

    The names of its parts begin with an underscore, to leave all others to the value's own.
    """

    __slots__ = ("_origin", "_reads", "_source")

    def __init__(self, origin: Origin | None, reads: Reads, source: str | None) -> None:
        self._origin = origin
        self._reads = reads
        self._source = source

    def __getattr__(self, name: str) -> Any:
        # Python and its tools probe for names like these; the value has no say in them.
        if name.startswith(("__", "_repr_", "_ipython_")):
            raise AttributeError(name)
        return self._derived(member_source(source_of(self), name))

    def __getitem__(self, key: Any) -> Any:
        owner = source_of(self)
        if isinstance(key, str):
            return self._derived(member_source(owner, key))
        if isinstance(key, slice):
            raise TraceError(f"{self!r} cannot be sliced in a trace; slice it in a task")
        if type(key) is int and key < 0:
            return self._derived(f"{owner}[size({owner}) - {-key}]")
        return _joined(f"{owner}[{operand_source(key)}]", self, key)

    def __eq__(self, other: object) -> Any:
        return _binary("==", self, other)

    def __hash__(self) -> int:
        raise _refusal(self, "it is no key of a dict and no member of a set", "use a list")

    def __ne__(self, other: object) -> Any:
        return _binary("!=", self, other)

    def __lt__(self, other: object) -> Any:
        return _binary("<", self, other)

    def __le__(self, other: object) -> Any:
        return _binary("<=", self, other)

    def __gt__(self, other: object) -> Any:
        return _binary(">", self, other)

    def __ge__(self, other: object) -> Any:
        return _binary(">=", self, other)

    def __add__(self, other: object) -> Any:
        return _binary("+", self, other)

    def __radd__(self, other: object) -> Any:
        return _binary("+", other, self)

    def __sub__(self, other: object) -> Any:
        return _binary("-", self, other)

    def __rsub__(self, other: object) -> Any:
        return _binary("-", other, self)

    def __mul__(self, other: object) -> Any:
        return _binary("*", self, other)

    def __rmul__(self, other: object) -> Any:
        return _binary("*", other, self)

    def __truediv__(self, other: object) -> Any:
        return _binary("/", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return _binary("/", other, self)

    def __mod__(self, other: object) -> Any:
        return _binary("%", self, other)

    def __rmod__(self, other: object) -> Any:
        return _binary("%", other, self)

    def __and__(self, other: object) -> Any:
        return _binary("&&", self, other)

    def __rand__(self, other: object) -> Any:
        return _binary("&&", other, self)

    def __or__(self, other: object) -> Any:
        return _binary("||", self, other)

    def __ror__(self, other: object) -> Any:
        return _binary("||", other, self)

    def __invert__(self) -> Any:
        return self._derived(f"!{source_of(self)}")

    def __neg__(self) -> Any:
        return self._derived(f"(-{source_of(self)})")

    def __pos__(self) -> Any:
        return self

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self

    def __repr__(self) -> str:
        return f"<value of {source_of(self)}>"

    def _leaf(self) -> str:
        return framed(source_of(self))

    def _derived(self, source: str) -> "Ref":
        return Ref(self._origin, self._reads, bounded(source))


def _refusing(what: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(self: Ref, *_: object) -> NoReturn:
        raise _refusal(self, what, instead)

    return refuse


def _refusal(ref: Ref, what: str, instead: str) -> TraceError:
    return TraceError(f"{ref!r} has no value while the workflow is traced: {what}; {instead}")


_IN_TASK = "do it in a task"
_REFUSED = {
    "bool": (
        "it is neither true nor false yet",
        "choose with pyflow.decide((condition, lambda: ...)), and write & | ~ for and, or, not",
    ),
    "len": ("it has no length yet", "take len() in a task, or map a task over it with t.map(...)"),
    "iter": (
        "it cannot be gone through yet",
        "map a task over it with t.map(...), or index it, as pair[0]",
    ),
    "contains": ("`in` cannot look into it yet", "look in a task, and decide on its output"),
    "int": ("int() cannot convert it yet", "convert it in a task"),
    "float": ("float() cannot convert it yet", "convert it in a task"),
    "complex": ("complex() cannot convert it yet", "convert it in a task"),
    "index": ("it is no index yet", "do what needs the number in a task"),
    "str": ("str() cannot write it yet", "write pyflow.format('... {}', value)"),
    "format": ("it cannot be formatted yet", "write pyflow.format('... {}', value)"),
    "bytes": ("bytes() cannot write it yet", "convert it in a task"),
    "call": ("it cannot be called, nor can its methods", "call the method in a task"),
    "await": ("it is not awaited", "calls of tasks in a plain workflow are written without await"),
    "setitem": ("it cannot be changed", "make a new value in a task"),
    "delitem": ("it cannot be changed", "make a new value in a task"),
    "enter": ("it is no context manager", "open what needs closing inside a task"),
    "round": ("it cannot be rounded yet", _IN_TASK),
    "abs": ("abs() cannot take it yet", _IN_TASK),
    "floordiv": ("the expression language has no //", _IN_TASK),
    "rfloordiv": ("the expression language has no //", _IN_TASK),
    "pow": ("the expression language has no **", _IN_TASK),
    "rpow": ("the expression language has no **", _IN_TASK),
    "matmul": ("the expression language has no @", _IN_TASK),
    "rmatmul": ("the expression language has no @", _IN_TASK),
    "xor": ("the expression language has no ^", "write a != b for booleans"),
    "rxor": ("the expression language has no ^", "write a != b for booleans"),
    "lshift": ("the expression language has no <<", _IN_TASK),
    "rshift": ("the expression language has no >>", _IN_TASK),
    "reduce": ("it cannot be pickled", "pass it to a task instead"),
}
for _name, (_what, _instead) in _REFUSED.items():
    setattr(Ref, f"__{_name}__", _refusing(_what, _instead))


def source_of(ref: Ref) -> str:
    """Give the expression of a reference."""
    source = ref._source
    if source is not None:
        return source
    origin = ref._origin
    assert origin is not None  # Only a trace makes references without a source.
    return origin.output_source(cast("int", ref._reads))


def framed(source: str) -> str:
    """Frame an expression as a part of a text that is still to be escaped."""
    return f"{OPEN}{source}{CLOSE}"


def leaf_of(ref: Ref) -> str:
    """Give the text that stands for a reference in a template, expressions framed."""
    return ref._leaf()


def whole_output(ref: Ref, origin: Origin | None) -> int:
    """Give the number of the task whose whole output this is, or -1 for another expression.

    Raises:
        TraceError: The reference belongs to something else than `origin`.
    """
    if ref._origin is not origin:
        raise TraceError(
            f"{ref!r} belongs to another workflow; a traced value lives only in the call of the "
            "workflow function that made it (pyflow.output and pyflow.input are for the builder)"
        )
    return cast("int", ref._reads) if ref._source is None else -1


def operand_source(value: object) -> str:
    """Give the expression of a reference or a constant."""
    return source_of(value) if isinstance(value, Ref) else plain_source(value)


def reads_of(ref: Ref) -> tuple[int | str, ...]:
    """Tell which tasks a reference reads."""
    reads = ref._reads
    return (reads,) if isinstance(reads, int) else reads


def merged(parents: tuple[object, ...]) -> tuple[Origin | None, tuple[int | str, ...]]:
    """Join what references belong to and read.

    Raises:
        TraceError: They belong to different traces.
    """
    refs = [each for each in parents if isinstance(each, Ref)]
    reads = dict.fromkeys(task for ref in refs for task in reads_of(ref))
    for ref in refs[1:]:
        if ref._origin is not refs[0]._origin:
            raise TraceError(
                f"{ref!r} and {refs[0]!r} belong to different workflows; a traced value lives "
                "only in the call of the workflow function that made it"
            )
    return (refs[0]._origin if refs else None), tuple(reads)


def bounded(source: str) -> str:
    """Give the source back unless it is over the bound."""
    if len(source) > SOURCE_SIZE_MAX:
        raise TraceError(
            f"an expression has grown to {len(source):,} characters, the bound is "
            f"{SOURCE_SIZE_MAX:,}; compute it in a task"
        )
    return source


def _binary(symbol: str, left: object, right: object) -> Ref:
    return _joined(f"({operand_source(left)} {symbol} {operand_source(right)})", left, right)


def _joined(source: str, left: object, right: object) -> Ref:
    if not isinstance(right, Ref):
        assert isinstance(left, Ref)  # One of the two is: its operator was called.
        return left._derived(source)
    if not isinstance(left, Ref):
        return right._derived(source)
    origin, reads = merged((left, right))
    return Ref(origin, reads, bounded(source))

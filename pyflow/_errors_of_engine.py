"""Errors of the store, the engine and its configuration."""

from collections.abc import Sequence

from pyflow._errors_base import PyflowError
from pyflow._errors_of_runs import NonRetryable


class StoreFault(PyflowError):
    """The store failed. `url` names it without its password."""

    code = "PF2001"
    sentence = "the store {url} failed"
    url: str = ""


class StoreBusy(StoreFault):
    """Another process owns the store. `pid` is its id, when the system tells it."""

    code = "PF2002"
    pid: int | None = None

    def _sentence(self) -> str:
        holder = "another process" if self.pid is None else f"process {self.pid}"
        advice = "With `uvicorn --workers 4` or `--reload`, connect in one process only"
        return f"{self.url or 'the store'} is owned by {holder}; stop it or use another. {advice}"


class StoreDamaged(StoreFault):
    """The store's files are damaged. `position` is the last position that is sound."""

    code = "PF2003"
    sentence = "the store {url} is damaged after position {position}; run `pyflow doctor`"
    position: int | None = None


class StoreFull(StoreFault):
    """The disk is full. Writes are refused and reads go on until there is room again."""

    code = "PF2004"
    sentence = "the disk under {url} is full; free some room, the engine tries again each second"


class StoreReadOnly(StoreFault):
    """The store was opened for reading, or its files cannot be written."""

    code = "PF2005"
    sentence = "the store {url} is open for reading only; connect as its owner to change it"


class EngineClosed(PyflowError):
    """The engine is closed; connect again."""

    code = "PF2006"
    sentence = "the engine is closed; connect again"


class EngineForked(PyflowError):
    """The handle belongs to the parent process, `pid`; a forked child connects for itself."""

    code = "PF2007"
    sentence = (
        "this engine was opened by process {pid} and cannot be used in a forked child; connect "
        "after the fork, or use the spawn start method"
    )
    pid: int = 0


class StoreSchemeUnknown(PyflowError):
    """The url's scheme names no kind of store. `known` lists those that exist."""

    code = "PF2008"
    url: str = ""
    known: Sequence[str] = ()

    def _sentence(self) -> str:
        return f"no store is known for {self.url!r}; use {', '.join(self.known)}"


class ConsistencyUnsupported(PyflowError):
    """The store cannot keep the level of consistency that was asked for."""

    code = "PF2009"
    sentence = "this store cannot keep the level {level!r}; ask for a weaker one by its name"
    level: str = ""


class ConfigInvalid(PyflowError):
    """A setting is missing, unknown or wrong. `key` is its dotted name, `file` where it is.

    A task that raises it is not tried again.
    """

    code = "PF3001"
    sentence = "the setting {key!r} is not valid"
    key: str = ""
    file: str | None = None


class SecretUnknown(NonRetryable):
    """A `${secret.NAME}` names a secret that is not set where the task runs."""

    code = "PF3002"
    sentence = (
        "the secret {name!r} is not set; set PYFLOW_SECRET_{name} or {name} in the environment "
        "of the worker, or the path of its file in PYFLOW_SECRET_{name}_FILE"
    )
    name: str = ""

"""What the engine refuses, as the end of a command: its exit code and what to type next."""

import re

from pyflow import errors
from pyflow.cli.exits import CommandFailed, Exit

# The error that is passed on has said its own code.
_CODED = re.compile(r"\(PF\d{4}\)$", re.MULTILINE)

_NEXT: dict[type[errors.PyflowError], str] = {
    errors.StoreBusy: "pyflow list{store}",
    errors.StoreDamaged: "pyflow doctor{store}",
    errors.StoreFault: "pyflow doctor{store}",
    errors.StoreSchemeUnknown: "give --store sqlite:///./pyflow.db",
    errors.RunUnknown: "pyflow list{store}",
    errors.RunStateRefused: "pyflow show {run}{store}",
    errors.TaskStateRefused: "pyflow show {run}{store}",
    errors.TaskUnknown: "pyflow show {run}{store}",
    errors.RunFailed: "pyflow show {run}{store}",
    errors.RunCancelled: "pyflow show {run}{store}",
    errors.KeyReused: "pyflow show {run}{store}",
    errors.RunExists: "pyflow show {run}{store}",
    errors.DefinitionUnknown: "pyflow run FILE{store}",
    errors.DefinitionConflict: "give the changed definition another version",
    errors.DefinitionInvalid: "pyflow schema",
    errors.TaskTypeUnknown: "pyflow run FILE{store} --tasks MODULE",
    errors.ParametersInvalid: "pyflow schema",
    errors.InputInvalid: "give --input '{{\"NAME\": VALUE}}'",
    errors.ConfigInvalid: "pyflow init --help",
    errors.SecretUnknown: "set the variable, then try again",
}

_CODES: dict[type[errors.PyflowError], Exit] = {
    errors.StoreBusy: Exit.STORE_BUSY,
    errors.RunFailed: Exit.RUN_FAILED,
    errors.RunCancelled: Exit.CANCELLED,
}


def words_of(error: errors.PyflowError) -> str:
    """Give what an error says, its code after the first line, above what is drawn below."""
    text = str(error.args[0])
    if _CODED.search(text):
        return text
    first, newline, rest = text.partition("\n")
    return f"{first} ({error.code}){newline}{rest}"


def failed(
    error: errors.PyflowError, otherwise: str, *, store: str = "", next_step: str | None = None
) -> CommandFailed:
    """Make the end of a command of an error.

    Args:
        error: What was raised.
        otherwise: What to type next where nothing better is known.
        store: The options that name the store, to follow a command: ` --store URL`.
        next_step: What to type next, where the command knows better than this table.
    """
    kinds = type(error).__mro__
    code = next((_CODES[kind] for kind in kinds if kind in _CODES), Exit.REFUSED)
    template = next((_NEXT[kind] for kind in kinds if kind in _NEXT), None)
    run = getattr(error, "run_id", None) or "@last"
    if next_step is None:
        next_step = otherwise if template is None else template.format(store=store, run=run)
    return CommandFailed(words_of(error), next_step=next_step, code=code)

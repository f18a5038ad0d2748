"""Every command with its place, and the page that lists them. Importing this imports nothing."""

from typing import Final, NamedTuple

RUNS: Final = "Runs"
LOOKING: Final = "Looking"
STEERING: Final = "Steering"
DEFINITIONS: Final = "Definitions"
STORE: Final = "Store and setup"


class Command(NamedTuple):
    """One command: where its function is, and what it does in a few words."""

    name: str
    place: str
    summary: str
    group: str


def _command(name: str, place: str, summary: str, group: str) -> Command:
    return Command(name, f"pyflow.cli.commands.{place}", summary, group)


COMMANDS: Final = (
    _command("run", "run:run", "Start a run, follow it, and print its result.", RUNS),
    _command("start", "start:start", "Record a run in the store for `pyflow work`.", RUNS),
    _command("work", "work:work", "Go on with what is left in the store, and serve.", RUNS),
    _command("demo", "demo:demo", "Play the factory: devices, an engine, and a crash.", RUNS),
    _command("list", "list_runs:list_runs", "List runs, the newest first.", LOOKING),
    _command("show", "show:show", "Show one run: its state, tasks, errors, result.", LOOKING),
    _command("history", "history:history", "Print the events of a run.", LOOKING),
    _command("watch", "watch:watch", "Follow a run until it ends.", LOOKING),
    _command("explain", "explain:explain", "Tell why a run or a task does not get on.", LOOKING),
    _command("graph", "graph:graph", "Draw a definition or a run.", LOOKING),
    _command("cancel", "control:cancel", "Cancel a run, or one task of it.", STEERING),
    _command("pause", "control:pause", "Begin no further task of a run.", STEERING),
    _command("resume", "control:resume", "Let a paused run go on.", STEERING),
    _command("recover", "control:recover", "Open a failed run, or task, again.", STEERING),
    _command(
        "validate", "validate:validate", "Check a definition without running it.", DEFINITIONS
    ),
    _command("schema", "schema:schema", "Print the JSON Schema of definition files.", DEFINITIONS),
    _command("init", "init:init", "Write a pyflow.toml and a sample workflow.", STORE),
    _command("config", "config:config", "Print each setting and where it comes from.", STORE),
    _command("doctor", "doctor:doctor", "Check the store and every connection.", STORE),
    _command("prune", "prune:prune", "Forget runs that ended long ago.", STORE),
    _command("backup", "backup:backup", "Copy the store while it is in use.", STORE),
    _command("completion", "completion:completion", "Print a shell completion script.", STORE),
)
"""The commands, in the order of the page."""

NAMES: Final = tuple(each.name for each in COMMANDS)


def help_page() -> str:
    """Write the page of `pyflow --help`."""
    width = max(map(len, NAMES))
    lines = ["Usage: pyflow COMMAND [ARGUMENTS]", "", "Workflows that survive crashes."]
    group = ""
    for each in COMMANDS:
        if each.group != group:
            group = each.group
            lines += ["", f"{group}:"]
        lines.append(f"  {each.name:<{width}}  {each.summary}")
    return "\n".join([*lines, "", *_FOOT])


_FOOT = (
    "`pyflow COMMAND --help` tells more. A run is named by the beginning of its id, or @last.",
    "Exit codes: 0 done, 1 run failed, 2 usage, 3 cancelled, 4 refused, 5 store busy,",
    "130 interrupted.",
)

"""`pyflow show`."""

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from pyflow.cli.event_lines import in_one_line
from pyflow.cli.interrupts import run_interruptibly
from pyflow.cli.output import counted, moment, note, say, say_json, say_table, span
from pyflow.cli.places import Place, Store, looked_at, store_of
from pyflow.cli.plain_text import one_line
from pyflow.cli.progress import words_of
from pyflow.read_model import LogLine, RunInfo, TaskInfo, TaskState

_TEXT_MAX = 2_000
_PATH_MAX = 20
_ERRORS_MAX = 5
_COLUMNS = ("TASK", "STATE", "TYPE", "ATTEMPT", "ERROR")


def show(
    run: str,
    /,
    *,
    tasks: bool = False,
    state: TaskState | None = None,
    logs: bool = False,
    limit: int = 1000,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
    place: Place | None = None,
) -> None:
    """Show one run: its state, its path, its errors, its result. Works beside a live engine.

    Args:
        run: The beginning of its id, or @last.
        tasks: Also list its tasks.
        state: Only tasks in this state; implies --tasks.
        logs: Also print what its tasks logged.
        limit: How many tasks, and lines of log, at most.
        as_json: Print JSON, with the whole result.
        place: Which store is meant.
    """
    store = store_of(place or Place())
    task_count_max = limit if tasks or state is not None else 0
    looked = _Looked(task_count_max, state, limit if logs else 0)
    run_interruptibly(lambda: looked.look(store, run))
    if as_json:
        say_json(looked.as_document())
    else:
        looked.print()


class _Looked:
    """One run as it was found."""

    def __init__(self, task_count_max: int, state: TaskState | None, line_count_max: int) -> None:
        self._task_count_max = task_count_max
        self._state: TaskState | None = state
        self._info = RunInfo(run_id="", state="created")
        self._tasks: list[TaskInfo] = []
        self._line_count_max = line_count_max
        self._lines: list[LogLine] = []
        self._result: Any = msgspec.UNSET

    async def look(self, store: Store, text: str) -> None:
        async with looked_at(store) as engine:
            run = await engine.find_run(text)
            self._info = await run.info()
            if self._task_count_max:
                self._tasks = await run.tasks(self._state, self._task_count_max)
            if self._line_count_max:
                self._lines = await run.logs(limit=self._line_count_max)
            if self._info.state == "completed":
                self._result = await run.result()

    def as_document(self) -> dict[str, Any]:
        document: dict[str, Any] = msgspec.to_builtins(self._info)
        if self._task_count_max:
            document["tasks"] = self._tasks
        if self._line_count_max:
            document["logs"] = self._lines
        if self._result is not msgspec.UNSET:
            document["result"] = self._result
        return document

    def print(self) -> None:
        for name, value in _facts(self._info):
            say(f"{name + ':':<12}{one_line(value)}")
        for each in self._info.errors[:_ERRORS_MAX]:
            text = one_line(f"{each.error.type}: {each.error.message}")
            say(f"{'error:':<12}{each.task_id or 'the run'}, attempt {each.attempt}: {text}")
        if self._result is not msgspec.UNSET:
            text = msgspec.json.format(msgspec.json.encode(self._result), indent=2).decode()
            say(f"result:\n{_cut(text)}")
        if self._task_count_max:
            say("")
            say_table(_COLUMNS, [_row(each) for each in self._tasks])
        if self._line_count_max:
            say("")
        for line in self._lines:
            say(_line(line))
        if self._line_count_max and len(self._lines) == self._line_count_max:
            note(f"only the first {counted(len(self._lines), 'line')}; --limit gives more")


def _facts(info: RunInfo) -> list[tuple[str, str]]:
    facts = [
        ("run", info.run_id),
        ("state", info.state),
        ("definition", f"{info.name} {info.version or ''}".strip()),
        (
            "created",
            moment(info.created_at) + (f" by {info.created_by}" if info.created_by else ""),
        ),
    ]
    if info.ended_at is not None and info.created_at is not None:
        took = span((info.ended_at - info.created_at) / 1000)
        facts.append(("ended", f"{moment(info.ended_at)}, after {took}"))
    facts += [("metadata", f"{name} = {value}") for name, value in info.metadata.items()]
    if info.task_counts:
        facts.append(("tasks", words_of(info.task_counts)))
    if info.path:
        more = "... " if len(info.path) > _PATH_MAX else ""
        facts.append(("path", more + " > ".join(info.path[-_PATH_MAX:])))
    return facts


def _cut(text: str) -> str:
    if len(text) <= _TEXT_MAX:
        return text
    return f"{text[:_TEXT_MAX]}\n... {len(text) - _TEXT_MAX:,} characters more; --json prints all"


def _line(line: LogLine) -> str:
    attempt = f", attempt {line.attempt}" if line.attempt > 1 else ""
    text = in_one_line(line.text)
    return f"{moment(line.at)}  {line.task_id}{attempt}  {line.level}  {text}"


def _row(task: TaskInfo) -> tuple[str, ...]:
    error = "" if task.error is None else f"{task.error.type}: {task.error.message}"
    return task.task_id, task.state, task.task_type, str(task.attempt or ""), error

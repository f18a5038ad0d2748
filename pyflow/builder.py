"""Definitions made step by step: for programs that make graphs from data."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Self, Unpack

import msgspec

from pyflow._source import member_source
from pyflow._templates import TemplateEncoder
from pyflow.definition import Definition, definition_of_mapping, named
from pyflow.error_handler import ErrorHandler
from pyflow.errors import DefinitionInvalid, ParametersInvalid, Problem, TraceError
from pyflow.options import NO_OPTIONS, TaskKeywords, TaskOptions, checked, file_name
from pyflow.refs import Ref, reads_of, whole_output
from pyflow.task import Task

AnyTask = Task[..., Any] | str


def output(task_id: str) -> Any:
    """Refer, in a builder's `parameters`, to the output of a task: `pyflow.output("a").total`."""
    return Ref(None, (task_id,), member_source("output", task_id))


def input(name: str) -> Any:  # noqa: A001
    """Refer, in a builder's `parameters`, to a value of the run's input."""
    return Ref(None, (), member_source("input", name))


class WorkflowBuilder:
    """Collects tasks and what they depend on; `build` checks all of it at once.

        builder = pyflow.WorkflowBuilder("orders")
        builder.add_task("reserve", reserve, parameters={"order": pyflow.input("order")})
        builder.add_task("charge", charge, parameters={"total": pyflow.output("reserve").total})
        definition = builder.build()

    Args:
        name: The name that the definition is deployed under.
        version: The version label; without one each content is a revision of its own.
        title: What to call it in pictures and lists.
        description: What it is for.
        on_error: The task that runs last when a run fails, and leaves it failed.
        deadline_s: How long a run may take.
        consistency: The consistency level of its runs.
        max_concurrent_tasks: How many tasks of a run are worked on at once.
    """

    def __init__(
        self,
        name: str,
        version: str | None = None,
        *,
        title: str | None = None,
        description: str | None = None,
        on_error: "AnyTask | ErrorHandler | None" = None,
        deadline_s: float | None = None,
        consistency: str | None = None,
        max_concurrent_tasks: int | None = None,
    ) -> None:
        head = {
            "id": name,
            "name": title,
            "description": description,
            "version": version,
            "deadline": deadline_s,
            "consistency": consistency,
            "max_concurrent_tasks": max_concurrent_tasks,
        }
        self._head: dict[str, Any] = {key: each for key, each in head.items() if each is not None}
        self._tasks: list[dict[str, Any]] = []
        self._index: dict[str, int] = {}
        self._dependencies: list[tuple[str, list[str]]] = []
        self._handlers: list[tuple[str, ErrorHandler]] = []
        self._bindings: dict[str, Task[..., Any]] = {}
        self._problems: list[Problem] = []
        self._encoder = TemplateEncoder()
        if on_error is not None:
            handler = on_error if isinstance(on_error, ErrorHandler) else ErrorHandler(on_error)
            self._bind(handler.task)
            self._head["on_error"] = handler.as_document()

    def add_task(
        self,
        id: str,  # noqa: A002
        task: AnyTask,
        *,
        parameters: Mapping[str, Any] | None = None,
        depends_on: Iterable[str] = (),
        **options: Unpack[TaskKeywords],
    ) -> Self:
        """Add a task.

        Args:
            id: Its id, which no other task has.
            task: A task, whose own options hold unless they are given here; or a task type.
            parameters: The keyword arguments of its function. Texts may hold `${...}`; the output
                of a task that is referred to by `pyflow.output` is depended on.
            depends_on: The ids of the tasks that it waits for; they may be added later.
            options: Rows of the option table; `name` is the task's title.
        """
        path = f"tasks[{len(self._tasks)}]"
        self._bind(task)
        reads: list[str] = []
        entry: dict[str, Any] = {
            "id": id,
            "task_type": task if isinstance(task, str) else task.name,
            "parameters": self._written(dict(parameters or {}), f"{path}.parameters", reads),
        }
        config = self._config(id, task, dict(options), path)
        if config.on_error is not None:
            self._bind(config.on_error.task)
        if "name" in options and config.name is not None:
            entry["name"] = config.name
        for name, value in config.changed().items():
            entry[file_name(name)] = self._written(value, f"{path}.{file_name(name)}", reads)
        listed = self._ids(depends_on, f"{path}.depends_on")
        entry["depends_on"] = list(dict.fromkeys([*listed, *reads]))
        self._index.setdefault(id, len(self._tasks))
        self._tasks.append(entry)
        return self

    def add_dependency(self, id: str, depends_on: str | Iterable[str]) -> Self:  # noqa: A002
        """Make a task wait for others, by id. All of them may be added later."""
        ids = [depends_on] if isinstance(depends_on, str) else list(depends_on)
        self._dependencies.append((id, ids))
        return self

    def add_error_handler(self, id: str, task: AnyTask, recovers: bool = False) -> Self:  # noqa: A002
        """Name the task that runs once the retries of another are spent.

        Args:
            id: The id of the task whose errors are handled.
            task: The handler; its first parameter is a `pyflow.TaskFailure`.
            recovers: Whether its output stands in for that of the task that failed. Without it
                the task stays failed, and the run fails when the handler ends.
        """
        self._bind(task)
        self._handlers.append((id, ErrorHandler(task, recovers=recovers)))
        return self

    def build(self) -> Definition:
        """Check everything and make the definition.

        Raises:
            DefinitionInvalid: It cannot be deployed. `problems` names each fault: ids that are
                taken or unknown, circles, options, expressions, parameters without a JSON form.
        """
        problems = list(self._problems)
        tasks = [dict(entry) for entry in self._tasks]
        for task_id, ids in self._dependencies:
            owner = self._owner(tasks, task_id, "add_dependency", problems)
            owner["depends_on"] = list(dict.fromkeys([*owner.get("depends_on", []), *ids]))
        for task_id, handler in self._handlers:
            owner = self._owner(tasks, task_id, "add_error_handler", problems)
            if "on_error" in owner:
                problems.append(_problem(task_id, f"{task_id!r} has an error handler already"))
            owner["on_error"] = handler.as_document()
        try:
            definition = definition_of_mapping({**self._head, "tasks": tasks}, self._bindings)
        except DefinitionInvalid as error:
            problems.extend(error.problems)
        else:
            if not problems:
                return definition
        raise named(DefinitionInvalid(problems=problems), lambda index: str(tasks[index]["id"]))

    def _owner(
        self, tasks: list[dict[str, Any]], task_id: str, called: str, problems: list[Problem]
    ) -> dict[str, Any]:
        """Give the entry of a task, or one that is thrown away when there is none."""
        place = self._index.get(task_id)
        if place is not None:
            return tasks[place]
        close = difflib.get_close_matches(task_id, self._index, n=1)
        advice = f"; did you mean {close[0]!r}?" if close else ""
        problems.append(_problem(called, f"no task has the id {task_id!r}{advice}"))
        return {}

    def _config(self, id: str, task: AnyTask, options: dict[str, Any], path: str) -> TaskOptions:  # noqa: A002
        base = NO_OPTIONS if isinstance(task, str) else task.config
        settled = base
        for name, value in options.items():
            try:
                settled = checked({name: value}, settled, f"task {id!r}")
            except ParametersInvalid as error:
                self._problems.append(_problem(f"{path}.{file_name(name)}", error.message))
        return settled

    def _written(self, value: Any, path: str, reads: list[str]) -> Any:
        """Write a value with references as its texts, and note which tasks it reads."""
        try:
            data = self._encoder.write_options(value, path)
            for ref in self._encoder.found:
                whole_output(ref, None)
                reads.extend(map(str, reads_of(ref)))
        except TraceError as error:
            self._problems.append(_problem(path, error.message))
            return None
        return msgspec.Raw(data)

    def _ids(self, ids: Iterable[str], path: str) -> list[str]:
        if isinstance(ids, str):
            self._problems.append(_problem(path, f"{ids!r} must be a list of ids, as [{ids!r}]"))
            return []
        return list(ids)

    def _bind(self, task: AnyTask) -> None:
        if isinstance(task, str):
            return
        known = self._bindings.setdefault(task.name, task)
        if known.fn is not task.fn:
            text = f"two functions have the name {task.name!r}; give one of them another name="
            self._problems.append(_problem("", text))


def _problem(path: str, message: str) -> Problem:
    return Problem(path, DefinitionInvalid.code, message)

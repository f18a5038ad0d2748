"""Definitions made step by step: for programs that make graphs from data."""

from collections.abc import Iterable, Mapping
from typing import Any, Self, Unpack

import msgspec

from pyflow.authoring.graph_writer import (
    BRANCHING,
    DECISION,
    Entry,
    GraphWriter,
    WholeOutput,
    problem,
)
from pyflow.authoring.refs import Ref, reads_of, source_of, whole_output
from pyflow.authoring.source import member_source
from pyflow.authoring.templates import TemplateEncoder
from pyflow.authoring.workflow_options import checked_workflow
from pyflow.definition import Definition, definition_of_columns, named
from pyflow.error_handler import ErrorHandler
from pyflow.errors import DefinitionInvalid, ParametersInvalid, Problem, TraceError
from pyflow.options import NO_OPTIONS, TaskKeywords, TaskOptions, checked, file_name
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
        self._head = {"name": name, "version": version, "title": title, "description": description}
        self._options = {
            "deadline_s": deadline_s,
            "consistency": consistency,
            "max_concurrent_tasks": max_concurrent_tasks,
            "on_error": on_error,
        }
        self._entries: list[Entry] = []
        self._dependencies: list[tuple[str, list[str]]] = []
        self._handlers: list[tuple[str, ErrorHandler]] = []
        self._problems: list[Problem] = []
        self._encoder = TemplateEncoder()

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
            parameters: The keyword arguments of its function. Texts may hold `${...}`; a task whose
                output is referred to by `pyflow.output` is depended on.
            depends_on: The ids of the tasks that it waits for; they may be added later.
            options: Rows of the option table; `name` is the task's title.
        """
        path = f"tasks[{len(self._entries)}]"
        reads: list[str] = []
        config = self._config(f"task {id!r}", task, dict(options), path)
        values = config.changed()
        values.pop("on_error", None)
        if "name" in options:
            values["name"] = config.name
        data = self._written(values, path, reads)
        given = dict(parameters or {})
        decision = None
        if task == DECISION:
            branching = {name: given.pop(name) for name in BRANCHING if name in given}
            decision = msgspec.json.decode(self._written(branching, f"{path}.parameters", reads))
        arguments = {
            name: self._argument(value, f"{path}.parameters.{name}", reads)
            for name, value in given.items()
        }
        waits = list(dict.fromkeys([*self._ids(depends_on, f"{path}.depends_on"), *reads]))
        entry = Entry(id, task, arguments, waits, data, config.on_error, decision)
        self._entries.append(entry)
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
        self._handlers.append((id, ErrorHandler(task, recovers=recovers)))
        return self

    def build(self) -> Definition:
        """Check everything and make the definition.

        Raises:
            DefinitionInvalid: It cannot be deployed. `problems` names each fault: ids that are
                taken or unknown, circles, options, expressions, parameters that a function does
                not take or that have no JSON form.
        """
        graph = GraphWriter(self._entries, self._problems)
        graph.add_dependencies(self._dependencies)
        graph.add_handlers(self._handlers)
        try:
            head = {**self._head, **checked_workflow(self._options, "the workflow")}
        except ParametersInvalid as error:
            graph.problem("", error.message)
            head = dict(self._head)
        columns = graph.columns(head)
        try:
            definition = definition_of_columns(columns, bindings=graph.bindings)
        except DefinitionInvalid as error:
            graph.problems.extend(error.problems)
        else:
            if not graph.problems:
                return definition
        raise named(DefinitionInvalid(problems=graph.problems), columns.task_id)

    def _config(self, owner: str, task: AnyTask, options: dict[str, Any], path: str) -> TaskOptions:
        settled = NO_OPTIONS if isinstance(task, str) else task.config
        for name, value in options.items():
            try:
                settled = checked({name: value}, settled, owner)
            except ParametersInvalid as error:
                self._problems.append(problem(f"{path}.{file_name(name)}", error.message))
        return settled

    def _argument(self, value: Any, path: str, reads: list[str]) -> bytes | WholeOutput:
        """Write a parameter: as its JSON text, or as the task whose whole output it is."""
        data = self._written(value, path, reads)
        if (
            isinstance(value, Ref)
            and reads
            and source_of(value) == member_source("output", reads[-1])
        ):
            return WholeOutput(reads[-1])
        return data

    def _written(self, value: Any, path: str, reads: list[str]) -> bytes:
        """Write a value with references as its texts, and note which tasks it reads."""
        try:
            data = self._encoder.write_options(value, path)
            for ref in self._encoder.found:
                whole_output(ref, None)
                reads.extend(map(str, reads_of(ref)))
        except TraceError as error:
            self._problems.append(problem(path, error.message))
            return b"null"
        return data

    def _ids(self, ids: Iterable[str], path: str) -> list[str]:
        if isinstance(ids, str):
            self._problems.append(problem(path, f"{ids!r} must be a list of ids, as [{ids!r}]"))
            return []
        return list(ids)

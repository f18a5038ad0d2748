"""Texts of others on the command line: shown, never obeyed, and told with one code."""

from pathlib import Path

import pytest

from pyflow.cli.plain_text import one_line, plain
from tests.cli.command_line import CommandLine

HOSTILE = """\
import pyflow

TEXT = "\\x1b[31mRED\\x1b[0m\\r\\x9b2J\\u202e\\x07 end\\nsecond line"


@pyflow.task
def refuse() -> int:
    raise RuntimeError(TEXT)


@pyflow.task
def say() -> str:
    return TEXT


@pyflow.workflow
def failing() -> int:
    return refuse()


@pyflow.workflow
def saying() -> str:
    return say()
"""
UNSAFE = ("\x1b", "\r", "\x9b", "\u202e", "\x07")


@pytest.fixture
def hostile(cli: CommandLine) -> CommandLine:
    (cli.directory / "hostile.py").write_text(HOSTILE, encoding="utf-8")
    return cli


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert plain("a\x1b[2J\nb\tc\x9b\r") == "a\\u001b[2J\nb\tc\\u009b\\u000d"
    assert one_line("a\nb\tc\u2028") == "a\\u000ab\\u0009c\\u2028"
    assert plain("näïve 🚀 \ud800") == "näïve 🚀 \\ud800"


@pytest.mark.slow
def test_errors_and_outputs_of_tasks_do_not_reach_the_terminal_raw(hostile: CommandLine) -> None:
    failed = hostile("run", "hostile.py:failing")
    shown = [hostile(command, "@last") for command in ("show", "history", "explain", "graph")]
    tasks = hostile("show", "@last", "--tasks")
    said = hostile("run", "hostile.py:saying")
    history = hostile("history", "@last")

    for answer in (failed, *shown, tasks, said, history):
        assert not any(each in answer.out + answer.err for each in UNSAFE), answer
    assert "\\u001b[31mRED" in failed.err
    assert said.json == "\x1b[31mRED\x1b[0m\r\x9b2J\u202e\x07 end\nsecond line"
    assert "\\u000asecond line" in shown[0].out
    assert all(line.lstrip()[0].isdigit() for line in history.out.splitlines())


@pytest.mark.slow
def test_an_error_that_is_passed_on_keeps_its_one_code(cli: CommandLine) -> None:
    (cli.directory / "x.json").write_text(
        '{"id": "x", "tasks": [{"id": "a", "task_type": "notification", "parameters":'
        ' {"channel": "nowhere", "message": "hello"}}]}',
        encoding="utf-8",
    )

    answer = cli("run", "x.json")

    assert answer.err.count("(PF") == 1, answer.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (("run", "flows.py:quadrupel"), "pyflow run flows.py:quadruple"),
        (("validate", "flows.py:gatde"), "pyflow validate flows.py:gated"),
        (("start", "flows.py"), "pyflow start flows.py:quadruple"),
        (("graph", "flows.py:faling"), "pyflow graph flows.py:failing"),
    ],
)
def test_a_workflow_that_was_meant_is_given_as_a_command_to_type(
    cli: CommandLine, arguments: tuple[str, ...], next_step: str
) -> None:
    answer = cli(*arguments)

    assert (answer.code, answer.next_step) == (2, next_step)
    assert "; it has quadruple, failing, " in answer.err


@pytest.mark.slow
def test_an_input_that_its_workflow_does_not_take_begins_no_run(cli: CommandLine) -> None:
    answer = cli("run", "flows.py:quadruple", "--input", '{"x": "three"}')

    assert answer.code == 4
    assert "'x' does not fit its type hint" in answer.err
    assert cli("list", "--json").json["runs"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "next_step"),
    [
        (
            '{"id": "x", "tasks": [{"id": "a", "task_type": "nop"}]}',
            "pyflow validate x.json --tasks MODULE",
        ),
        (
            '{"id": "x", "tasks": [{"id": "a", "task_type": "noop", "retries": 1}]}',
            "pyflow schema",
        ),
        ('{"id": "x", "tasks": [}', "pyflow validate x.json"),
        (
            '{"id": "x", "tasks": [{"id": "a", "task_type": "noop", "depends_on": ["b"]}]}',
            "pyflow validate x.json",
        ),
    ],
)
def test_what_to_type_after_a_fault_fits_the_fault(
    cli: CommandLine, text: str, next_step: str
) -> None:
    Path(cli.directory / "x.json").write_text(text, encoding="utf-8")

    answer = cli("validate", "x.json")

    assert (answer.code, answer.next_step) == (4, next_step)


@pytest.mark.slow
def test_a_run_of_an_older_revision_is_drawn_as_it_was(cli: CommandLine) -> None:
    for task in ("first", "second"):
        (cli.directory / "x.json").write_text(
            f'{{"id": "x", "tasks": [{{"id": "{task}", "task_type": "noop"}}]}}', encoding="utf-8"
        )
        assert cli("run", "x.json", "--run-id", f"run-of-{task}").code == 0

    drawn = [cli("graph", f"run-of-{task}").out for task in ("first", "second")]

    assert ["first" in drawn[0], "second" in drawn[0]] == [True, False]
    assert ["first" in drawn[1].replace("run-of", ""), "second" in drawn[1]] == [False, True]

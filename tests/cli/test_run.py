"""`pyflow run`, `start`, `work`: their results, their exit codes, what to type next."""

import json
import shlex

import pytest

from tests.cli.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_a_run_prints_its_result_and_nothing_else(cli: CommandLine) -> None:
    answer = cli("run", "flows.py:quadruple", "--input", '{"x": 3}')

    assert (answer.code, answer.out) == (0, "12\n")
    assert "no --store is given: the run is kept in pyflow.db" in answer.err
    assert (cli.directory / "pyflow.db").exists()


def test_a_run_as_json_is_one_object(cli: CommandLine) -> None:
    answer = cli(
        "run", "flows:quadruple", "--input", "@-", "--json", "--store", "x.db", stdin='{"x": 3}'
    )

    assert answer.code == 0
    assert (answer.json["state"], answer.json["result"]) == ("completed", 12)
    assert answer.err == ""


def test_a_failed_run_ends_with_1_and_the_command_that_shows_it(cli: CommandLine) -> None:
    answer = cli("run", "flows.py:failing", "--input", '{"x": 3}', "--store", "x.db", "--json")

    assert answer.code == 1
    assert answer.json["state"] == "failed"
    assert answer.json["error"] == {
        "task_id": "refuse",
        "error_type": "ValueError",
        "message": "6 is refused",
    }
    assert answer.next_step == f"pyflow show {answer.json['run_id']} --store x.db"
    shown = cli(*shlex.split(answer.next_step)[1:])
    assert "refuse, attempt 2: ValueError: 6 is refused" in shown.out


def test_a_cancelled_run_ends_with_3(cli: CommandLine) -> None:
    words = ("flows.py:quadruple", "--input", '{"x": 3}', "--key", "k")
    run_id = cli("start", *words).out.strip()

    cancelled = cli("cancel", run_id[:31], "--reason", "not wanted")
    answer = cli("run", *words)

    assert (cancelled.code, cancelled.out) == (0, f"run {run_id} is cancelled\n")
    assert answer.code == 3
    assert "not wanted" in answer.err


def test_a_started_run_is_left_to_work(cli: CommandLine) -> None:
    started = cli("start", "flows.py:quadruple", "--input", '{"x": 3}')

    worked = cli(*shlex.split(started.next_step)[1:], "--until-idle")
    shown = cli("show", "@last", "--json")

    assert started.next_step == "pyflow work --tasks flows.py"
    assert worked.code == 0
    assert f"run {started.out.strip()} completed" in worked.out
    assert shown.json["result"] == 12


def test_work_ends_with_1_when_a_run_failed(cli: CommandLine) -> None:
    cli("start", "flows.py:failing", "--input", '{"x": 3}')

    worked = cli("work", "--tasks", "flows", "--until-idle")

    assert worked.code == 1
    assert "failed at refuse: ValueError: 6 is refused" in worked.out


def test_a_failed_run_is_recovered(cli: CommandLine) -> None:
    cli("run", "flows.py:failing", "--input", '{"x": 3}')

    recovered = cli("recover", "@last")
    running = cli("show", "@last", "--json").json["state"]
    refused = cli("recover", "@last")

    assert (recovered.code, running) == (0, "running")
    assert recovered.next_step == "pyflow work"
    assert refused.code == 4


def test_a_document_runs_as_it_stands(cli: CommandLine) -> None:
    document = {
        "id": "sums",
        "tasks": [
            {"id": "a", "task_type": "flows.double", "parameters": {"x": "${input.x}"}},
            {
                "id": "b",
                "task_type": "flows.double",
                "parameters": {"x": "${output.a + 1}"},
                "depends_on": ["a"],
            },
        ],
    }
    (cli.directory / "sums.json").write_text(json.dumps(document), encoding="utf-8")
    (cli.directory / "pyflow.toml").write_text(
        'tasks = ["flows"]\n[store]\nurl = "sqlite:///./of_config.db"\n', encoding="utf-8"
    )

    answer = cli("run", "sums.json", "--input", '{"x": 3}')

    assert (answer.code, answer.json) == (0, {"a": 6, "b": 14})
    assert "no --store" not in answer.err
    assert (cli.directory / "of_config.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("run", "nothing.json"), 2, "there is no file nothing.json"),
        (("run", "nothing.py:x"), 2, "there is no file nothing.py"),
        (("run", "flows.py:nothing"), 2, "flows.py has no workflow 'nothing'"),
        (("run", "flows.py"), 2, "flows.py has 5 workflows"),
        (("run", "flows.py:gated", "--input", "{x"), 2, "the input is not JSON"),
        (("run", "flows.py:gated", "--input", "[]"), 2, "the input is no JSON object"),
        (("run", "flows.py:gated", "--inptu", "{}"), 2, "--input"),
        (("rnu",), 2, "there is no command 'rnu'"),
        (("run", "flows.py:gated", "--input", "{}"), 4, "missing a required argument: 'x'"),
        (("run", "unknown"), 4, "unknown"),
        (("run", "flows.py:gated", "--store", "nosql://x"), 4, "nosql"),
        (("show", "@last"), 4, "there is no store at pyflow.db"),
    ],
)
def test_what_cannot_be_done_ends_with_what_to_type_next(
    cli: CommandLine, arguments: tuple[str, ...], code: int, said: str
) -> None:
    answer = cli(*arguments)

    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert answer.next_step


def test_a_module_that_breaks_is_shown_without_our_frames(cli: CommandLine) -> None:
    (cli.directory / "broken.py").write_text("import pyflow\n1 / 0\n", encoding="utf-8")

    answer = cli("run", "broken.py:x")

    assert answer.code == 2
    assert "ZeroDivisionError" in answer.err
    assert "importlib" not in answer.err


def test_work_until_idle_ends_where_a_run_waits_for_unknown_tasks(cli: CommandLine) -> None:
    cli("start", "flows.py:quadruple", "--input", '{"x": 3}')

    worked = cli("work", "--until-idle")

    assert worked.code == 1
    assert "waits for flows.double: name their module with --tasks" in worked.err
    assert worked.next_step == "pyflow work --tasks MODULE --until-idle"
    assert cli("show", "@last", "--json").json["state"] == "running"


def test_work_until_idle_does_first_what_it_can(cli: CommandLine) -> None:
    cli("start", "flows.py:quadruple", "--input", '{"x": 3}')
    wait = {"id": "wait", "task_type": "timer", "parameters": {"seconds": 3}}
    (cli.directory / "wait.json").write_text(json.dumps({"id": "waits", "tasks": [wait]}))
    waiting = cli("start", "wait.json").out.strip()

    (cli.directory / "others.py").touch()
    worked = cli("work", "--until-idle", "--tasks", "others")

    assert worked.code == 1
    assert worked.next_step == "pyflow work --tasks others --tasks MODULE --until-idle"
    assert cli("show", waiting, "--json").json["state"] == "completed"

"""Ctrl-C, and what is done beside a live engine."""

import json
import shlex
import signal

import pytest

from tests.cli.command_line import CommandLine

pytestmark = pytest.mark.slow


def test_ctrl_c_leaves_a_run_that_the_printed_command_finishes(cli: CommandLine) -> None:
    with cli.gated_run("--store", "kept here.db") as process:
        interrupted = cli.interrupt(process)

    assert (interrupted.code, interrupted.out) == (130, "")
    assert interrupted.next_step == "pyflow work --store 'kept here.db' --tasks flows.py"
    left = cli("show", "@last", "--store", "kept here.db", "--json")
    assert left.json["state"] == "running"

    cli.open_gate()
    worked = cli(*shlex.split(interrupted.next_step)[1:], "--until-idle")
    shown = cli("show", "@last", "--store", "kept here.db", "--json")

    assert (worked.code, shown.json["state"], shown.json["result"]) == (0, "completed", 2)


def test_of_a_run_that_has_ended_meanwhile_it_is_said_how(cli: CommandLine) -> None:
    with cli.gated_run("--store", "kept here.db") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        while not process.stderr.readline().startswith("stopping: "):
            assert process.poll() is None
        cli.open_gate()  # What runs gets its time, and ends the run.
        _, err = process.communicate()
    shown = cli("show", "@last", "--store", "kept here.db", "--json")

    run_id = shown.json["run_id"]
    assert (process.returncode, shown.json["state"]) == (130, "completed")
    assert err.splitlines()[-2:] == [
        f"pyflow run: interrupted; run {run_id} is completed, and kept in kept here.db",
        f"next: pyflow show {run_id} --store 'kept here.db'",
    ]


def test_a_run_in_memory_is_gone_with_an_interrupt(cli: CommandLine) -> None:
    with cli.gated_run("--store", "memory://") as process:
        interrupted = cli.interrupt(process)

    assert (interrupted.code, interrupted.out) == (130, "")
    assert interrupted.err.splitlines()[-2].endswith(" was kept in memory, and is gone")
    assert interrupted.next_step == "pyflow run FILE --store sqlite:///./pyflow.db"


def test_a_terminated_engine_is_stopped_in_order_too(cli: CommandLine) -> None:
    with cli.gated_run() as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()

    assert process.returncode == 130
    assert err.splitlines()[-1] == "next: pyflow work --tasks flows.py"


def test_readers_work_beside_a_live_engine_and_owners_are_refused(cli: CommandLine) -> None:
    with cli.gated_run() as process:
        listed = cli("list", "--json")
        shown = cli("show", "@last", "--tasks")
        history = cli("history", "@last")
        explained = cli("explain", "@last", "wait_for_gate")
        drawn = cli("graph", "@last")
        examined = cli("doctor")
        copied = cli("backup", "copy.db")
        second = cli("run", "flows.py:quadruple", "--input", '{"x": 1}')
        cancelled = cli("cancel", "@last", "wait_for_gate")
        cli.open_gate()
        assert process.wait() == 0

    assert [each["state"] for each in listed.json["runs"]] == ["running"]
    assert "wait_for_gate  leased" in shown.out
    assert "TaskStarted wait_for_gate" in history.out
    assert "wait_for_gate is leased" in explained.out
    assert 'n1["wait_for_gate<br/>wait_for_gate"]:::leased' in drawn.out
    assert (examined.code, copied.code) == (0, 0)
    for refused in (second, cancelled):
        assert refused.code == 5
        assert str(process.pid) in refused.err
    assert second.next_step == "pyflow list"
    assert cancelled.next_step.startswith(
        "call cancel() in the program that owns the store; or stop"
    )
    assert cancelled.next_step.endswith(", then: pyflow cancel @last wait_for_gate")


def test_watch_follows_a_run_to_its_end(cli: CommandLine) -> None:
    with cli.gated_run(), cli.running("watch", "@last") as watching:
        assert watching.stdout is not None
        seen = watching.stdout.readline()
        cli.open_gate()
        rest, _ = watching.communicate()

    assert "RunCreated name=gated" in seen
    assert "RunCompleted result=2" in rest.splitlines()[-1]
    assert watching.returncode == 0


def test_work_is_stopped_by_ctrl_c(cli: CommandLine) -> None:
    cli("start", "flows.py:quadruple", "--input", '{"x": 3}')

    with cli.running("work", "--tasks", "flows") as working:
        assert working.stdout is not None
        assert "completed" in working.stdout.readline()
        stopped = cli.interrupt(working)

    assert stopped.code == 130
    assert stopped.next_step == "pyflow work --tasks flows"


def test_work_until_idle_that_is_stopped_is_typed_again_as_it_was(cli: CommandLine) -> None:
    hour = {"id": "hour", "task_type": "timer", "parameters": {"seconds": 3600}}
    (cli.directory / "hour.json").write_text(json.dumps({"id": "hour", "tasks": [hour]}))
    cli("start", "hour.json")

    with cli.running("work", "--tasks", "flows.py", "--until-idle") as working:
        assert working.stderr is not None
        assert working.stderr.readline().startswith("serving ")
        stopped = cli.interrupt(working)

    assert stopped.code == 130
    assert stopped.next_step == "pyflow work --tasks flows.py --until-idle"

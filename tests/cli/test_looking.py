"""`pyflow list`, `show`, `history`, `explain`, `prune`, `backup`, `doctor`."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine
from tests.servers import Mosquitto

pytestmark = pytest.mark.slow


def test_runs_are_found_by_a_unique_beginning_or_as_the_last(cli: CommandLine) -> None:
    for name in ("order-1", "order-2"):
        cli("start", "flows.py:quadruple", "--input", '{"x": 1}', "--run-id", name)

    last = cli("show", "@last", "--json")
    unique = cli("show", "order-1", "--json")
    ambiguous = cli("show", "order")
    unknown = cli("show", "nobody")

    assert last.json["run_id"] == "order-2"
    assert unique.json["run_id"] == "order-1"
    assert (ambiguous.code, unknown.code) == (4, 4)
    assert "order-1, order-2" in ambiguous.err
    assert unknown.next_step == "pyflow list"
    assert "()" not in unknown.err  # It is no program that reads this.


def test_lists_are_filtered_and_go_on_page_by_page(cli: CommandLine) -> None:
    for x in range(3):
        cli("start", "flows.py:quadruple", "--input", json.dumps({"x": x}), "--run-id", f"r{x}")

    first = cli("list", "--limit", "2")
    second = cli(*first.next_step.split()[1:])
    none = cli("list", "--status", "failed")
    wrong = cli("list", "--status", "lost")

    assert [line.split()[0] for line in first.out.splitlines()] == ["RUN", "r2", "r1"]
    assert [line.split()[0] for line in second.out.splitlines()] == ["RUN", "r0"]
    assert (none.code, none.out) == (0, "")
    assert wrong.code == 2


def test_history_is_lines_of_text_or_json(cli: CommandLine) -> None:
    cli("run", "flows.py:quadruple", "--input", '{"x": 3}')

    first = cli("history", "@last", "--limit", "2")
    rest = cli("history", "@last", "--after", "2", "--json")

    kinds = [json.loads(line)["kind"] for line in rest.out.splitlines()]
    assert "RunCreated" in first.out
    assert first.next_step == "pyflow history @last --after 2"
    of_a_task = ["TaskStarted", "TaskSaid", "TaskCompleted"]
    assert kinds == [*of_a_task, *of_a_task, "RunCompleted"]


def test_each_event_is_one_line_that_leaves_nothing_out(cli: CommandLine) -> None:
    cli("run", "flows.py:odd_values")

    lines = cli("history", "@last").out.splitlines()

    ends = [line.partition("TaskCompleted ")[2] for line in lines if "TaskCompleted" in line]
    assert sorted(ends) == [
        "give output=0",
        "give_2 output=false",
        'give_3 output=""',
        'give_4 output="two\\nlines"',
        "give_5",
        "give_6 output=9",
    ]
    [decision] = [line for line in lines if "DecisionTaken" in line]
    assert decision.endswith(' branch=0 chosen=["give_6"] skipped=["give_7"]')


def test_what_tasks_logged_is_shown_with_their_run(cli: CommandLine) -> None:
    cli("run", "flows.py:quadruple", "--input", '{"x": 3}')

    text = cli("show", "@last", "--logs")
    first = cli("show", "@last", "--logs", "--limit", "1")
    document = cli("show", "@last", "--logs", "--json").json

    said = [line.split("  ")[1:] for line in text.out.splitlines() if "INFO" in line]
    assert said == [["double", "INFO", "doubling 3"], ["double_2", "INFO", "doubling 6"]]
    assert "doubling 6" not in first.out
    assert "--limit" in first.err
    assert [each["text"] for each in document["logs"]] == ["doubling 3", "doubling 6"]


def test_explain_says_what_is_waited_for(cli: CommandLine) -> None:
    cli("start", "flows.py:quadruple", "--input", '{"x": 3}')

    whole = cli("explain", "@last")
    one = cli("explain", "@last", "double_2", "--json")
    wrong = cli("explain", "@last", "doubel")

    assert "dependency: it waits for all of them to succeed (double)" in whole.out
    assert one.json["tasks"][0]["blockers"][0]["kind"] == "dependency"
    assert wrong.code == 4
    assert "double" in wrong.err


def test_prune_forgets_runs_that_have_ended(cli: CommandLine) -> None:
    cli("run", "flows.py:quadruple", "--input", '{"x": 3}')
    cli("start", "flows.py:quadruple", "--input", '{"x": 3}', "--run-id", "alive")

    kept = cli("prune")
    forgotten = cli("prune", "--days", "0")
    left = cli("list", "--json")

    assert kept.out.startswith("forgot 0 runs ")
    assert forgotten.out.startswith("forgot 1 run ")
    assert [each["run_id"] for each in left.json["runs"]] == ["alive"]


def test_a_backup_is_a_store_that_is_never_written_over(cli: CommandLine) -> None:
    cli("run", "flows.py:quadruple", "--input", '{"x": 3}')

    copied = cli("backup", "copy.db")
    again = cli("backup", "copy.db")
    opened = cli("run", "flows.py:quadruple", "--input", '{"x": 4}', "--store", "copy.db")
    listed = cli("list", "--store", "copy.db", "--json")

    assert (copied.code, again.code, opened.code) == (0, 4, 0)
    assert len(listed.json["runs"]) == 2


def test_doctor_finds_a_byte_that_has_changed(cli: CommandLine) -> None:
    cli("run", "flows.py:quadruple", "--input", '{"x": 3}')
    sound = cli("doctor")
    file = cli.directory / "pyflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(file.read_bytes())
    place = data.rindex(b"RunC") if b"RunC" in data else data.rindex(b"quadruple")
    data[place] ^= 1
    file.write_bytes(data)

    ill = cli("doctor")

    assert (sound.code, ill.code) == (0, 4)
    assert "is sound" in sound.out
    assert "not well: store" in ill.err


async def test_doctor_makes_a_round_trip_for_each_connection(
    cli: CommandLine, tmp_path: Path
) -> None:
    broker = Mosquitto(tmp_path)
    (cli.directory / "there.db").touch()
    (cli.directory / "pyflow.toml").write_text(
        "[databases.there]\nurl = 'sqlite:///there.db'\n"
        "[databases.lost]\nurl = 'sqlite:///lost.db'\n"
        "[databases.secret]\nurl = 'sqlite:///${secret.PLACE}'\n"
        "[channels.good]\nurls = ['json://localhost']\n"
        "[channels.odd]\nurls = ['nothing://hunter2']\n",
        encoding="utf-8",
    )
    await broker.start()
    try:
        answer = await asyncio.to_thread(cli, "doctor", "--json", "--mqtt", broker.url)
    finally:
        await broker.stop()

    findings = {each["name"]: each for each in answer.json}
    assert answer.code == 4
    well = {name for name, each in findings.items() if each["is_well"]}
    assert well == {"store", "mqtt", "databases.there", "channels.good 1"}
    assert "PLACE" in findings["databases.secret"]["text"]
    assert "hunter2" not in answer.out
    assert not (cli.directory / "lost.db").exists()

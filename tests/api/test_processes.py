"""Tasks in worker processes: what they get, and what their end does to others."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyflow import events
from pyflow.connection import connect
from pyflow.errors import NotImportable, RunFailed
from pyflow.task import task
from pyflow.worker.child_process import ChildProcess
from pyflow.worker.grant import COMPLETED, FAILED, SAID, STOPPED
from pyflow.worker.importing import check_importable
from pyflow.workflow import workflow
from tests.api import process_tasks as tasks
from tests.workbench import outcome, wait_until, workbench

pytestmark = pytest.mark.slow


async def test_a_process_is_started_once_and_used_again() -> None:
    async with workbench() as bench:
        code, first = await bench.run(tasks.where, 1)
        _, second = await bench.run(tasks.where, 2)

        assert code == COMPLETED
        assert first[0] == 1
        assert first[1] == second[1] != os.getpid()
        assert first[2] == os.getpid()


async def test_two_tasks_run_in_two_processes_at_once(tmp_path: Path) -> None:
    async with workbench() as bench:
        place = str(tmp_path)
        reports = bench.take(
            bench.grant(tasks.meets, place, "a", "b"), bench.grant(tasks.meets, place, "b", "a")
        )

        assert [outcome(await report) for report in reports] == [(COMPLETED, True)] * 2


async def test_a_task_in_a_process_knows_its_attempt_and_can_speak() -> None:
    async with workbench() as bench:
        assert await bench.run(tasks.knows) == (COMPLETED, ["run", "knows", 1, "run/knows"])

        told = [msgspec.json.decode(data) for _, code, data in bench.said if data and code == SAID]
        assert told[0]["progress"]["done"] == 1
        assert told[1]["log"]["text"] == "from a process"


async def test_a_failure_in_a_process_is_told_like_any_other() -> None:
    async with workbench() as bench:
        code, failure = await bench.run(tasks.fails, "refused")

        assert code == FAILED
        assert (failure["type"], failure["message"]) == ("ConnectionError", "refused")
        assert "raise ConnectionError(text)" in failure["traceback"]


@pytest.mark.parametrize(
    ("deadly", "args", "said", "status"),
    [
        (tasks.exits, (3,), "exit status 3", 3),
        (tasks.exits, (0,), "exit status 0", 0),
        (tasks.kills_itself, (), "signal 9 (SIGKILL)", -9),
    ],
)
async def test_the_death_of_a_process_fails_its_own_attempt_only(
    deadly: Any, args: Any, said: str, status: int
) -> None:
    async with workbench() as bench:
        dying, living = bench.take(bench.grant(deadly, *args), bench.grant(tasks.where, 1))
        code, failure = outcome(await dying)

        assert (code, failure["type"], failure["exit_status"]) == (FAILED, "WorkerDied", status)
        assert said in failure["message"]
        assert outcome(await living)[0] == COMPLETED
        assert (await bench.run(tasks.where, 2))[0] == COMPLETED


async def test_a_process_that_is_killed_while_it_starts_died_under_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait_ready = ChildProcess.wait_ready

    def killed_first(process: ChildProcess) -> None:
        process.kill()
        wait_ready(process)

    async with workbench() as bench:
        with monkeypatch.context() as patch:
            patch.setattr(ChildProcess, "wait_ready", killed_first)
            code, failure = await bench.run(tasks.where, 1)

        # It says nothing about the task, which is delivered again as after any death.
        assert (code, failure["type"], failure["exit_status"]) == (FAILED, "WorkerDied", -9)
        assert (await bench.run(tasks.where, 2))[0] == COMPLETED


async def test_a_stop_ends_the_process_with_sigterm(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with workbench() as bench:
        grant = bench.grant(tasks.waits, str(begun))
        [report] = bench.take(grant)
        await wait_until(begun.exists)
        bench.worker.stop(grant[1], "timeout")

        assert outcome(await report) == (STOPPED, None)
        assert (await bench.run(tasks.where, 2))[0] == COMPLETED


async def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with workbench(grace_s=0.05) as bench:
        grant = bench.grant(tasks.ignores_sigterm, str(begun))
        [report] = bench.take(grant)
        await wait_until(begun.exists)
        bench.worker.stop(grant[1], "cancel")

        assert outcome(await report) == (STOPPED, None)


async def test_a_child_of_a_task_does_not_keep_its_process(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with workbench() as bench:
        grant = bench.grant(tasks.leaves_a_child, str(begun))
        [report] = bench.take(grant)
        await wait_until(lambda: begun.exists() and begun.read_text() != "")
        bench.worker.stop(grant[1], "timeout")

        assert outcome(await report) == (STOPPED, None)
        os.kill(int(begun.read_text()), signal.SIGKILL)


async def test_a_process_starts_whatever_lies_in_its_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", 1, None])
    monkeypatch.setattr(sys, "path", [*sys.path, None])
    async with workbench() as bench:
        assert await bench.run(tasks.arguments) == (COMPLETED, ["program"])


async def test_a_stop_before_its_turn_runs_nothing(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    async with workbench() as bench:
        grants = [bench.grant(tasks.waits, str(tmp_path / name)) for name in ("a", "b", "begun")]
        reports = bench.take(*grants)
        await wait_until(lambda: bool(list(tmp_path.iterdir())))
        for grant in reversed(grants):
            bench.worker.stop(grant[1], "cancel")

        assert [outcome(await report) for report in reports] == [(STOPPED, None)] * 3
        assert not begun.exists()


async def test_a_process_inherits_no_open_file(tmp_path: Path) -> None:
    with (tmp_path / "mine").open("w") as mine:
        os.set_inheritable(mine.fileno(), True)
        async with workbench() as bench:
            _, found = await bench.run(tasks.open_files)

    assert not [each for each in found if str(tmp_path) in each]
    assert not [each for each in found if "eventfd" in each]


async def test_secrets_are_filled_in_inside_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    async with workbench() as bench:
        places = [[0, 1, 16, "TOKEN"]]
        answer = await bench.run(tasks.keeps, "${secret.TOKEN}", meta={"secrets": places})

    assert answer == (COMPLETED, "***")


async def test_a_process_opens_resources_of_its_own() -> None:
    async with workbench() as bench:
        _, [value, pid, _] = await bench.run(tasks.uses_a_resource)

        assert value == pid != os.getpid()


async def test_a_process_closes_its_resources_also_where_a_report_was_not_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    monkeypatch.setenv("CLOSED_FILE", str(closed))
    async with workbench() as bench:
        answer = await bench.run(tasks.leaves_a_thread)

    assert answer == (COMPLETED, None)
    assert closed.exists()


@task(executor="process")
def importable() -> None:
    pass


def test_a_function_that_cannot_be_imported_is_refused() -> None:
    @task(executor="process")
    def nested() -> None:
        pass

    check_importable(importable)
    with pytest.raises(NotImportable, match="top level"):
        check_importable(nested)


HEAD = """
import asyncio, os
from pyflow.task import task
from pyflow.worker.importing import refuse_while_importing_main
from pyflow.worker.worker import Slots
from tests.workbench import Workbench, workbench

@task(executor="process")
def nothing() -> None:
    pass
"""

UNGUARDED = """
async def main():
    refuse_while_importing_main()
    async with workbench() as bench:
        code, failure = await bench.run(nothing)
        print(failure["type"], failure["message"])

asyncio.run(main())
"""

GUARDED = """
async def main():
    async with workbench() as bench:
        print(await bench.run(nothing))

if __name__ == "__main__":
    asyncio.run(main())
"""

LEFT_OPEN = """
async def main():
    bench = Workbench(Slots(10, 2, 2), 10)
    print(await bench.run(nothing), flush=True)
    AT_THE_END

if __name__ == "__main__":
    asyncio.run(main())
"""


ELSEWHERE = """
from tests.api import process_tasks

print("imported", flush=True)

async def main():
    async with workbench() as bench:
        print((await bench.run(process_tasks.arguments))[1])

if __name__ == "__main__":
    asyncio.run(main())
"""


def script(path: Path, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path.write_text(HEAD + text)
    return python(path.parent, str(path), *arguments)


def python(place: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{place}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_a_main_module_without_a_guard_is_a_typed_error(tmp_path: Path) -> None:
    ended = script(tmp_path / "unguarded.py", UNGUARDED)

    assert ended.stdout.startswith("NotImportable the program's main module starts pyflow")
    assert '`if __name__ == "__main__":`' in ended.stdout
    assert "PF1009" in ended.stdout


def test_functions_of_a_guarded_main_module_run(tmp_path: Path) -> None:
    ended = script(tmp_path / "guarded.py", GUARDED)

    assert ended.stdout.strip() == "(0, None)", ended.stderr


def test_functions_of_a_main_module_that_was_run_by_its_name_run(tmp_path: Path) -> None:
    (tmp_path / "guarded.py").write_text(HEAD + GUARDED)

    ended = python(tmp_path, "-m", "guarded")

    assert ended.stdout.strip() == "(0, None)", ended.stderr


def test_a_main_module_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    ended = script(tmp_path / os.fsdecode(b"odd\xff.py"), GUARDED)

    assert ended.stdout.strip() == "(0, None)", ended.stderr


def test_a_process_imports_the_main_module_only_for_its_functions(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.py"
    ended = script(file, ELSEWHERE, "one", "two")

    assert ended.stdout.split("\n")[:2] == ["imported", str([str(file), "one", "two"])]


def test_functions_of_a_main_module_that_is_only_run_are_refused(tmp_path: Path) -> None:
    checking = (
        HEAD + "\nfrom pyflow.worker.importing import check_importable as check\ncheck(nothing)"
    )
    package = tmp_path / "package"
    package.mkdir()
    (package / "__main__.py").write_text(checking)

    for arguments in (["-m", "package"], [str(package)], ["-c", checking]):
        ended = python(tmp_path, *arguments)

        assert "pyflow.errors.NotImportable" in ended.stderr, ended.stderr


def test_a_program_that_ends_without_closing_does_not_hang(tmp_path: Path) -> None:
    ended = script(tmp_path / "left_open.py", LEFT_OPEN.replace("AT_THE_END", "pass"))

    assert (ended.returncode, ended.stdout.strip()) == (0, "(0, None)"), ended.stderr


def test_worker_processes_end_with_their_parent(tmp_path: Path) -> None:
    file = tmp_path / "killed.py"
    file.write_text(HEAD + LEFT_OPEN.replace("AT_THE_END", "os.kill(os.getpid(), 9)"))
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        stdout=writer,
        stderr=subprocess.DEVNULL,
    ) as parent:
        os.close(writer)
        assert parent.wait(50) == -signal.SIGKILL
        # The pipe ends when the last process that has it as its output does.
        assert os.read(reader, 100) == b"(0, None)\n"
        assert os.read(reader, 100) == b""
    os.close(reader)


async def test_how_a_process_died_is_told_of_the_task_that_brings_it_down() -> None:
    @workflow
    def deadly() -> None:
        tasks.kills_itself.options(max_deliveries=2)()

    async with connect("memory://") as engine:
        run = await engine.start(deadly)
        with pytest.raises(RunFailed, match=r"died 2 times .* signal 9 \(SIGKILL\)"):
            await run.result()
        history = await run.history()

    # The same attempt is delivered again: its number counts failures, not deaths.
    starts = [each for each in history if isinstance(each, events.TaskStarted)]
    assert [each.attempt for each in starts] == [1, 1]
    [ended] = [each for each in history if isinstance(each, events.LeaseEnded)]
    assert ended.cause == "worker_died"
    assert ended.message == "the worker process that ran the task ended by signal 9 (SIGKILL)"

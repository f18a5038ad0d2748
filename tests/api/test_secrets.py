"""Secrets are filled in where the task runs, and leave it in no report."""

import logging
from pathlib import Path
from typing import Any

import pytest

from pyflow.context import current
from pyflow.task import task
from pyflow.worker.grant import COMPLETED, FAILED
from tests.workbench import workbench

CANARY = 'canary "7c1f"\n'
PLACE = "Bearer ${secret.TOKEN}"
# In the first argument, as JSON, from the `$` to behind the brace.
META = {"secrets": [[0, 8, 23, "TOKEN"]]}

seen: list[Any] = []


@task
async def keeps(header: str) -> int:
    seen.append(header)
    return len(header)


@task
def keeps_on_thread(header: str) -> int:
    seen.append(header)
    return len(header)


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    seen.clear()


@pytest.mark.parametrize("asked", [keeps, keeps_on_thread], ids=["async", "thread"])
@pytest.mark.parametrize("variable", ["PYFLOW_SECRET_TOKEN", "TOKEN"])
async def test_a_secret_is_taken_from_the_environment(
    asked: Any, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, CANARY)
    async with workbench() as bench:
        await bench.run(asked, PLACE, meta=META)

    assert seen == [f"Bearer {CANARY}"]


async def test_a_secret_is_taken_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("from a file\n")
    monkeypatch.setenv("PYFLOW_SECRET_TOKEN_FILE", str(file))
    async with workbench() as bench:
        await bench.run(keeps, PLACE, meta=META)
        file.unlink()
        code, failure = await bench.run(keeps, PLACE, meta=META)

    assert seen == ["Bearer from a file"]
    assert (code, failure["type"], failure["retryable"]) == (FAILED, "SecretUnknown", False)


@pytest.mark.parametrize("asked", [keeps, keeps_on_thread], ids=["async", "thread"])
async def test_an_unknown_secret_fails_the_task_for_good(asked: Any) -> None:
    async with workbench() as bench:
        code, failure = await bench.run(asked, PLACE, meta=META)

    assert (code, failure["type"], failure["retryable"]) == (FAILED, "SecretUnknown", False)
    assert "PYFLOW_SECRET_TOKEN" in failure["message"]
    assert seen == []


async def test_data_cannot_ask_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", CANARY)
    monkeypatch.setenv("TOKEN", CANARY)
    async with workbench() as bench:
        await bench.run(keeps, f"{PLACE} ${{secret.OTHER}} {PLACE}", meta=META)
        await bench.run(keeps, PLACE)

    assert seen == [f"Bearer {CANARY} ${{secret.OTHER}} {PLACE}", PLACE]


async def test_every_place_is_filled_though_each_moves_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOKEN", CANARY)
    monkeypatch.setenv("A", "")
    text = "${secret.A}${secret.TOKEN}${secret.A}"
    places = [[0, 1, 12, "A"], [0, 12, 27, "TOKEN"], [0, 27, 38, "A"]]
    async with workbench() as bench:
        await bench.run(keeps, text, meta={"secrets": places})

    assert seen == [CANARY]


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_no_report_holds_a_secret(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TOKEN", CANARY)

    def leak(header: str, how: str) -> Any:
        current().heartbeat({"header": header})
        current().progress(1, 2, header)
        if how == "raise":
            raise RuntimeError(f"with {header} {header!r}") from ValueError(header)
        return {"echo": [header]}

    @task
    async def leaks(header: str, how: str) -> Any:
        return leak(header, how)

    @task
    def leaks_on_thread(header: str, how: str) -> Any:
        return leak(header, how)

    chosen = leaks if kind == "async" else leaks_on_thread
    with caplog.at_level(logging.DEBUG):
        async with workbench() as bench:
            code, output = await bench.run(chosen, PLACE, "return", meta=META)
            assert (code, output) == (COMPLETED, {"echo": ["Bearer ***"]})
            code, failure = await bench.run(chosen, PLACE, "raise", meta=META)
            assert (code, failure["message"]) == (FAILED, "with Bearer *** 'Bearer ***'")
            told = b"".join(data for _, _, data in bench.said if data)

    assert "canary" not in str(failure)
    assert b"canary" not in told
    assert b"***" in told
    assert "canary" not in caplog.text

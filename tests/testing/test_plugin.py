"""The fixture `pyflow_engine`."""

import subprocess
import sys
from pathlib import Path

import pytest

from pyflow.testing import MemoryEngine
from tests.testing.shop import remind

ROOT = Path(__file__).resolve().parents[2]


async def test_the_fixture_is_an_engine_under_test(pyflow_engine: MemoryEngine) -> None:
    assert await (await pyflow_engine.start(remind, 1)).result() == 2


@pytest.mark.parametrize("pyflow_engine", range(3), indirect=True)
async def test_a_test_may_run_with_many_seeds(pyflow_engine: MemoryEngine) -> None:
    assert await (await pyflow_engine.start(remind, 1)).result() == 2


PAGE = """
import pytest
import pyflow

@pyflow.task
async def double(value: int) -> int:
    return value * 2

@pyflow.workflow
def remind(value: int) -> int:
    return double.options(after=[pyflow.sleep(3600)])(value)

{mark}
async def test_it(pyflow_engine):
    pyflow_engine.fail("double", ConnectionError)
    run = await pyflow_engine.start(remind, 1)
    with pytest.raises(pyflow.RunFailed):
        await run.result()
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_the_fixture_works_in_a_project_of_its_own(tmp_path: Path, mode: str) -> None:
    mark = "" if mode == "auto" else "@pytest.mark.asyncio"
    (tmp_path / "test_page.py").write_text(PAGE.format(mark=mark))
    # Where the entry point is installed, this is the same fixture once more.
    (tmp_path / "conftest.py").write_text(
        "from pyflow.testing.plugin import pyflow_engine  # noqa: F401\n"
    )
    options = [f"asyncio_mode={mode}", "asyncio_default_fixture_loop_scope=function"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]

    answer = subprocess.run(
        [*command, *(f"--override-ini={option}" for option in options), str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 passed" in answer.stdout


def test_a_worker_process_starts_without_asyncio() -> None:
    program = "import sys, pyflow.worker.child; assert 'asyncio' not in sys.modules"

    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=50)


def test_the_package_costs_little_until_it_is_used() -> None:
    program = (
        "import sys, pyflow.testing; assert 'pyflow.engine' not in sys.modules; "
        "pyflow.testing.engine; assert 'pyflow.engine' in sys.modules; "
        "assert set(pyflow.testing.__all__) <= set(dir(pyflow.testing))"
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=50)

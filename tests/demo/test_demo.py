"""The whole demonstration: two processes, four runs, one SIGKILL."""

from pathlib import Path

import pytest

from pyflow.demo.scenario import main


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_is_recorded_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--dir", str(tmp_path)])

    told = capsys.readouterr().out
    assert code == 0, told
    assert "RIGHT" in told
    assert "(SIGKILL)" in told

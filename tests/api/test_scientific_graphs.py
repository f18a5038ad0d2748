"""Graphs of scientific workflows: accepted, run in order, each job once, with the right result."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import pyflow
from tests.api.scientific_graphs import SHAPES, document_of, longest_paths

RAN: list[str] = []


@pyflow.task(name="science.job")
async def science(job: str, files: list[int]) -> int:
    """Give how long the longest way to this job is: one more than that of its parents."""
    RAN.append(job)
    return 1 + max(files, default=0)


@pytest.fixture(autouse=True)
def forget() -> None:
    RAN.clear()


def written(document: dict[str, Any], path: Path) -> Path:
    if path.suffix == ".json":
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    else:
        text = yaml.dump(
            document, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=10**6
        )
        assert "&id" not in text
        path.write_text(text, encoding="utf-8")
    return path


def check(shape: str, count: int, path: Path) -> None:
    document, jobs = document_of(shape, count, "science.job")
    for task in document["tasks"]:
        task["depends_on"] = list(task["depends_on"])  # YAML would write a shared list once.
    definition = pyflow.load_definition(written(document, path))

    with pyflow.connect_sync("memory://") as engine:
        result = engine.start(definition, {}).result()

    assert definition.task_count == len(jobs)
    assert result == longest_paths(jobs)
    assert sorted(RAN) == sorted(jobs)
    place = {name: number for number, name in enumerate(RAN)}
    for job in jobs.values():
        assert all(place[parent] < place[job.name] for parent in job.parents), job


@pytest.mark.parametrize("ending", [".json", ".yaml"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_thousand_jobs_run_in_order(shape: str, ending: str, tmp_path: Path) -> None:
    check(shape, 1_000, tmp_path / f"graph{ending}")


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("shape", SHAPES)
def test_twenty_thousand_jobs_run_in_order(shape: str, tmp_path: Path) -> None:
    check(shape, 20_000, tmp_path / "graph.json")

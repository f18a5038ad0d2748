"""The error tree: stable codes, typed fields, messages, copies."""

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from pyflow import errors

EXAMPLES: list[errors.PyflowError] = [
    errors.DefinitionInvalid(problems=[errors.Problem("tasks[0].id", "x", "it is missing")]),
    errors.DefinitionUnknown(name="report", version="2", nearest=["reports"]),
    errors.DefinitionConflict(name="report", version="2", difference="tasks[1]"),
    errors.TaskTypeUnknown(task_type="fetsh", nearest=["fetch"]),
    errors.RunExists(run_id="a"),
    errors.RunFailed("charge", "ConnectionError", "refused", "Traceback ...", run_id="a"),
    errors.DeadlineExceeded(run_id="a"),
    errors.RunCancelled("not wanted", run_id="a"),
    errors.ResultTimeout(run_id="a", timeout_s=2.5),
    errors.RetryAfter(30),
    errors.ListenerLagged(7),
    errors.StoreBusy(url="sqlite:///a.db", pid=12),
    errors.SecretUnknown(name="TOKEN"),
    errors.WriteLost(token="0.3.41", position=7),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_copying_and_pickling(error: errors.PyflowError, copied: Any) -> None:
    error.add_note("seen twice")

    twin = copied(error)

    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize(("code", "kind"), errors.CODES.items())
def test_every_code_makes_its_class_and_has_its_page(
    code: str, kind: type[errors.PyflowError]
) -> None:
    error = errors.from_code(code, {"message": "so it was", "seconds": 1, "unheard_of": 1})

    assert type(error) is kind
    assert "so it was" in str(error)
    if code != "PF0000":
        assert Path(f"docs/errors/{code}.md").is_file()


def test_a_code_of_a_newer_core_is_still_an_error() -> None:
    error = errors.from_code("PF9999", {"message": "something new"})

    assert type(error) is errors.PyflowError
    assert "something new" in str(error)


def test_messages_are_made_of_the_fields() -> None:
    assert str(EXAMPLES[1]) == (
        "no definition 'report' version '2' is deployed; did you mean 'reports'? (PF1002)"
    )
    assert str(EXAMPLES[5]) == (
        "run 'a' failed at task 'charge': ConnectionError: refused (PF1201)"
    )
    assert "process 12" in str(EXAMPLES[11])
    assert "uvicorn --workers 4" in str(EXAMPLES[11])


def test_a_result_that_is_late_is_a_timeout_error() -> None:
    with pytest.raises(TimeoutError) as caught:
        raise errors.ResultTimeout(run_id="a", timeout_s=1)

    assert isinstance(caught.value, errors.PyflowError)


def test_what_a_failed_run_says_of_its_task_is_in_the_fields() -> None:
    error = errors.RunFailed("charge", "ConnectionError", "refused", "Traceback ...")

    assert (error.task_id, error.error_type, error.message, error.traceback_text) == (
        "charge", "ConnectionError", "refused", "Traceback ...",
    )  # fmt: skip


def test_a_handle_does_not_travel_with_a_pickled_error() -> None:
    error = errors.RunExists(run_id="a", run=object())

    assert pickle.loads(pickle.dumps(error)).run is None


def test_problems_may_come_as_plain_mappings() -> None:
    error = errors.from_code(
        "PF1001", {"problems": [{"path": "tasks[1]", "code": "cycle", "message": "a -> b -> a"}]}
    )

    assert isinstance(error, errors.DefinitionInvalid)
    assert error.problems == (errors.Problem("tasks[1]", "cycle", "a -> b -> a"),)

"""What stands in for a task while an engine is under test."""

from typing import Any

import pytest

from pyflow.context import current
from pyflow.definition import load_definition
from pyflow.errors import InputInvalid, NonRetryable, NotImportable, RunFailed, TaskTypeUnknown
from pyflow.events import TaskRetrying, TaskStarted
from pyflow.task import task
from pyflow.testing import MemoryEngine
from pyflow.workflow import workflow
from tests.testing import shop
from tests.testing.shop import Order, Receipt, buy, charge, fan_out, pack
from tests.workbench import give_way


async def test_a_mock_returns_what_it_is_told(pyflow_engine: MemoryEngine) -> None:
    mock = pyflow_engine.mock("charge", returns=Receipt("r-1", 3))

    run = await pyflow_engine.start(buy, "shoes", 3)

    assert await run.result() == "a box with shoes, paid by r-1"
    [call] = mock.calls
    assert call.arguments == {"order": Order("shoes", 3)}
    assert (call.context.run_id, call.context.task_id) == (run.id, "charge")
    assert shop.opened == []


async def test_a_mock_raises_what_it_is_told(pyflow_engine: MemoryEngine) -> None:
    error = NonRetryable("no money")
    pyflow_engine.mock("charge", raises=error)

    run = await pyflow_engine.start(buy, "shoes", 3)

    with pytest.raises(RunFailed, match="no money") as caught:
        await run.result()
    assert caught.value.__cause__ is error


async def test_a_mock_that_raises_is_retried_as_its_task_would_be(
    pyflow_engine: MemoryEngine,
) -> None:
    mock = pyflow_engine.mock("charge", raises=ConnectionError)

    run = await pyflow_engine.start(buy, "shoes", 3)

    with pytest.raises(RunFailed) as caught:
        await run.result()
    assert caught.value.error_type == "ConnectionError"
    assert [call.context.attempt for call in mock.calls] == [1, 2, 3, 4]
    assert caught.value.traceback_text.count("in fail") == 1


@pytest.mark.parametrize("wait", [False, True])
async def test_a_mock_calls_a_function_or_a_coroutine_function(
    pyflow_engine: MemoryEngine, wait: bool
) -> None:
    def instead(order: Order) -> Receipt:
        return Receipt(f"{order.item} {current().attempt}", 1)

    async def instead_later(order: Order) -> Receipt:
        await give_way()
        return instead(order)

    pyflow_engine.mock("charge", calls=instead_later if wait else instead)

    run = await pyflow_engine.start(buy, "shoes", 3)

    assert await run.result() == "a box with shoes, paid by shoes 1"


async def test_a_task_is_named_by_itself_its_type_or_the_end_of_that(
    pyflow_engine: MemoryEngine,
) -> None:
    for name in (pack, pack.name, "shop.pack", "pack"):
        mock = pyflow_engine.mock(name, returns=f"by {name}")

        run = await pyflow_engine.start(buy, "shoes", 3)

        assert (await run.result()).startswith(f"by {name}")
        assert len(mock.calls) == 1


async def test_a_part_of_a_word_is_no_name(pyflow_engine: MemoryEngine) -> None:
    mock = pyflow_engine.mock("p.pack", returns="wrong")

    await (await pyflow_engine.start(buy, "shoes", 3)).result()

    assert mock.calls == []
    with pytest.raises(TaskTypeUnknown, match=r"did you mean '[\w.]*\.pack'"):
        pyflow_engine.mock("ack", returns="wrong")


async def test_the_latest_mock_counts_until_it_is_removed(pyflow_engine: MemoryEngine) -> None:
    first = pyflow_engine.mock(pack, returns="first")
    second = pyflow_engine.mock(pack, returns="second")

    async def bought() -> str:
        return await (await pyflow_engine.start(buy, "shoes", 3)).result()

    assert await bought() == "second, paid by the bank"
    second.remove()
    assert await bought() == "first, paid by the bank"
    first.remove()
    first.remove()
    assert await bought() == "a box with shoes, paid by the bank"
    assert len(first.calls) == len(second.calls) == 1


async def test_a_mock_needs_exactly_one_answer(pyflow_engine: MemoryEngine) -> None:
    for answers in ({}, {"returns": None, "raises": ValueError}):
        with pytest.raises(TypeError, match="exactly one"):
            pyflow_engine.mock("charge", **answers)


async def test_a_name_that_no_task_has_is_refused(pyflow_engine: MemoryEngine) -> None:
    for mocking in (
        lambda: pyflow_engine.mock("chrage", returns=1),
        lambda: pyflow_engine.fail("chrage", ConnectionError),
    ):
        with pytest.raises(TaskTypeUnknown, match=r"did you mean '[\w.]*\.charge'") as refused:
            mocking()
        assert refused.value.task_type == "chrage"
        assert refused.value.nearest[0].endswith(".charge")
    with pytest.raises(TaskTypeUnknown, match="the whole type, with its module"):
        pyflow_engine.mock("zzzzzzzzzz", returns=1)

    pyflow_engine.mock("far.zzzzzzzzzz", returns=1)
    pyflow_engine.mock("zzzzzzzzzz", returns=2)


async def test_what_cannot_be_called_raised_or_mocked_is_refused(
    pyflow_engine: MemoryEngine,
) -> None:
    wrong: Any
    for wrong in (3, "answer", False):
        with pytest.raises(TypeError, match=r"calls is .* cannot be called"):
            pyflow_engine.mock("charge", calls=wrong)
    for wrong in ("x", 3, int):
        with pytest.raises(TypeError, match="cannot be raised; give an exception or its class"):
            pyflow_engine.mock("charge", raises=wrong)
        with pytest.raises(TypeError, match="cannot be raised; give an exception or its class"):
            pyflow_engine.fail("charge", wrong)
    for wrong in (3, charge.fn):
        with pytest.raises(TypeError, match="a task or the name of one"):
            pyflow_engine.mock(wrong, returns=1)

    assert await (await pyflow_engine.start(buy, "shoes", 3)).result() == (
        "a box with shoes, paid by the bank"
    )


async def test_nothing_may_be_returned(pyflow_engine: MemoryEngine) -> None:
    pyflow_engine.mock("double", returns=None)

    @workflow
    def once(value: int) -> Any:
        return shop.double(value)

    assert await (await pyflow_engine.start(once, 2)).result() is None


async def test_a_value_without_a_form_in_json_fails_as_it_would_in_a_task(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.mock("double", returns=object())

    run = await pyflow_engine.start(shop.remind, 2)

    with pytest.raises(RunFailed, match="JSON"):
        await run.result()


async def test_what_the_core_does_itself_is_not_mocked(pyflow_engine: MemoryEngine) -> None:
    with pytest.raises(ValueError, match="core"):
        pyflow_engine.mock("timer", returns=None)


async def test_a_type_that_only_exists_elsewhere_can_be_mocked(
    pyflow_engine: MemoryEngine,
) -> None:
    definition = load_definition(
        {
            "id": "billing",
            "tasks": [{"id": "bill", "task_type": "erp.bill", "parameters": {"to": "${input.to}"}}],
        }
    )
    mock = pyflow_engine.mock("erp.bill", returns=7)

    run = await pyflow_engine.start(definition, {"to": "me"})

    assert await run.result() == {"bill": 7}
    assert [call.arguments for call in mock.calls] == [{"to": "me"}]


async def test_an_error_handler_that_only_exists_elsewhere_can_be_mocked(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.mock("erp.bill", raises=ConnectionError("away"))
    mock = pyflow_engine.mock("erp.write_off", calls=lambda failure: failure["message"])
    bill = {
        "id": "bill",
        "task_type": "erp.bill",
        "on_error": {"task_type": "erp.write_off", "recovers": True},
    }

    run = await pyflow_engine.start(load_definition({"id": "billing", "tasks": [bill]}), {})

    assert await run.result() == {"bill": "away"}
    [call] = mock.calls
    assert call.arguments["further"][0]["task_id"] == "bill"


async def test_a_task_for_worker_processes_is_mocked_without_one(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.mock("grind", calls=lambda value: value + 1)

    assert await (await pyflow_engine.start(shop.grind_one, 2)).result() == 3


async def test_a_task_for_worker_processes_may_be_nested_where_it_is_mocked(
    pyflow_engine: MemoryEngine,
) -> None:
    @task(executor="process")
    def nested(value: int) -> int:
        return value

    @workflow
    def flow(value: int) -> int:
        return nested(value)

    with pytest.raises(NotImportable):
        await pyflow_engine.start(flow, 1)
    pyflow_engine.mock(nested, returns=5)

    assert await (await pyflow_engine.start(flow, 1)).result() == 5


async def test_so_many_attempts_fail_and_then_the_task_is_itself(
    pyflow_engine: MemoryEngine,
) -> None:
    mock = pyflow_engine.fail("charge", ConnectionError, times=2)

    run = await pyflow_engine.start(buy, "shoes", 3)

    assert await run.result() == "a box with shoes, paid by the bank"
    history = await run.history()
    retries = [event.error.type for event in history if isinstance(event, TaskRetrying)]
    assert retries == ["ConnectionError", "ConnectionError"]
    assert len(mock.calls) == 2
    assert mock.spent
    assert shop.opened == ["opened"]


async def test_attempts_that_begin_together_fail_so_many_times_in_all(
    pyflow_engine: MemoryEngine,
) -> None:
    pyflow_engine.fail("double", ConnectionError, times=3)

    @workflow
    def patiently(values: list[int]) -> int:
        return shop.add(shop.double.options(max_retries=1).map(values))

    run = await pyflow_engine.start(patiently, [1, 2, 3, 4, 5])

    assert await run.result() == 30
    started = [event for event in await run.history() if isinstance(event, TaskStarted)]
    assert len(started) == 5 + 3 + 1


async def test_a_mock_can_fail_first(pyflow_engine: MemoryEngine) -> None:
    mock = pyflow_engine.mock("charge", returns=Receipt("r-1", 3))
    pyflow_engine.fail("charge", ConnectionError("away"))

    run = await pyflow_engine.start(buy, "shoes", 3)

    assert await run.result() == "a box with shoes, paid by r-1"
    assert [call.context.attempt for call in mock.calls] == [2]


async def test_an_error_handler_hears_of_a_mocked_failure(pyflow_engine: MemoryEngine) -> None:
    pyflow_engine.fail("charge", ConnectionError)

    run = await pyflow_engine.start(shop.buy_or_apologise, "shoes", 3)

    assert await run.result() == Receipt("none: ConnectionError", 0)


async def test_failing_never_is_refused(pyflow_engine: MemoryEngine) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        pyflow_engine.fail("charge", ConnectionError, times=0)


@pytest.mark.parametrize("times", ["x", 1.5, True, None])
async def test_failing_so_many_times_takes_a_whole_number(
    pyflow_engine: MemoryEngine, times: Any
) -> None:
    with pytest.raises(InputInvalid, match="must be a whole number from 1") as refused:
        pyflow_engine.fail("double", ConnectionError, times=times)

    assert refused.value.parameter == "times"
    assert await (await pyflow_engine.start(fan_out, [1, 2])).result() == 6


async def test_a_mock_of_one_engine_is_none_of_another(pyflow_engine: MemoryEngine) -> None:
    from pyflow import testing  # noqa: PLC0415

    mock = pyflow_engine.mock("double", returns=0)
    async with testing.engine() as other:
        assert await (await other.start(fan_out, [1, 2])).result() == 6
    assert mock.calls == []
    assert repr(mock) == "<pyflow.testing.Mock 'double', called 0 times>"


async def test_a_mock_may_hold_an_attempt_up(
    pyflow_engine: MemoryEngine, a_gate: shop.Gate
) -> None:
    async def instead(order: Order) -> Receipt:
        a_gate.begun.set()
        await a_gate.may_go_on.wait()
        return Receipt("late", order.price)

    pyflow_engine.mock(charge, calls=instead)
    run = await pyflow_engine.start(buy, "shoes", 3)
    await a_gate.begun.wait()

    assert await run.task("charge").state() == "leased"
    a_gate.may_go_on.set()
    assert await run.result() == "a box with shoes, paid by late"

"""Maps over what a run is given: what is only referred to costs nothing, however large it is."""

import pytest

import pyflow

COUNT = 1_000_000


@pyflow.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@pyflow.task
async def scaled(number: int, factor: int) -> int:
    return number * factor


def test_a_large_list_of_the_input_is_passed_on_whole() -> None:
    @pyflow.workflow
    def flow(numbers: list[int], factor: int) -> int:
        return total(numbers)

    assert pyflow.run(flow, list(range(COUNT)), 3) == sum(range(COUNT))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_map_over_a_list_of_the_input_takes_as_many_items_as_a_map_may_have() -> None:
    document = {
        "id": "d",
        "tasks": [
            {"id": "each", "task_type": "noop", "for_each": "${input.data.numbers}"},
            {
                "id": "count",
                "task_type": "noop",
                "depends_on": ["each"],
                "parameters": {"x": "${input.factor}"},
            },
        ],
        "result": "${input.factor}",
    }

    async with pyflow.connect("memory://") as engine:
        definition = pyflow.load_definition(document)
        data = {"data": {"numbers": list(range(COUNT))}, "factor": 3}
        run = await engine.start(definition, data)

        assert await run.result() == 3
        assert (await run.info()).task_counts == {"completed": COUNT + 2}


async def test_items_that_share_a_part_of_a_large_input_find_it_at_once() -> None:
    @pyflow.workflow
    def flow(numbers: list[int], ballast: list[int], factor: int) -> list[int]:
        return scaled.map(numbers, factor=factor)

    numbers = list(range(2_000))

    result = pyflow.run(flow, numbers, list(range(COUNT)), 3)

    assert result == [3 * number for number in numbers]

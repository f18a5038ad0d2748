"""An event loop stays awake for the ring only where that has just answered soon."""

import asyncio

from pyflow._awake import Awake
from tests.workbench import give_way

BRIEF_S = 100e-6
LONG_S = 1.0


class Ring:
    """A ring that has its answer ready after so many looks, and a clock that each look moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.looks_until_news = 0
        self.looks = 0
        self.is_here = False
        self.heard = 0
        self.awake = Awake(asyncio.get_running_loop(), self.look, self.hear, lambda: self.now_s)

    def look(self) -> bool | None:
        self.looks += 1
        if self.is_here:
            return None
        self.now_s += BRIEF_S / 10
        return self.looks >= self.looks_until_news

    def hear(self) -> None:
        self.heard += 1
        self.awake.heard()

    def answer_a_sleeper(self, after_s: float) -> None:
        self.now_s += after_s
        self.hear()


async def pass_turns(count: int) -> None:
    for _ in range(count):
        await give_way()


async def test_it_looks_for_the_answer_where_the_one_before_came_soon() -> None:
    ring = Ring()
    ring.awake.asked()
    await pass_turns(5)
    looks_of_the_first = ring.looks
    ring.answer_a_sleeper(BRIEF_S)

    ring.looks_until_news = 3
    ring.awake.asked()
    await pass_turns(20)

    assert (looks_of_the_first, ring.looks, ring.heard) == (0, 3, 2)


async def test_it_lets_the_loop_sleep_after_an_answer_that_came_late() -> None:
    ring = Ring()
    ring.awake.asked()
    ring.answer_a_sleeper(LONG_S)

    ring.awake.asked()
    await pass_turns(20)

    assert ring.looks == 0


async def test_it_gives_up_and_does_not_look_again_until_an_answer_comes_soon() -> None:
    ring = Ring()
    ring.looks_until_news = 1_000
    ring.awake.asked()
    ring.answer_a_sleeper(BRIEF_S)
    ring.awake.asked()
    await pass_turns(500)
    looks_of_the_first = ring.looks

    ring.awake.asked()
    await pass_turns(500)

    assert 0 < looks_of_the_first == ring.looks < 500


async def test_it_lets_the_loop_sleep_where_the_ring_is_on_its_processor() -> None:
    ring = Ring()
    ring.is_here = True
    ring.awake.asked()
    ring.answer_a_sleeper(BRIEF_S)

    ring.awake.asked()
    await pass_turns(20)

    assert ring.looks == 1


async def test_others_have_their_turn_between_two_looks() -> None:
    ring = Ring()
    ring.looks_until_news = 10
    ring.awake.asked()
    ring.answer_a_sleeper(BRIEF_S)
    seen: list[int] = []

    ring.awake.asked()
    for _ in range(5):
        seen.append(ring.looks)
        await give_way()

    assert seen == [0, 1, 2, 3, 4]


async def test_a_loop_whose_door_is_closed_looks_no_more() -> None:
    ring = Ring()
    ring.looks_until_news = 10
    ring.awake.asked()
    ring.answer_a_sleeper(BRIEF_S)
    ring.awake.asked()
    await pass_turns(2)

    ring.awake.end()
    looks = ring.looks
    await pass_turns(5)

    assert ring.looks == looks

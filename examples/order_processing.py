"""Order processing with a real database, safe against a crash at any moment.

The work and the update of the order's row are tasks of their own: what the work gave is recorded
before the row is touched, and writing the row again changes nothing. Kill this program when you
like and start it again: the run goes on where it was, and the table is right.

    python examples/order_processing.py orders.db 7 3 250
"""

import argparse
import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Literal

import msgspec

import pyflow
from pyflow.events import Event, TaskEvent
from pyflow.tasks.settings import TaskSettings, use_settings
from pyflow.tasks.table_process import TableProcess

TABLE = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY,
    amount INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'new',
    receipt TEXT
)
"""


class Order(msgspec.Struct):
    """An order as it comes in; `amount` is in cents."""

    order_id: str
    amount: int


class OrderStatus(msgspec.Struct):
    """What became of an order."""

    order_id: str
    status: Literal["paid", "rejected"]
    receipt: str | None = None


@pyflow.task(max_retries=3)
async def process_order(order: Order) -> OrderStatus:
    """Charge the customer, under the task's key so that a repeated attempt charges once."""
    if order.amount <= 0:
        return OrderStatus(order.order_id, "rejected")
    return OrderStatus(order.order_id, "paid", f"receipt of {pyflow.current().idempotency_key}")


def _columns(result: OrderStatus) -> dict[str, Any]:
    return {"status": result.status, "receipt": result.receipt}


ORDERS = TableProcess(process_order, table="orders", key_column="id", columns=_columns)
update_order = ORDERS.as_update_task("update_order")


@pyflow.workflow
def handle_order(order: Order) -> OrderStatus:
    """Do the work, then put its result into the order table."""
    result = process_order(order)
    update_order.options(id="update_order", max_retries=20)(result.order_id, result)
    return result


def _tell(events: Sequence[Event]) -> None:
    for each in events:
        if isinstance(each, TaskEvent):
            print(f"{each.run_id}: {each.kind} {each.task_id}", flush=True)


async def main() -> None:
    """Take the orders that are named, and finish those that an earlier process left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", help="a SQLite file; the store is put beside it")
    parser.add_argument("amounts", nargs="*", type=int, help="the amount of each order, in cents")
    options = parser.parse_args()
    orders = [Order(f"order-{n}", amount) for n, amount in enumerate(options.amounts, start=1)]
    with closing(sqlite3.connect(options.database)) as connection, connection:
        connection.execute(TABLE)
        connection.executemany(
            "INSERT OR IGNORE INTO orders (id, amount) VALUES (?, ?)",
            [(each.order_id, each.amount) for each in orders],
        )
    use_settings(TaskSettings(databases={"default": f"sqlite:///{options.database}"}))
    async with pyflow.connect(f"sqlite:///{options.database}.pyflow") as engine:
        engine.add_listener(_tell)
        left = (await engine.list_runs(status="running")).runs
        recovered = [engine.get_run(each.run_id, handle_order) for each in left]
        # An order that was taken before gives the run that it has.
        taken = [
            await engine.start(handle_order, order, idempotency_key=order.order_id)
            for order in orders
        ]
        for run in [*recovered, *taken]:
            await run.result()
    print(f"{len(left)} orders recovered, {len(orders)} taken, all done", flush=True)


if __name__ == "__main__":
    asyncio.run(main())

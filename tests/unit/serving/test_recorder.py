"""The recorder: many answers a commit, and each hears what became of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from nevus.serving.recorder import Recorder
from nevus.store import Store, StoreSettings, open_store
from nevus.store.failures import StoreBusyError, StoreError

HELD_SECONDS = 0.3
ANSWERS = 20


class HeldStore:
    """A store that another process keeps: every unit waits for it, in vain."""

    @contextmanager
    def append(self, *, survive_power_loss: bool = False) -> Iterator[sa.Connection]:
        del survive_power_loss
        time.sleep(HELD_SECONDS)
        raise StoreBusyError("held")
        yield


async def record_all(recorder: Recorder, statements: list[str]) -> list[object]:
    jobs = [recorder.record((), lambda connection, s=s: connection.exec_driver_sql(s)) for s in statements]
    return list(await asyncio.gather(*jobs, return_exceptions=True))


def test_all_who_wait_for_a_store_that_is_away_hear_it_at_once() -> None:
    recorder = Recorder(cast("Store", HeldStore()), others=lambda: True)
    began = time.monotonic()
    told = asyncio.run(record_all(recorder, ["-- nothing"] * ANSWERS))
    took = time.monotonic() - began
    recorder.close()
    assert all(isinstance(one, StoreBusyError) for one in told)
    assert took < ANSWERS * HELD_SECONDS / 4  # two or three waits, not one for each


def test_an_answer_that_is_refused_takes_no_other_with_it(tmp_path: Path) -> None:
    with open_store(StoreSettings(home=tmp_path)) as store:
        with store.append() as connection:
            connection.exec_driver_sql("CREATE TABLE noted (n INTEGER PRIMARY KEY)")
        recorder = Recorder(store, others=lambda: True)
        statements = [f"INSERT INTO noted VALUES ({n})" for n in (1, 2, 2, 3)]
        told = asyncio.run(record_all(recorder, statements))
        recorder.close()
        with store.read() as session:
            assert session.scalars(sa.text("SELECT n FROM noted ORDER BY n")).all() == [1, 2, 3]
    assert [one is None for one in told] == [True, True, False, True]
    assert isinstance(told[2], StoreError)


@pytest.mark.parametrize("survive", [False, True])
def test_what_was_told_is_in_the_database(tmp_path: Path, survive: bool) -> None:
    with open_store(StoreSettings(home=tmp_path)) as store:
        with store.append() as connection:
            connection.exec_driver_sql("CREATE TABLE noted (n INTEGER PRIMARY KEY)")
        recorder = Recorder(store, survive_power_loss=survive)
        told = asyncio.run(record_all(recorder, [f"INSERT INTO noted VALUES ({n})" for n in range(50)]))
        with store.read() as session:
            assert session.scalar(sa.text("SELECT count(*) FROM noted")) == 50
        recorder.close()
    assert told == [None] * 50


def test_what_nobody_waits_for_any_more_is_not_written(tmp_path: Path) -> None:
    with open_store(StoreSettings(home=tmp_path)) as store:
        with store.append() as connection:
            connection.exec_driver_sql("CREATE TABLE noted (n INTEGER PRIMARY KEY)")
        recorder = Recorder(store)
        insert = "INSERT INTO noted VALUES ({})"

        async def give_up_while_the_store_is_held() -> None:
            with store.write():  # the recorder waits for its turn
                hasty = asyncio.ensure_future(recorder.record((), lambda c: c.exec_driver_sql(insert.format(1))))
                patient = asyncio.ensure_future(recorder.record((), lambda c: c.exec_driver_sql(insert.format(2))))
                await asyncio.sleep(0.2)
                hasty.cancel()
                await asyncio.sleep(0)
            await patient

        asyncio.run(give_up_while_the_store_is_held())
        recorder.close()
        with store.read() as session:
            assert session.scalars(sa.text("SELECT n FROM noted")).all() == [2]

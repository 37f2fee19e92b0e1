"""Names for rows are new everywhere, and sort by time."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import uuid

from nevus.store.ids import new_id


def test_names_are_uuids_of_version_7_that_sort_by_time() -> None:
    before = time.time_ns() // 1_000_000
    names = []
    for _ in range(5):
        names.append(new_id())
        time.sleep(0.002)
    assert names == sorted(names)
    first = uuid.UUID(names[0])
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert before <= first.int >> 80 <= before + 1000


def test_a_seed_that_somebody_sets_repeats_no_name() -> None:
    names = []
    for _ in range(2):
        random.seed(0)
        names.append(new_id()[15:])
    assert names[0] != names[1]


def test_a_forked_process_makes_other_names() -> None:
    read, write = os.pipe()

    def tell() -> None:
        os.write(write, "".join(new_id()[-12:] for _ in range(4)).encode())

    children = [multiprocessing.get_context("fork").Process(target=tell) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    told = os.read(read, 1000).decode()
    names = {told[at : at + 12] for at in range(0, len(told), 12)} | {new_id()[-12:] for _ in range(4)}
    assert len(names) == 12

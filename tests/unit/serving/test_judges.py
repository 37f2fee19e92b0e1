"""Images that wait are taken a few at a time: each gets its own answer, whatever becomes of its neighbours."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from nevus.bundle import Metadata, Predictor
from nevus.imaging import decode_image
from nevus.serving import judges as judges_module
from nevus.serving import judging
from nevus.serving.errors import ProblemError
from nevus.serving.judges import MOST_TOGETHER, Judges
from nevus.serving.judging import Subject, Task
from nevus.serving.lineup import LoadedModel
from nevus.store.blobs import BlobsError, open_blobs
from serving_factory import drawn, tiny_bundle

SUBJECT = Subject(Metadata(55.0, "female", "back"))


@pytest.fixture
def models(tmp_path: Path):
    with (
        Predictor(tiny_bundle(tmp_path / "a"), threads=1) as one,
        Predictor(tiny_bundle(tmp_path / "b", gain=2.0), threads=1) as two,
    ):
        yield LoadedModel(one, "demo", 1), LoadedModel(two, "demo", 2)


def task(model: LoadedModel, image: bytes, request_id: str = "r") -> Task:
    return Task(model, image, SUBJECT, request_id, None, "champion")


async def held_up(judges: Judges, *tasks: Task, gate: threading.Event):
    """Put all of them into the queue while its one thread is busy, then let it go on."""
    before = asyncio.ensure_future(judges.run(gate.wait))
    jobs = [asyncio.ensure_future(judges.judge(one)) for one in tasks]
    await asyncio.sleep(0.05)
    gate.set()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    await before
    return results


@pytest.fixture
def judges(tmp_path: Path):
    made = Judges(1, open_blobs(None, tmp_path / "home"))
    yield made
    made.close()


def test_each_image_gets_the_answer_that_it_gets_alone(models, judges):
    images = [drawn(name, number) for number, name in enumerate(("nv", "mel", "bcc", "nv", "mel", "bkl"))]
    mixed = [task(models[n % 3 == 2], image, f"r{n}") for n, image in enumerate(images)]
    found = asyncio.run(held_up(judges, *mixed, gate=threading.Event()))
    for number, (asked, one) in enumerate(zip(mixed, found, strict=True)):
        alone = asked.model.predictor.answer(asked.data, SUBJECT.metadata)
        assert one.prediction == alone
        assert one.row["request_id"] == f"r{number}"
        assert one.row["version"] == asked.model.version
        assert set(one.row["latency"]) == {"decode", "frame", "infer", "keep", "total"}


def test_neighbours_of_a_broken_image_are_answered(models, judges):
    images = [drawn("nv", 1), b"no image", drawn("mel", 2)]
    found = asyncio.run(held_up(judges, *(task(models[0], image) for image in images), gate=threading.Event()))
    assert isinstance(found[1], ProblemError)
    assert found[1].status == 422
    assert [found[n].prediction.verdict for n in (0, 2)]


def test_neighbours_of_an_image_that_the_graph_fails_on_are_answered(models, judges, monkeypatch):
    model, bad = models[0], drawn("nv", 7)
    whole = model.predictor.answer_together

    def fails(images, metadata):
        if bad in images:
            raise RuntimeError("the graph fails")
        return whole(images, metadata)

    monkeypatch.setattr(model.predictor, "answer_together", fails)
    images = [drawn("nv", 1), bad, drawn("mel", 2)]
    found = asyncio.run(held_up(judges, *(task(model, image) for image in images), gate=threading.Event()))
    assert str(found[1]) == "the graph fails"
    assert found[0].prediction == whole([images[0]], [SUBJECT.metadata])[0]
    assert found[2].prediction == whole([images[2]], [SUBJECT.metadata])[0]


def test_neighbours_of_a_picture_that_can_not_be_kept_are_answered(models, tmp_path):
    class Full:
        def __init__(self, whole, refused):
            self.whole, self.refused = whole, refused

        def put(self, key, data):
            if self.refused in key:
                raise BlobsError("no room")
            self.whole.put(key, data)

    images = [drawn("nv", 1), drawn("mel", 2)]
    home = open_blobs(None, tmp_path / "home")
    first = Judges(1, home)
    kept = asyncio.run(held_up(first, *(task(models[0], image) for image in images), gate=threading.Event()))
    first.close()
    judges = Judges(1, Full(home, kept[1].row["image_hash"]))
    found = asyncio.run(held_up(judges, *(task(models[0], image) for image in images), gate=threading.Event()))
    judges.close()
    assert found[0].row["image_key"] == kept[0].row["image_key"]
    assert isinstance(found[1], BlobsError)


def test_a_thread_takes_a_few_and_leaves_others_to_idle_threads(models, judges, monkeypatch):
    sizes: list[int] = []
    whole = models[0].predictor.answer_together

    def counted(images, metadata):
        sizes.append(len(images))
        return whole(images, metadata)

    monkeypatch.setattr(models[0].predictor, "answer_together", counted)
    images = [drawn("nv", number) for number in range(MOST_TOGETHER + 3)]
    asyncio.run(held_up(judges, *(task(models[0], image) for image in images), gate=threading.Event()))
    assert sizes == [MOST_TOGETHER, 3]
    sizes.clear()
    asyncio.run(held_up(judges, task(models[0], images[0]), gate=threading.Event()))
    assert sizes == [1]


def test_nobody_computes_for_one_who_has_gone(models, judges, monkeypatch):
    seen: list[bytes] = []
    whole = models[0].predictor.answer_together

    def noted(images, metadata):
        seen.extend(images)
        return whole(images, metadata)

    monkeypatch.setattr(models[0].predictor, "answer_together", noted)

    async def leave() -> None:
        gate = threading.Event()
        before = asyncio.ensure_future(judges.run(gate.wait))
        gone, stays = (asyncio.ensure_future(judges.judge(task(models[0], drawn("nv", n)))) for n in (1, 2))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(before, stays)

    asyncio.run(leave())
    assert seen == [drawn("nv", 2)]


def test_large_images_that_must_be_decoded_in_full_are_decoded_once_and_one_at_a_time(models, tmp_path, monkeypatch):
    monkeypatch.setattr(judges_module, "LARGE_PIXELS", 1000)
    decoding, most, times = 0, 0, 0

    def watched(data, **options):
        nonlocal decoding, most, times
        decoding, times = decoding + 1, times + 1
        most = max(most, decoding)
        time.sleep(0.02)
        try:
            return decode_image(data, **options)
        finally:
            decoding -= 1

    monkeypatch.setattr(judging, "decode_image", watched)
    images = [as_png(drawn("nv", number)) for number in range(5)]

    async def all_at_once(judges):
        return await asyncio.gather(*(judges.judge(task(models[0], image)) for image in images))

    blobs = open_blobs(None, tmp_path / "home")
    judges = Judges(3, blobs)
    found = asyncio.run(all_at_once(judges))
    judges.close()
    assert (times, most) == (len(images), 1)
    for image, one in zip(images, found, strict=True):
        assert one.prediction == models[0].predictor.answer(image, SUBJECT.metadata)
        kept = decode_image(blobs.get(one.row["image_key"])).pixels
        assert (kept == decode_image(image).pixels).all()
        assert one.row["latency"]["decode"] >= 20


def test_no_other_image_waits_for_a_large_one(models, judges, monkeypatch):
    small, large = drawn("nv", 1), as_png(drawn("nv", 2))
    monkeypatch.setattr(judges_module, "LARGE_PIXELS", 1000)
    go_on = threading.Event()

    def held(data, **options):
        go_on.wait(10)
        return decode_image(data, **options)

    monkeypatch.setattr(judging, "decode_image", held)

    async def both() -> None:
        slow = asyncio.ensure_future(judges.judge(task(models[0], large)))
        assert (await asyncio.wait_for(judges.judge(task(models[0], small)), 5)).row["image_type"] == "image/jpeg"
        assert not slow.done()
        go_on.set()
        assert (await slow).row["image_type"] == "image/png"

    asyncio.run(both())


def as_png(data: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_waits_is_done_before_the_end(models, tmp_path):
    async def close_early() -> list[object]:
        judges, gate = Judges(2, open_blobs(None, tmp_path / "home")), threading.Event()
        blockers = [asyncio.ensure_future(judges.run(gate.wait)) for _ in range(2)]
        jobs = [asyncio.ensure_future(judges.judge(task(models[0], drawn("nv", n)))) for n in range(9)]
        await asyncio.sleep(0.05)
        closing = asyncio.get_running_loop().run_in_executor(None, judges.close)
        gate.set()
        await asyncio.gather(*blockers, closing)
        return await asyncio.wait_for(asyncio.gather(*jobs), 10)

    assert len(asyncio.run(close_early())) == 9

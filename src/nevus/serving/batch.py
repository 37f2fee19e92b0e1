"""Many images of a request: each judged on its own, a few at a time, and all stored before the answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nevus.bundle import Metadata
from nevus.errors import InputError
from nevus.serving.answers import prediction_answer
from nevus.serving.bodies import PatientKey, PlainText
from nevus.serving.errors import ProblemError
from nevus.serving.judging import Subject, Task
from nevus.serving.lineup import LoadedModel
from nevus.serving.problems import refusal
from nevus.serving.routing import choose
from nevus.serving.service import Service

LONGEST_NAME = 200


class Said(BaseModel):
    """What is known of one image of a batch."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=LONGEST_NAME, description="the file's name, to find it again")
    age: float | None = Field(default=None, ge=0, le=120, description="years")
    sex: PlainText | None = Field(default=None, max_length=40)
    site: PlainText | None = Field(default=None, max_length=80)
    patient: PatientKey | None = Field(default=None, description="your key of the patient")
    lesion: PatientKey | None = Field(default=None, description="your key of the lesion")


@dataclass(frozen=True)
class Item:
    """read: gives the image's bytes when its turn comes. said: as it was sent, looked at when its turn comes."""

    name: str | None
    read: Callable[[], Awaitable[bytes]]
    said: Any


@dataclass(frozen=True)
class Batch:
    """What came of a batch: the answers in the order of its items, and the rows to store."""

    results: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    models: list[LoadedModel]
    shadowed: list[tuple[LoadedModel, bytes, Subject, dict[str, Any]]]

    def totals(self) -> dict[str, Any]:
        """Counts over the batch."""
        return {
            "images": len(self.results),
            "errors": sum("error" in one for one in self.results),
            "by_verdict": dict(Counter(row["verdict"] for row in self.rows)),
            "by_diagnosis": dict(Counter(row["diagnosis"] for row in self.rows if row["diagnosis"])),
        }


@dataclass(frozen=True)
class _Done:
    row: dict[str, Any]
    model: LoadedModel
    shadow: tuple[LoadedModel, bytes, Subject, dict[str, Any]] | None


async def judge_batch(
    service: Service, items: Sequence[Item], *, model: str | None, key_id: str | None, request_id: str
) -> Batch:
    """Judge the items, as many at once as there are threads, so that a single image waits for one of them at most.

    Raises:
        ProblemError: no model, or none of that name, is loaded.
        NevusError: something failed that is no fault of an item; nothing is to be stored.
    """
    choose(service, model, patient=None, lesion=None, request_id=request_id)  # refuse all before reading the first
    found: list[_Done | dict[str, Any]] = [{}] * len(items)
    waiting = iter(enumerate(items))

    async def work() -> None:
        for number, item in waiting:
            try:
                found[number] = await _judge(service, item, model, key_id=key_id, request_id=request_id)
            except (InputError, ProblemError, ValidationError) as error:
                refused = refusal(error)
                if refused["status"] >= 500 or refused["status"] == 429:
                    raise
                service.metrics.refused(refused["reason"], refused["status"])
                found[number] = refused

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(service.threads, len(items))):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return _gathered(items, found)


async def _judge(service: Service, item: Item, model: str | None, *, key_id: str | None, request_id: str) -> _Done:
    said = Said.model_validate(item.said)
    names = service.pseudonyms
    subject = Subject(
        Metadata(said.age, said.sex, said.site),
        names.patient(said.patient) if said.patient else None,
        names.lesion(said.patient, said.lesion) if said.lesion else None,
    )
    data = await item.read()
    route = choose(service, model, patient=subject.patient_hash, lesion=subject.lesion_hash, request_id=request_id)
    judged = await service.judge(Task(route.model, data, subject, request_id, key_id, route.arm))
    shadow = (route.shadow, data, subject, judged.row) if route.shadow is not None else None
    return _Done(judged.row, route.model, shadow)


def _gathered(items: Sequence[Item], found: Sequence[_Done | dict[str, Any]]) -> Batch:
    batch = Batch([], [], [], [])
    for item, one in zip(items, found, strict=True):
        if not isinstance(one, _Done):
            batch.results.append({"name": item.name, "error": one})
            continue
        batch.results.append({"name": item.name, "prediction": prediction_answer(one.row) | {"name": item.name}})
        batch.rows.append(one.row)
        batch.models.append(one.model)
        if one.shadow is not None:
            batch.shadowed.append(one.shadow)
    return batch

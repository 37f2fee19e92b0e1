import json
from datetime import UTC, datetime

import pytest

from nevus.pipeline.artefacts import describe
from nevus.pipeline.records import (
    Basis,
    CompletionRecord,
    mark_begun,
    read_record,
    remove_record,
    was_begun_on,
    write_record,
)

BASIS = Basis(step="train", inputs={"split": "ab"}, settings={"epochs": 3})


@pytest.fixture
def record(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"123")
    now = datetime.now(UTC)
    return CompletionRecord(
        step="train",
        basis=BASIS,
        basis_fingerprint=BASIS.fingerprint,
        settings_fingerprint="x",
        code_revision="0.1.0+gabc",
        passed=True,
        summary={"epochs": 3, "curve": [0.1, None]},
        started_at=now,
        finished_at=now,
        seconds=1.5,
        artefacts={"model": describe(tmp_path, "model")},
    )


def test_a_record_is_read_as_it_was_written_and_ends_the_note_of_the_beginning(tmp_path, record):
    mark_begun(tmp_path, "train", BASIS)
    assert was_begun_on(tmp_path, "train", BASIS)
    write_record(tmp_path, record)
    assert read_record(tmp_path, "train") == record
    assert not was_begun_on(tmp_path, "train", BASIS)
    assert [p.name for p in (tmp_path / "steps").iterdir()] == ["train.json"]
    remove_record(tmp_path, "train")
    assert read_record(tmp_path, "train") is None


@pytest.mark.parametrize("damage", [lambda t: t[: len(t) // 2], lambda t: "[]", lambda t: "{}", lambda t: "\udcff"[:0]])
def test_a_damaged_record_means_that_the_step_is_not_done(tmp_path, record, damage):
    write_record(tmp_path, record)
    path = tmp_path / "steps" / "train.json"
    path.write_text(damage(path.read_text()))
    assert read_record(tmp_path, "train") is None


def test_a_record_of_a_newer_format_means_that_the_step_is_not_done(tmp_path, record):
    write_record(tmp_path, record)
    path = tmp_path / "steps" / "train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 2}))
    assert read_record(tmp_path, "train") is None


@pytest.mark.parametrize(
    "other",
    [
        {"inputs": {"split": "cd"}},
        {"settings": {"epochs": 4}},
        {"external": {"images": "e"}},
        {"inputs": {"split": "ab", "more": "x"}},
    ],
)
def test_half_done_files_belong_to_their_own_inputs_and_settings_only(tmp_path, other):
    mark_begun(tmp_path, "train", BASIS)
    changed = BASIS.model_copy(update=other)
    assert changed.fingerprint != BASIS.fingerprint
    assert not was_begun_on(tmp_path, "train", changed)

import numpy as np
import pytest

from nevus.pipeline import execute as module
from nevus.pipeline.execute import StepContractError, execute
from nevus.pipeline.records import read_record
from nevus.pipeline.step import Outcome, Pipeline, StepSpec
from nevus.settings import Section


class Part(Section):
    epochs: int = 3
    workers: int = 2


class Tree(Section):
    part: Part = Part()
    other: Part = Part()


class Both(Section):
    """A section put together for a step, with the tree's names."""

    part: Part
    other: Part


def pipeline(outcome=None, settings=lambda tree: tree.part, **own):
    step = StepSpec("train", lambda section, inputs, output: outcome or Outcome(), settings, **own)
    return Pipeline((step,), neutral=frozenset({"part.workers"}))


def test_other_code_is_said_but_does_not_undo_what_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "code_revision", lambda: "0.1.0+gaaa")
    execute(pipeline(), "train", Tree(), tmp_path)
    monkeypatch.setattr(module, "code_revision", lambda: "0.1.0+gbbb")
    notices = []
    result = execute(pipeline(), "train", Tree(), tmp_path, notice=notices.append)
    assert result.status == "skipped"
    assert notices == ["train was made by nevus 0.1.0+gaaa and is kept; this is 0.1.0+gbbb"]
    assert read_record(tmp_path, "train").code_revision == "0.1.0+gaaa"


def test_neutral_keys_are_known_in_a_section_and_in_one_put_together_for_the_step(tmp_path):
    execute(pipeline(), "train", Tree(), tmp_path)
    assert read_record(tmp_path, "train").basis.settings == {"epochs": 3}
    both = pipeline(settings=lambda tree: Both(part=tree.part, other=tree.other))
    result = execute(both, "train", Tree(), tmp_path)
    assert result.reason == "settings changed: epochs, part, other"
    assert read_record(tmp_path, "train").basis.settings == {
        "part": {"epochs": 3},
        "other": {"epochs": 3, "workers": 2},
    }


def test_the_reason_for_running_again_names_the_settings_that_changed(tmp_path):
    execute(pipeline(), "train", Tree(), tmp_path)
    reasons = []
    execute(pipeline(), "train", Tree(part=Part(epochs=4, workers=9)), tmp_path, starting=reasons.append)
    assert reasons == ["settings changed: epochs"]


def test_a_summary_that_is_not_plain_json_is_a_defect_of_the_step(tmp_path):
    with pytest.raises(StepContractError, match="summary of step train is not plain JSON"):
        execute(pipeline(Outcome(summary={"n": np.int64(3)})), "train", Tree(), tmp_path)
    assert read_record(tmp_path, "train") is None


def test_the_record_is_gone_while_the_step_runs(tmp_path):
    seen = []

    def look(section, inputs, output):
        seen.append(read_record(tmp_path, "look"))
        return Outcome()

    looking = Pipeline((StepSpec("look", look, lambda tree: tree.part),))
    execute(looking, "look", Tree(), tmp_path)
    execute(looking, "look", Tree(), tmp_path, force=True)
    assert seen == [None, None]


def test_what_a_killed_run_was_building_beside_an_output_is_removed(tmp_path):
    for name in (".draft.partial-4711", ".draft.old-4711", ".draftsman.partial-4711"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.onnx").write_text("half")

    def write(section, inputs, output):
        (tmp_path / "draft").mkdir()
        return Outcome()

    execute(
        Pipeline((StepSpec("train", write, lambda tree: tree.part, outputs={"draft": "draft"}),)),
        "train",
        Tree(),
        tmp_path,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draftsman.partial-4711", "draft", "steps"]

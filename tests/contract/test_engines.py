"""What every engine must do, whatever it runs the steps on."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import pipeline_factory
from nevus.errors import StorageFullError
from nevus.pipeline.engines import LocalEngine
from nevus.pipeline.execute import MissingInputError, StepContractError
from nevus.pipeline.lock import FolderLockedError
from nevus.pipeline.records import read_record
from nevus.pipeline.run_settings import ForeignFolderError, SettingsDifferError
from nevus.pipeline.step import Outcome, Pipeline, PipelineError, StepSpec
from pipeline_factory import ORDER, PIPELINE, JudgeSettings, NumbersSettings, Tree, outputs_of

STRICT = Tree(judge=JudgeSettings(limit=3))


@pytest.fixture
def trace(tmp_path, monkeypatch):
    path = tmp_path / "trace.txt"
    path.touch()
    monkeypatch.setenv("NEVUS_TEST_TRACE", str(path))
    return path


def begun(trace):
    """How often each step was begun."""
    lines = trace.read_text().split()
    return [sum(line == f"{step}:begin" for line in lines) for step in ORDER]


def looking_ahead(asked=None):
    """The pipeline whose judge refuses, before anything runs, a limit below ten."""

    def preflight(section):
        if asked is not None:
            asked.append(section.limit)
        if section.limit < 10:
            raise pipeline_factory.RefusedError(f"limit {section.limit} is none")

    steps = (replace(step, preflight=preflight) if step.name == "judge" else step for step in PIPELINE.steps)
    return Pipeline(tuple(steps), PIPELINE.neutral)


class EngineContract:
    """Inherit this, and give the engine."""

    engine: object

    @pytest.fixture
    def out(self, tmp_path):
        return tmp_path / "out"

    def run(self, out, tree=None, **options):
        return self.engine.run(options.pop("pipeline", PIPELINE), tree or Tree(), str(out), **options)

    def test_steps_run_after_those_they_need_and_leave_artefacts_and_records(self, out, trace):
        result = self.run(out)
        assert [step.step for step in result.steps] == list(ORDER)
        assert [step.status for step in result.steps] == ["done"] * 5
        assert result.passed
        assert json.loads((out / "doubled.json").read_text()) == [0, 2, 4, 6, 8]
        record = read_record(out, "double")
        assert record.artefacts["doubled"].path == "doubled.json"
        assert record.basis.inputs == {"numbers": read_record(out, "numbers").artefacts["numbers"].sha256}
        assert record.basis.settings == {"factor": 2}
        assert record.timings == {"doubling": 0.25}
        assert record.started_at <= record.finished_at
        assert record.code_revision
        assert read_record(out, "judge").summary == {"total": 20}

    def test_what_is_done_is_skipped(self, out, trace):
        first = self.run(out)
        again = self.run(out)
        assert [step.status for step in again.steps] == ["skipped"] * 5
        assert [step.record for step in again.steps] == [step.record for step in first.steps]
        assert begun(trace) == [1, 1, 1, 1, 1]

    def test_a_no_is_a_result_that_others_branch_on(self, out, trace):
        result = self.run(out, STRICT)
        assert not result.passed
        assert {step.step: step.status for step in result.steps if step.status != "done"} == {"announce": "left_out"}
        assert (result["judge"].passed, result["register"].passed) == (False, True)
        assert read_record(out, "judge").passed is False
        assert json.loads((out / "registered.json").read_text()) == {"state": "rejected"}
        assert not (out / "announced.json").exists()
        assert read_record(out, "announce") is None
        assert [step.status for step in self.run(out, STRICT).steps] == ["skipped"] * 4 + ["left_out"]

    def test_a_missing_or_changed_artefact_is_made_again_and_what_follows_only_if_it_came_out_otherwise(
        self, out, trace
    ):
        self.run(out)
        (out / "doubled.json").unlink()
        assert [s.status for s in self.run(out).steps] == ["skipped", "done", "skipped", "skipped", "skipped"]
        (out / "numbers" / "3.json").write_text("4")  # same size, other content
        reasons = {step.step: step.reason for step in self.run(out).steps if step.status == "done"}
        assert reasons == {"numbers": "numbers has changed"}
        assert outputs_of(out)["numbers/3.json"] == "3"

    def test_touching_an_artefact_without_changing_it_changes_nothing(self, out, trace):
        self.run(out)
        os.utime(out / "doubled.json", (1, 1))
        assert begun(trace) == [1, 1, 1, 1, 1]
        assert {step.status for step in self.run(out).steps} == {"skipped"}

    def test_what_lies_outside_is_watched_where_a_step_says_so(self, out, trace):
        seen = {"images": "a"}
        watching = StepSpec(
            "numbers",
            pipeline_factory.numbers,
            lambda t: t.numbers,
            outputs={"numbers": "numbers"},
            external=lambda section, inputs: dict(seen),
        )
        pipeline = Pipeline((watching, *(s for s in PIPELINE.steps if s.name != "numbers")), PIPELINE.neutral)
        self.run(out, pipeline=pipeline)
        assert begun(trace)[0] == 1
        seen["images"] = "b"
        result = self.run(out, pipeline=pipeline)
        assert result["numbers"].reason == "external changed: images"
        assert result["double"].status == "skipped"  # the numbers came out the same

    def test_neutral_settings_may_change_and_nothing_runs_again(self, out, trace):
        self.run(out)
        result = self.run(out, Tree(numbers=NumbersSettings(workers=8)))
        assert {step.status for step in result.steps} == {"skipped"}

    def test_other_settings_are_refused_key_by_key_with_the_remedy_and_nothing_is_touched(self, out, trace):
        self.run(out)
        before = {f: f.stat().st_mtime_ns for f in out.rglob("*") if f.is_file() and f.name != ".nevus.lock"}
        with pytest.raises(SettingsDifferError) as caught:
            self.run(out, Tree(numbers=NumbersSettings(count=7), judge=JudgeSettings(limit=3)))
        said = str(caught.value)
        assert "numbers.count: 5 -> 7" in said
        assert "judge.limit: 1000 -> 3" in said
        assert "workers" not in said
        assert "--out" in said
        assert "--set numbers.count=5 --set judge.limit=1000" in said
        assert caught.value.exit_code == 2
        assert before == {f: f.stat().st_mtime_ns for f in out.rglob("*") if f.is_file() and f.name != ".nevus.lock"}

    def test_a_run_that_was_refused_may_be_told_otherwise_and_keeps_what_it_had_done(self, out, trace, monkeypatch):
        """Someone who misspelt the policy mustn't train again for it."""
        monkeypatch.setenv("NEVUS_TEST_REFUSE", "judge")
        with pytest.raises(pipeline_factory.RefusedError):
            self.run(out)
        monkeypatch.delenv("NEVUS_TEST_REFUSE")
        events = []
        result = self.run(out, STRICT, listener=events.append)
        assert [step.status for step in result.steps] == ["skipped", "skipped", "done", "done", "left_out"]
        assert [e.text for e in events if e.kind == "notice"] == [
            "instead of a setting that was refused: judge.limit: 1000 -> 3"
        ]
        with pytest.raises(SettingsDifferError, match=r"judge\.limit: 3 -> 1000"):
            self.run(out)

    def test_a_refusal_of_a_run_that_had_been_further_binds_its_folder_still(self, out, trace, monkeypatch):
        """A dataset that has moved away since is no leave to write other results over the finished ones."""
        self.run(out)
        monkeypatch.setenv("NEVUS_TEST_REFUSE", "judge")
        with pytest.raises(pipeline_factory.RefusedError):
            self.run(out, force=["judge"])
        monkeypatch.delenv("NEVUS_TEST_REFUSE")
        with pytest.raises(SettingsDifferError):
            self.run(out, STRICT)
        assert self.run(out)["judge"].status == "done"

    def test_what_can_be_refused_beforehand_is_refused_before_the_first_step_and_binds_nothing(self, out, trace):
        events = []
        with pytest.raises(pipeline_factory.RefusedError, match="limit 3"):
            self.run(out, STRICT, pipeline=looking_ahead(), listener=events.append)
        assert begun(trace) == [0, 0, 0, 0, 0]
        assert [(e.kind, e.step) for e in events] == [("failed", "judge")]
        assert self.run(out, pipeline=looking_ahead()).passed

    def test_of_steps_that_are_done_nothing_is_looked_at_beforehand(self, out, trace):
        asked = []
        pipeline = looking_ahead(asked)
        self.run(out, pipeline=pipeline, only=["numbers"])
        assert asked == []
        self.run(out, pipeline=pipeline)
        self.run(out, pipeline=pipeline)
        assert asked == [1000]
        self.run(out, pipeline=pipeline, force=["double"])  # what comes after it may have to run again
        assert asked == [1000, 1000]

    def test_steps_called_out_of_order_release_nothing(self, out, trace):
        with pytest.raises(MissingInputError):
            self.run(out, only=["judge"])
        with pytest.raises(SettingsDifferError):
            self.run(out, STRICT)

    def test_files_that_no_run_left_are_not_overwritten(self, out, trace):
        out.mkdir()
        (out / "verdict.json").write_text("mine")
        with pytest.raises(ForeignFolderError, match=r"already holds verdict\.json"):
            self.run(out)
        assert (out / "verdict.json").read_text() == "mine"
        assert begun(trace) == [0, 0, 0, 0, 0]

    def test_single_steps_run_if_what_they_need_is_done(self, out, trace):
        with pytest.raises(MissingInputError, match=r"step double needs step numbers, but it isn't done"):
            self.run(out, only=["double"])
        self.run(out, only=["numbers"])
        assert begun(trace) == [1, 0, 0, 0, 0]
        assert [s.step for s in self.run(out, only=["judge", "double"]).steps] == ["double", "judge"]
        (out / "doubled.json").write_text("[]")
        with pytest.raises(MissingInputError, match=r"needs step double, but doubled\.json has changed"):
            self.run(out, only=["judge"])
        with pytest.raises(PipelineError, match="no step 'jugde'; did you mean 'judge'"):
            self.run(out, only=["jugde"])

    def test_a_forced_step_runs_on_clean_ground(self, out, trace):
        self.run(out)
        (out / "double-scratch.json").write_text("[99]")
        result = self.run(out, force=["double"])
        assert (result["double"].status, result["double"].reason) == ("done", "forced")
        assert json.loads((out / "doubled.json").read_text()) == [0, 2, 4, 6, 8]

    def test_a_step_that_fails_is_not_done_and_the_next_run_goes_on_with_it(self, out, trace, monkeypatch):
        class Bad(Exception):
            pass

        def stumble(step, moment):
            if (step, moment) == ("double", "middle"):
                raise Bad

        real = pipeline_factory.note
        monkeypatch.setattr(pipeline_factory, "note", lambda *at: (real(*at), stumble(*at)))
        events = []
        with pytest.raises(Bad):
            self.run(out, listener=events.append)
        assert events[-1].kind == "failed"
        assert events[-1].step == "double"
        assert read_record(out, "numbers") is not None
        assert read_record(out, "double") is None
        monkeypatch.setattr(pipeline_factory, "note", real)
        result = self.run(out)
        assert result["numbers"].status == "skipped"
        assert result["double"].reason == "resumed"
        assert json.loads((out / "doubled.json").read_text()) == [0, 2, 4, 6, 8]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_a_full_disk_stops_the_run_and_what_was_finished_stays(self, out, trace, monkeypatch):
        monkeypatch.setenv("NEVUS_TEST_FULL", "judge")
        with pytest.raises(StorageFullError, match="filled up during step judge") as caught:
            self.run(out)
        assert caught.value.exit_code == 1
        assert read_record(out, "double") is not None
        assert read_record(out, "judge") is None
        monkeypatch.delenv("NEVUS_TEST_FULL")
        assert [s.status for s in self.run(out).steps] == ["skipped", "skipped", "done", "done", "done"]

    def test_a_step_that_does_not_write_what_it_declares_is_not_done(self, out):
        def lazy(settings, inputs, output):
            return Outcome()

        lazy_step = StepSpec("lazy", lazy, lambda t: t.judge, outputs={"a": "a.json", "b": "b.json"}, optional=("b",))
        with pytest.raises(StepContractError, match=r"without writing its output a \(a\.json\)"):
            self.run(out, pipeline=Pipeline((lazy_step,)))
        assert read_record(out, "lazy") is None

    def test_an_optional_output_may_be_absent_and_is_then_no_input(self, out):
        def give(settings, inputs, output):
            return Outcome()

        def take(settings, inputs, output):
            return Outcome(summary={"inputs": sorted(inputs)})

        steps = (
            StepSpec("give", give, lambda t: t.judge, outputs={"extra": "extra.json"}, optional=("extra",)),
            StepSpec("take", take, lambda t: t.judge, {"extra": "give.extra"}),
        )
        assert self.run(out, pipeline=Pipeline(steps))["take"].record.summary == {"inputs": []}

    def test_events_tell_the_whole_story(self, out, trace):
        events = []
        self.run(out, STRICT, listener=events.append)
        kinds = [(e.kind, e.step) for e in events if e.kind != "progress"]
        assert kinds[:4] == [
            ("started", "numbers"),
            ("notice", "numbers"),
            ("finished", "numbers"),
            ("started", "double"),
        ]
        assert kinds[-1] == ("left_out", "announce")
        assert [(e.done, e.total, e.text) for e in events if e.kind == "progress"][-1] == (5, 5, "numbers")
        assert {(e.number, e.of) for e in events if e.step == "judge"} == {(3, 5)}
        assert next(e for e in events if e.kind == "finished" and e.step == "judge").result.passed is False


class TestLocalEngine(EngineContract):
    engine = LocalEngine()

    def start(self, out, **environment):
        """The pipeline in another process."""
        return subprocess.Popen(
            [sys.executable, pipeline_factory.__file__, str(out)],
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, trace, line, process):
        deadline = time.monotonic() + 60
        while line not in trace.read_text().split():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @pytest.mark.parametrize("step", ORDER)
    @pytest.mark.parametrize("moment", ["middle", "written"])
    def test_killed_at_any_step_it_ends_where_an_uninterrupted_run_ends(self, out, trace, tmp_path, step, moment):
        process = self.start(out, NEVUS_TEST_STALL=f"{step}:{moment}")
        self.wait_for(trace, f"{step}:{moment}", process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = [name for name in ORDER if read_record(out, name) is not None]
        assert done == list(ORDER[: ORDER.index(step)])
        result = self.run(out)
        assert [s.step for s in result.steps if s.status == "skipped"] == done
        assert begun(trace) == [2 if name == step else 1 for name in ORDER]
        whole = tmp_path / "whole"
        self.run(whole)
        assert outputs_of(out) == outputs_of(whole)
        assert {n: read_record(out, n).artefacts.keys() for n in ORDER} == {
            n: read_record(whole, n).artefacts.keys() for n in ORDER
        }

    def test_a_killed_step_resumes_from_its_scratch(self, out, trace):
        process = self.start(out, NEVUS_TEST_STALL="double:middle")
        self.wait_for(trace, "double:middle", process)
        process.kill()
        process.wait()
        self.run(out)
        items = [line for line in trace.read_text().split() if line.startswith("double:item")]
        assert items == [f"double:item{i}" for i in range(5)]

    def test_scratch_of_other_inputs_is_not_resumed_from(self, out, trace):
        process = self.start(out, NEVUS_TEST_STALL="double:middle")
        self.wait_for(trace, "double:middle", process)
        process.kill()
        process.wait()
        for file in (out / "numbers").iterdir():
            file.unlink()
        (out / "steps" / "numbers.json").unlink()
        assert (out / "double-scratch.json").exists()
        changed = Pipeline(
            tuple(
                StepSpec("numbers", _tens, s.settings, outputs=s.outputs) if s.name == "numbers" else s
                for s in PIPELINE.steps
            ),
            PIPELINE.neutral,
        )
        self.run(out, pipeline=changed)
        assert json.loads((out / "doubled.json").read_text()) == [0, 20]

    def test_a_live_writer_keeps_others_out_and_says_who_it_is(self, out, trace):
        process = self.start(out, NEVUS_TEST_STALL="numbers:begin")
        try:
            self.wait_for(trace, "numbers:begin", process)
            with pytest.raises(FolderLockedError) as caught:
                self.run(out)
            said = str(caught.value)
            assert f"process {process.pid} on " in said
            assert time.strftime("since %Y-", time.gmtime()) in said
            assert "pipeline_factory.py" in said
            assert caught.value.exit_code == 2
        finally:
            process.kill()
            process.wait()
        notices = []
        result = self.run(out, listener=lambda e: notices.append(e.text) if e.kind == "notice" else None)
        assert result.passed
        assert f"process {process.pid}, which ended in the middle" in notices[0]

    def test_an_address_or_a_file_is_no_output_folder(self, tmp_path):
        with pytest.raises(ValueError, match="local engine writes to a local folder, not to s3://bucket/run"):
            self.run("s3://bucket/run")
        (tmp_path / "file").touch()
        with pytest.raises(ValueError, match="is a file"):
            self.run(tmp_path / "file")


def _tens(settings, inputs, output):
    folder = Path(output) / "numbers"
    folder.mkdir(exist_ok=True)
    for i in range(2):
        (folder / f"{i}.json").write_text(str(10 * i))
    return Outcome()

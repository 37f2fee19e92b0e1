"""`nevus run` and `nevus step`: what they leave, when they work again, how they exit."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from nevus.bundle import Predictor, bundle_digest
from nevus.data.manifest import SCHEMA, content_fingerprint
from nevus.data.splits import check_no_shared_groups, split_fingerprint
from nevus.evaluation.results import read_results
from nevus.pipeline.records import read_record
from tiny_run import STEPS, nevus, policy, write_config

pytestmark = pytest.mark.slow  # one whole training, of which all tests here live


def stamps(folder: Path) -> dict[str, int]:
    """Every file with its time of change, but for the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".nevus.lock")
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def test_it_leaves_what_others_rely_on(finished):
    out = finished.out
    manifest, split = pl.read_parquet(out / "manifest.parquet"), pl.read_parquet(out / "split.parquet")
    assert dict(manifest.schema) == SCHEMA
    assert split.columns == ["image_id", "group_id", "split"]
    assert sorted(split["image_id"]) == sorted(manifest["image_id"])
    assert set(split["split"]) == {"train", "validation", "test"}
    check_no_shared_groups(split, manifest)
    results = read_results(out / "metrics.json")
    with Predictor(out / "bundle") as predictor:  # checksums and self-test
        fingerprints = predictor.manifest.fingerprints
        assert predictor.manifest.name == "tiny"
        assert set(predictor.manifest.classes) == {"mel", "nv"}
    assert fingerprints.content == content_fingerprint(manifest) == results.provenance.content_fingerprint
    assert fingerprints.split == split_fingerprint(split) == results.provenance.split_fingerprint
    assert (out / "bundle" / "metrics.json").read_bytes() == (out / "metrics.json").read_bytes()
    assert results.test_openings == 1
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [".nevus.lock"]


def test_the_report_is_one_file_that_fetches_nothing_and_says_the_verdict(finished):
    page = (finished.out / "report.html").read_text()
    assert re.findall(r"""(?:src|href)=["'](?!#|data:)([^"']+)""", page) == []
    assert not re.search(r"@import|url\((?!['\"]?(?:#|data:))", page)
    assert bundle_digest(finished.out / "bundle")[:12] in page
    assert "one-rule" in page
    assert page.rstrip().endswith("</html>")


def test_it_prints_the_scores_the_gates_lines_and_what_became_of_the_model(finished):
    assert "balanced accuracy" in finished.first.out
    assert re.search(r"FAIL\s+accuracy: ", finished.first.out)
    assert "tiny/1 is registered as rejected" in finished.first.out
    for number, step in enumerate(STEPS, start=1):
        assert f"[{number}/9] {step}" in finished.first.err


def test_the_same_command_again_does_nothing(finished):
    before = stamps(finished.out)
    done = finished.again("--json")
    assert done.code == 0
    outcome = json.loads(done.out)
    assert {name: step["status"] for name, step in outcome["steps"].items()} == dict.fromkeys(STEPS, "skipped")
    assert (outcome["output"], outcome["passed"]) == (str(finished.out), False)
    assert stamps(finished.out) == before


def test_a_gate_that_says_no_is_a_result_and_a_failure_only_if_asked(finished):
    assert finished.first.code == 0
    assert finished.again().code == 0
    assert finished.again("--strict").code == 1
    listed = json.loads(nevus("models", "list", "--json", home=finished.home).out)
    assert [(row["ref"], row["state"]) for row in listed] == [("tiny/1", "rejected")]


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    """A web hook."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.received.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def hook(server: ThreadingHTTPServer) -> dict[str, str]:
    return {"NEVUS_NOTICES__URLS": json.dumps([f"json://127.0.0.1:{server.server_address[1]}/"])}


def test_people_are_told_of_a_gate_that_says_no(copied, receiver):
    done = copied.again("--force", "gate", **hook(receiver))
    assert done.code == 0
    (notice,) = receiver.received
    assert notice["title"] == "nevus: the gate rejected tiny"
    assert "accuracy: " in notice["message"]
    assert "misses the limit" in notice["message"]


def test_people_are_told_of_a_run_that_fails(tmp_path, receiver):
    config = write_config(tmp_path, data={"source": "ham10000", "root": str(tmp_path / "nowhere")})
    done = nevus("run", config, "--out", tmp_path / "out", home=tmp_path / "home", **hook(receiver))
    assert done.code == 2
    (notice,) = receiver.received
    assert notice["title"] == "nevus: run tiny failed in ingest"
    assert f"there is no folder {tmp_path}/nowhere" in notice["message"]


def test_another_policy_is_judged_anew_without_training_again(copied, receiver):
    (copied.config.parent / "policy.yaml").write_text(policy(0.0))
    done = copied.again("--strict", "--json", **hook(receiver))
    assert done.code == 0
    steps = json.loads(done.out)["steps"]
    assert [name for name in STEPS if steps[name]["status"] == "done"] == ["gate", "register"]
    assert steps["register"]["summary"]["state"] == "candidate"
    assert steps["register"]["summary"]["version"] == "tiny/1"
    assert [notice["title"] for notice in receiver.received] == ["nevus: tiny/1 passed the gate and waits for approval"]


def test_other_settings_in_an_old_folder_are_refused_and_each_is_named(finished):
    before = stamps(finished.out)
    done = finished.again("--set", "training.epochs=3", "--set", "split.seed=1")
    assert done.code == 2
    assert "belongs to a run with other settings" in done.err
    assert "split.seed: 0 -> 1" in done.err
    assert "training.epochs: 2 -> 3" in done.err
    assert "--out" in done.err
    assert stamps(finished.out) == before
    assert finished.again("--set", "training.threads=2", "--set", "prepare.workers=2").code == 0  # neutral


def test_a_misspelt_key_is_refused_with_the_right_one_before_anything_is_written(tmp_path):
    config = write_config(tmp_path)
    done = nevus("run", config, "--out", tmp_path / "out", "--set", "training.epoch=3", home=tmp_path / "home")
    assert done.code == 2
    assert "there is no setting 'training.epoch'; did you mean 'training.epochs'?" in done.err
    assert "Traceback" not in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"policy.yaml", "tiny.yaml"}


def test_steps_run_one_by_one_with_the_folders_own_settings(tmp_path):
    config, out = write_config(tmp_path), tmp_path / "out"

    def step(*arguments: object):
        return nevus("step", *arguments, "--out", out, home=tmp_path / "home")

    refused = step("check")
    assert refused.code == 2
    assert "Name a file with --config" in refused.err
    assert not out.exists()
    refused = step("split", "--config", config)
    assert refused.code == 2
    assert "step split needs step check, but it isn't done" in refused.err
    assert step("ingest", "--config", config).code == 0
    done = step("check", "--json")
    assert done.code == 0
    assert json.loads(done.out)["steps"]["check"]["status"] == "done"
    assert step("split").code == 0
    assert read_record(out, "split").passed
    assert (out / "split.parquet").exists()
    assert not (out / "prepared").exists()
    again = json.loads(step("split", "--json").out)["steps"]["split"]
    forced = json.loads(step("split", "--force", "--json").out)["steps"]["split"]
    assert (again["status"], forced["status"]) == ("skipped", "done")
    refused = step("spilt")
    assert refused.code == 2
    assert "there is no step 'spilt'; did you mean 'split'?" in refused.err


def test_what_was_refused_can_be_corrected_in_the_same_folder(tmp_path):
    config, out = write_config(tmp_path), tmp_path / "out"

    def ingest(*options: object):
        return nevus("step", "ingest", "--config", config, "--out", out, *options, home=tmp_path / "home")

    assert ingest("--set", "data.source=folder", "--set", f"data.root={tmp_path}/gone").code == 2
    assert [path.name for path in out.iterdir() if path.suffix == ".parquet"] == []
    done = ingest()
    assert done.code == 0
    assert 'instead of a setting that was refused: data.source: "folder" -> "synthetic"' in done.err


def test_an_address_or_a_file_is_no_output_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    for out, said in (("s3://bucket/run", "is an address; name a local folder"), (config, "is a file")):
        done = nevus("run", config, "--out", out, home=tmp_path / "home")
        assert done.code == 2
        assert said in done.err

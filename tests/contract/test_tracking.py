"""What a tracker promises, on MLflow itself, and what its mirror of the registry shows.

One database serves the module: MLflow takes seconds to make one.
"""

from __future__ import annotations

import json
import logging
import math
import os
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from nevus.store import Registry, StoreSettings, open_store
from nevus.tracking import (
    MirrorReport,
    NullTracker,
    TrackedArtefact,
    TrackingError,
    TrackingSettings,
    mirror_models,
    mirror_registry,
    open_tracker,
)
from nevus.tracking.mlflow_client import SharedDatabaseError, connect, same_database

# Looked for, not imported: its first import must be ours, or its telemetry is on.
pytestmark = pytest.mark.skipif(find_spec("mlflow") is None, reason="needs nevus[tracking]")

SETTINGS = {"seed": 0, "training": {"lr": 0.001, "views": ["identity"]}}
TAGS = {"nevus.code_revision": "0.1.0+gabc", "nevus.split": "f" * 64}
_numbers = count()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def chosen():
    """An experiment of its own for every test."""
    return TrackingSettings(experiment=f"e{next(_numbers)}")


@pytest.fixture
def client(home, chosen):
    return connect(chosen, home)


@pytest.fixture(params=["null", "mlflow"])
def tracker(request, home, chosen, tmp_path):
    if request.param == "null":
        return NullTracker()
    return open_tracker(chosen, output=tmp_path / "out", store=StoreSettings(home=home))


@pytest.fixture
def open_again(home, chosen, tmp_path):
    """A function that opens the MLflow tracker of the same output folder, as a new process would."""
    return lambda **change: open_tracker(
        chosen.model_copy(update=change), output=tmp_path / "out", store=StoreSettings(home=home)
    )


def test_every_tracker_takes_a_whole_run(tracker, tmp_path):
    (tmp_path / "report.html").write_text("x")
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    tracker.log_metrics({"val/bacc": 0.5, "val/none": None, "val/nan": math.nan}, step=1)
    tracker.log_artefact(tmp_path / "report.html", folder="report", shows_images=True)
    tracker.set_tags({"a": "b"})
    tracker.fail("killed")
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    tracker.finish()
    assert all(isinstance(a, TrackedArtefact) for a in tracker.artefacts_with_images())


def test_a_run_holds_settings_figures_artefacts_and_where_it_came_from(open_again, client, home, tmp_path, monkeypatch):
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "card.md").write_text("card")
    tracker = open_again()
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    tracker.log_metrics({"val/bacc": 0.5}, step=1)
    tracker.log_metrics({"val/bacc": 0.6, "val/loss": math.inf}, step=2)
    tracker.log_artefact(bundle)
    tracker.finish()
    run = client.get_run(tracker.run_id)
    assert (run.info.run_name, run.info.status) == ("demo", "FINISHED")
    assert run.data.params == {"seed": "0", "training.lr": "0.001", "training.views": '["identity"]'}
    assert [(p.step, p.value) for p in client.get_metric_history(tracker.run_id, "val/bacc")] == [(1, 0.5), (2, 0.6)]
    assert "val/loss" not in run.data.metrics
    assert TAGS.items() <= run.data.tags.items()
    assert sorted(a.path for a in client.list_artifacts(tracker.run_id)) == ["bundle", "settings.json"]
    assert run.info.artifact_uri.startswith(str(home))
    assert list(cwd.iterdir()) == [], "nothing may land in the working directory"


def test_a_resumed_run_goes_on_in_the_same_one_and_repeats_no_figure(open_again, client):
    first = open_again()
    first.start("demo", settings=SETTINGS, tags=TAGS)
    for epoch in (1, 2):
        first.log_metrics({"val/bacc": epoch / 10}, step=epoch)
    first.fail("killed")
    assert client.get_run(first.run_id).data.tags["nevus.failure"] == "killed"
    assert client.get_run(first.run_id).info.status == "FAILED"
    second = open_again()
    second.start("demo", settings=SETTINGS, tags=TAGS)
    for epoch in (2, 3):
        second.log_metrics({"val/bacc": epoch / 10}, step=epoch)
    assert client.get_run(first.run_id).info.status == "RUNNING"
    second.finish()
    assert second.run_id == first.run_id
    history = client.get_metric_history(first.run_id, "val/bacc")
    assert [(p.step, p.value) for p in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]


def test_a_run_that_mlflow_no_longer_has_begins_anew(open_again, client):
    first = open_again()
    first.start("demo", settings=SETTINGS, tags=TAGS)
    client.delete_run(first.run_id)
    second = open_again()
    second.start("demo", settings=SETTINGS, tags=TAGS)
    assert second.run_id != first.run_id


@pytest.mark.parametrize("damage", ["{", "{}", "[]", '{"uri": "sqlite:////elsewhere.db", "run_id": "abc"}'])
def test_a_damaged_or_foreign_note_begins_anew(open_again, tmp_path, damage):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tracking.json").write_text(damage)
    tracker = open_again()
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    assert json.loads((tmp_path / "out" / "tracking.json").read_text())["run_id"] == tracker.run_id


def test_artefacts_that_show_patients_are_found_again(open_again, tmp_path):
    for name in ("report.html", "card.md"):
        (tmp_path / name).write_text(name)
    tracker = open_again()
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    tracker.log_artefact(tmp_path / "report.html", folder="reports", shows_images=True)
    tracker.log_artefact(tmp_path / "card.md")
    (found,) = tracker.artefacts_with_images()
    assert (found.run_id, found.path) == (tracker.run_id, "reports/report.html")
    assert Path(found.uri).read_text() == "report.html"


def test_a_run_outlives_its_tracker(open_again, home, caplog):
    """MLflow's artefact folder can no longer be written, and its run is gone."""
    tracker = open_again()
    tracker.start("demo", settings=SETTINGS, tags=TAGS)
    with caplog.at_level(logging.WARNING, logger="nevus.tracking"):
        tracker.log_artefact(home / "no-such-file.html")
        tracker.run_id = "0" * 32
        tracker.log_metrics({"val/bacc": 0.5}, step=1)
        tracker.finish()
    said = [r.getMessage() for r in caplog.records if r.name == "nevus.tracking"]
    assert "did not take no-such-file.html" in said[0]
    assert "lacks 3 things" in said[1]
    assert len(said) == 2


def test_a_tracker_that_can_not_work_says_so_before_the_run(tmp_path, home):
    (tmp_path / "file").write_text("not a folder")
    settings = TrackingSettings(uri=SecretStr(f"sqlite:///{tmp_path}/file/mlflow.db"))
    with pytest.raises(TrackingError, match=r"file/mlflow\.db can't be used.*tracking\.enabled=false"):
        open_tracker(settings, output=tmp_path, store=StoreSettings(home=home))


def test_switched_off_it_asks_for_nothing(tmp_path):
    tracker = open_tracker(TrackingSettings(enabled=False), output=tmp_path, store=StoreSettings(home=tmp_path / "h"))
    assert isinstance(tracker, NullTracker)
    assert not (tmp_path / "h").exists()


def test_mlflow_and_the_store_never_share_a_database(tmp_path):
    store = StoreSettings(home=tmp_path)
    shared = TrackingSettings(uri=SecretStr(f"sqlite:///{tmp_path}/../{tmp_path.name}/nevus.db"))
    with pytest.raises(SharedDatabaseError, match="of its own"):
        open_tracker(shared, output=tmp_path, store=store)


def test_two_schemas_of_one_postgres_are_two_databases():
    from sqlalchemy import make_url

    a = make_url("postgresql://u@h/db?options=-csearch_path%3Dnevus")
    assert not same_database(a, make_url("postgresql://u@h/db"))
    assert same_database(a, make_url("postgresql+psycopg2://v:w@h/db?options=-csearch_path%3Dnevus"))


def test_telemetry_is_off(client):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    from mlflow.telemetry import get_telemetry_client

    assert get_telemetry_client() is None


class TestMirror:
    @pytest.fixture
    def registry(self, tmp_path):
        with open_store(StoreSettings(home=tmp_path / "store")) as store:
            yield Registry(store)

    @pytest.fixture
    def name(self):
        return f"model{next(_numbers)}"

    @staticmethod
    def aliases(client, name):
        """Alias -> nevus' number."""
        model = client.get_registered_model(name)
        return {
            alias: client.get_model_version(name, number).tags["nevus.version"]
            for alias, number in model.aliases.items()
        }

    def test_states_show_as_aliases_and_tags(self, client, registry, new_version, name):
        for n in (1, 2, 3):
            registry.register(new_version(n, model=name))
        registry.register(new_version(4, model=name, gate_passed=False, reasons=("ECE .11 above .08",)))
        registry.approve(f"{name}/1", by="Dr. Rossi", note="ok")
        registry.promote(f"{name}/1")
        assert mirror_models(client, registry.versions()).created == 4
        assert self.aliases(client, name) == {"champion": "1", "candidate": "3"}
        tags = {v.tags["nevus.version"]: v.tags for v in client.search_model_versions(f"name = '{name}'")}
        assert tags["1"]["nevus.state"] == "champion"
        assert tags["1"]["nevus.approved_by"] == "Dr. Rossi"
        assert tags["1"]["nevus.bundle_digest"] == f"{1:064x}"
        assert tags["4"]["nevus.reasons"] == "ECE .11 above .08"
        champion = client.get_model_version_by_alias(name, "champion")
        assert client.get_model_version_download_uri(name, champion.version) == "/models/lesions"

    def test_a_second_pass_changes_nothing_and_a_move_only_what_it_moved(self, client, registry, new_version, name):
        for n in (1, 2):
            registry.register(new_version(n, model=name))
            registry.approve(f"{name}/{n}", by="Dr. Rossi", note="ok")
        registry.promote(f"{name}/1")
        mirror_models(client, registry.versions())
        assert mirror_models(client, registry.versions()) == MirrorReport(0, 0, 0)
        registry.promote(f"{name}/2")
        assert mirror_models(client, registry.versions()) == MirrorReport(created=0, tagged=2, aliased=1)
        assert self.aliases(client, name) == {"champion": "2"}
        registry.retire(f"{name}/2")
        mirror_models(client, registry.versions())
        assert self.aliases(client, name) == {}

    def test_what_others_keep_under_the_name_is_left_alone_and_doubles_go(self, client, registry, new_version, name):
        client.create_registered_model(name)
        theirs = client.create_model_version(name, "/theirs")
        registry.register(new_version(1, model=name))
        mirror_models(client, registry.versions())
        double = client.create_model_version(name, "/models/lesions", tags={"nevus.bundle_digest": f"{1:064x}"})
        mirror_models(client, registry.versions())
        numbers = {v.version for v in client.search_model_versions(f"name = '{name}'")}
        assert theirs.version in numbers
        assert double.version not in numbers
        assert len(numbers) == 2
        assert client.get_model_version(name, theirs.version).tags == {}

    def test_a_version_leads_to_its_run_where_mlflow_has_it(self, client, open_again, registry, new_version, name):
        tracker = open_again()
        tracker.start("demo", settings=SETTINGS, tags=TAGS)
        registry.register(new_version(1, model=name, tracking_run=tracker.run_id))
        registry.register(new_version(2, model=name, tracking_run="f" * 32))
        mirror_models(client, registry.versions())
        runs = {v.tags["nevus.version"]: v.run_id for v in client.search_model_versions(f"name = '{name}'")}
        assert runs["1"] == tracker.run_id
        assert not runs["2"]

    def test_the_whole_registry_is_mirrored_by_its_settings(self, home, client, chosen, tmp_path, new_version, name):
        with open_store(StoreSettings(home=tmp_path / "other")) as store:
            Registry(store).register(new_version(9, model=name))
            assert mirror_registry(chosen, store=store, home=home).created == 1
            assert mirror_registry(TrackingSettings(enabled=False), store=store, home=home) == MirrorReport()
        assert self.aliases(client, name) == {"candidate": "1"}

    def test_what_changes_while_it_is_mirrored_is_shown_too(
        self, home, client, chosen, tmp_path, new_version, name, monkeypatch
    ):
        """As when another server's decision is mirrored first, and this mirror ends last."""
        from nevus.tracking import open as opening

        with open_store(StoreSettings(home=tmp_path / "another")) as store:
            registry = Registry(store)
            registry.register(new_version(10, model=name))
            registry.approve(f"{name}/1", by="x", note="y")

            def slow(*args):
                report = mirror_models(*args)
                if registry.champion(name) is None:
                    registry.promote(f"{name}/1")
                return report

            monkeypatch.setattr(opening, "mirror_models", slow)
            assert mirror_registry(chosen, store=store, home=home).aliased == 1
        assert self.aliases(client, name) == {"champion": "1"}

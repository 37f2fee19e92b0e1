"""Settings from defaults, a file, the environment and `--set`; what is wrong is named, with what was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from nevus.pipeline.loading import SettingsError, load_settings
from nevus.pipeline.settings import RunSettings


def load(*assignments: str, given: object = None, **environment: str) -> RunSettings:
    return load_settings(RunSettings, given, assignments, environment)  # type: ignore[arg-type]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text("name: clinic\nsplit: {seed: 3}\ntraining:\n  epochs: 7\n  batch_size: 16\n")
    return path


def test_each_layer_lies_on_top_of_the_one_before(config: Path) -> None:
    assert load().training.epochs == 10
    tree = load(given=config)
    assert (tree.name, tree.split.seed, tree.training.epochs, tree.training.batch_size) == ("clinic", 3, 7, 16)
    tree = load(given=config, NEVUS_TRAINING__EPOCHS="8", NEVUS_SPLIT="{seed: 4}")
    assert (tree.training.epochs, tree.training.batch_size, tree.split.seed) == (8, 16, 4)
    tree = load("training.epochs=9", "training.epochs=11", given=config, NEVUS_TRAINING__EPOCHS="8")
    assert (tree.training.epochs, tree.training.batch_size) == (11, 16)


def test_values_are_written_as_in_yaml() -> None:
    tree = load("data.classes=[mel, nv]", "data.labels={Mole: nv}", "model.metadata=true", "training.patience=null")
    assert tree.data.classes == ("mel", "nv")
    assert tree.data.labels == {"Mole": "nv"}
    assert tree.model.metadata is True
    assert tree.training.patience is None
    assert load("data.source=folder", "data.root=a=b").data.root == "a=b"


def test_what_a_file_would_say_may_be_given_itself_and_stays_as_it_was() -> None:
    given = {"training": {"epochs": 3}}
    assert load("training.epochs=4", given=given).training.epochs == 4
    assert given == {"training": {"epochs": 3}}


def test_variables_of_other_things_are_no_settings() -> None:
    assert load(NEVUS_HOME="/home", NEVUS_BUNDLE="x", NEVUS_SHARED="y", PATH="z") == load()


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("training.epoch=3", "there is no setting 'training.epoch'; did you mean 'training.epochs'?"),
        ("traning.epochs=3", "there is no setting 'traning'; did you mean 'training'?"),
        ("model.heigth=3", "did you mean 'model.height'?"),
        ("data.check.max_reject_share=0.1", "did you mean 'data.check.max_rejected_share'?"),
        ("training.imbalance.sampler_pover=1", "did you mean 'training.imbalance.sampler_power'?"),
        ("data.datasets=[{source: folder, rot: x}]", "'data.datasets.0.rot'; did you mean 'data.datasets.0.root'?"),
        ("epochs=3", "there is no setting 'epochs'; did you mean 'training.epochs'?"),
        ("xyzzy=1", "there is no setting 'xyzzy'"),
        ("training.epochs=many", "training.epochs: Input should be a valid integer"),
        ("training.epochs=0", "training.epochs: Input should be greater than or equal to 1 (given: 0)"),
        ("task=diagnose", "task: Input should be 'diagnosis' or 'malignancy' (given: 'diagnose')"),
        ("split={validation: 0.6, test: 0.6}", "split: validation and test together leave nothing to train on"),
        ("data.malignant=[melanoma]", "unknown diagnosis code melanoma"),
        ("training.epochs", "--set 'training.epochs' has no '='; write --set key.sub=value"),
        ("data.classes=[mel", "--set data.classes: '[mel' is not a YAML value"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_key_and_what_was_meant(assignment: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(assignment)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_misspelt_key_of_a_file_or_of_the_environment_is_named_too(config: Path) -> None:
    config.write_text(config.read_text().replace("epochs", "epocs"))
    with pytest.raises(SettingsError, match=r"run\.yaml: there is no setting 'training\.epocs'; did you mean"):
        load(given=config)
    with pytest.raises(SettingsError, match=r"'training\.epocs'; did you mean 'training\.epochs'"):
        load(NEVUS_TRAINING__EPOCS="3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no settings file"),
        (b"a: [", "is not YAML"),
        (b"- a\n- b\n", "must hold a mapping of settings, not a list"),
        (b"\xff\xfe\x00", "can't be read|is not YAML"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        load(given=path)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("# all commented out\n")
    assert load(given=tmp_path / "run.yaml") == load()

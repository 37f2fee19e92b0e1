import json

import pytest
from pydantic import BaseModel, Field

from nevus.pipeline.loading import load_settings
from nevus.pipeline.run_settings import (
    ForeignFolderError,
    SettingsDifferError,
    claim_folder,
    kept_settings,
    release_folder,
)
from nevus.settings import Section


class Inner(Section):
    root: str = "/data"
    shares: tuple[float, ...] = (0.9, 0.95)
    labels: dict[str, str] = Field(default_factory=dict)


class Tree(Section):
    data: Inner = Inner()
    seed: int = 0
    workers: int = 2


def refusal(folder, tree, **options):
    with pytest.raises(SettingsDifferError) as caught:
        claim_folder(folder, tree, **options)
    return str(caught.value)


def test_the_first_run_writes_its_settings_down_and_the_same_go_through(tmp_path):
    claim_folder(tmp_path, Tree())
    kept = json.loads((tmp_path / "steps" / "settings.json").read_text())
    assert kept["settings"]["data"]["shares"] == [0.9, 0.95]
    claim_folder(tmp_path, Tree())
    assert json.loads((tmp_path / "steps" / "settings.json").read_text()) == kept


def test_each_key_that_differs_is_named_with_old_and_new_and_how_to_set_it_back(tmp_path):
    claim_folder(tmp_path, Tree(data=Inner(labels={"MEL": "mel", "NV": "nv"})))
    said = refusal(tmp_path, Tree(data=Inner(root="/other data", shares=(0.9,), labels={"MEL": "mel", "BKL": "bkl"})))
    assert '  data.root: "/data" -> "/other data"' in said
    assert "  data.shares: [0.9, 0.95] -> [0.9]" in said
    assert '  data.labels.NV: "nv" -> (absent)' in said
    assert '  data.labels.BKL: (absent) -> "bkl"' in said
    assert "seed" not in said
    assert "--set 'data.root=\"/data\"' --set 'data.shares=[0.9, 0.95]'" in said


def test_neutral_keys_and_sections_may_differ(tmp_path):
    claim_folder(tmp_path, Tree())
    claim_folder(tmp_path, Tree(workers=8, data=Inner(root="/x")), neutral={"workers", "data"})
    assert "seed: 0 -> 1" in refusal(tmp_path, Tree(seed=1, workers=8), neutral={"workers"})


def test_a_key_that_is_new_in_this_version_is_a_difference(tmp_path):
    class Newer(BaseModel):
        data: Inner = Inner()
        seed: int = 0
        workers: int = 2
        extra: bool = False

    claim_folder(tmp_path, Tree())
    assert "extra: (absent) -> false" in refusal(tmp_path, Newer())


def test_many_differences_are_cut_short(tmp_path):
    claim_folder(tmp_path, Tree(data=Inner(labels={str(i): "nv" for i in range(30)})))
    said = refusal(tmp_path, Tree())
    assert "and 10 more" in said
    assert said.count("--set") == 3
    assert "..." in said


def test_a_file_in_the_way_that_no_run_left_is_named(tmp_path):
    (tmp_path / "bundle").mkdir()
    with pytest.raises(ForeignFolderError, match="already holds bundle,"):
        claim_folder(tmp_path, Tree(), outputs=("bundle", "metrics.json"))
    (tmp_path / "bundle").rmdir()
    (tmp_path / "notes.txt").write_text("fine")
    claim_folder(tmp_path, Tree(), outputs=("bundle", "metrics.json"))
    (tmp_path / "bundle").mkdir()
    claim_folder(tmp_path, Tree(), outputs=("bundle", "metrics.json"))


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_note_of_the_settings_is_not_guessed_at(tmp_path, text):
    claim_folder(tmp_path, Tree())
    (tmp_path / "steps" / "settings.json").write_text(text)
    with pytest.raises(ForeignFolderError, match=r"settings\.json is damaged"):
        claim_folder(tmp_path, Tree())


def test_the_folders_own_settings_come_back_as_a_settings_file_would_say_them(tmp_path):
    assert kept_settings(tmp_path, Tree()) is None
    tree = Tree(data=Inner(shares=(0.9,), labels={"MEL": "mel"}), workers=8)
    claim_folder(tmp_path, tree)
    assert kept_settings(tmp_path, Tree()) == {"data": {"shares": [0.9], "labels": {"MEL": "mel"}}, "workers": 8}
    assert kept_settings(tmp_path, Tree(), neutral={"workers", "data.labels"}) == {"data": {"shares": [0.9]}}
    assert load_settings(Tree, kept_settings(tmp_path, Tree()), environment={}) == tree


def test_a_run_told_nothing_kept_nothing_but_defaults(tmp_path):
    claim_folder(tmp_path, Tree())
    assert kept_settings(tmp_path, Tree()) == {}


@pytest.mark.parametrize("shares", [{"nv": 1.0}, {"nv": 0.5, "mel": 0.2}, {"nv": 0.5, "mel": 0.5, "df": 0.1}])
def test_a_mapping_that_differs_from_the_default_comes_back_whole(tmp_path, shares):
    class WithShares(Section):
        shares: dict[str, float] = Field(default={"nv": 0.5, "mel": 0.5})

    claim_folder(tmp_path, WithShares(shares=shares))
    assert kept_settings(tmp_path, WithShares()) == {"shares": shares}
    assert load_settings(WithShares, kept_settings(tmp_path, WithShares()), environment={}).shares == shares


def test_a_released_folder_takes_other_settings_once_and_tells_what_it_replaced(tmp_path):
    assert claim_folder(tmp_path, Tree()) == ()
    release_folder(tmp_path)
    assert claim_folder(tmp_path, Tree(seed=7, workers=9), neutral={"workers"}) == ("seed: 0 -> 7",)
    assert json.loads((tmp_path / "steps" / "settings.json").read_text()).keys() == {"settings", "first_run_at"}
    assert "seed: 7 -> 0" in refusal(tmp_path, Tree())


def test_a_released_folder_is_bound_again_by_the_same_settings(tmp_path):
    claim_folder(tmp_path, Tree())
    release_folder(tmp_path)
    assert claim_folder(tmp_path, Tree()) == ()
    refusal(tmp_path, Tree(seed=7))


def test_releasing_a_folder_of_no_run_leaves_nothing_there(tmp_path):
    release_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []

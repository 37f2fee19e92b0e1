"""The data settings: simple keys for one dataset, a list for several, and no key that isn't known."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nevus.data.settings import CheckSettings, DataSettings


def test_the_default_is_the_drawn_cohort() -> None:
    (dataset,) = DataSettings().each()
    assert (dataset.source, dataset.root) == ("synthetic", None)


def test_a_misspelt_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        DataSettings.model_validate({"source": "ham10000", "rot": "x"})


def test_several_datasets_exclude_a_single_one() -> None:
    several = [{"source": "ham10000", "root": "a"}, {"source": "isic2019", "root": "b"}]
    assert [d.root for d in DataSettings.model_validate({"datasets": several}).each()] == ["a", "b"]
    with pytest.raises(ValidationError, match="root belongs into its entries"):
        DataSettings.model_validate({"datasets": several, "root": "a"})


def test_two_datasets_need_two_names() -> None:
    """Under one name, `mel/1.jpg` of the one and of the other would be one image, and patient 7 one patient."""
    two = [{"source": "folder", "root": "north"}, {"source": "folder", "root": "south"}]
    with pytest.raises(ValidationError, match=r"two datasets are called folder.*\(data\.datasets\[\]\.name\)"):
        DataSettings.model_validate({"datasets": two})
    with pytest.raises(ValidationError, match="two datasets are called folder"):
        DataSettings.model_validate({"datasets": [*two[:1], {"source": "table", "root": "south", "name": "folder"}]})
    named = DataSettings.model_validate({"datasets": [two[0] | {"name": "north"}, two[1]]})
    assert [dataset.called for dataset in named.each()] == ["north", "folder"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"source": "ham10000"}, "source ham10000 needs root"),
        ({"source": "ham10000", "root": "x", "columns": {"age": "a"}}, "columns belongs to the source table"),
        ({"source": "folder", "root": "x", "labels": {"Melanom": "melanoma"}}, "unknown diagnosis code melanoma"),
        ({"malignant": ["mel", "xyz"]}, "unknown diagnosis code xyz"),
        ({"classes": ["nevus"]}, "unknown diagnosis code nevus"),
        ({"synthetic": {"classes": {"scc": 1}}}, "can't draw scc"),
        ({"synthetic": {"classes": {"nv": 0}}}, "a share above 0"),
        ({"source": "kaggle", "root": "x"}, "Input should be 'synthetic'"),
    ],
)
def test_what_does_not_fit_is_explained(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DataSettings.model_validate(values)


def test_shares_are_shares() -> None:
    with pytest.raises(ValidationError):
        CheckSettings(max_rejected_share=1.2)


@pytest.mark.parametrize("key", ["root", "images", "table"])
def test_an_address_with_a_password_is_refused(key: str) -> None:
    values = {"source": "table", "root": "x"} | {key: "s3://AKIA:hush@bucket/a"}
    with pytest.raises(ValidationError, match=f"{key} holds a user name, password or token; .*AWS_PROFILE"):
        DataSettings.model_validate(values)

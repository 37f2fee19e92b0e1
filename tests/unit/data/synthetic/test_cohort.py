"""Who is drawn: shares, patients and lesions, and metadata that hang together with the diagnosis."""

from __future__ import annotations

import polars as pl
import pytest

from nevus.data.manifest import CONFIRMATIONS
from nevus.data.synthetic.cohort import HABITS, LOOK_ALIKES, draw_cohort
from nevus.data.synthetic.lesions import RECIPES
from nevus.data.synthetic.settings import PREVALENCE, SyntheticSettings
from nevus.taxonomy import SITES


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    return draw_cohort(SyntheticSettings(lesions=4000))


def test_the_shares_are_met_to_within_one_lesion(cohort: pl.DataFrame) -> None:
    lesions = cohort.unique("lesion_id")
    counts = dict(lesions["diagnosis"].value_counts().iter_rows())
    assert sum(counts.values()) == 4000
    total = sum(PREVALENCE.values())
    assert all(abs(counts[code] - 4000 * share / total) < 1 for code, share in PREVALENCE.items())


def test_shares_may_be_any_weights() -> None:
    table = draw_cohort(SyntheticSettings(lesions=90, classes={"nv": 2, "mel": 1}))
    assert dict(table.unique("lesion_id")["diagnosis"].value_counts().iter_rows()) == {"nv": 60, "mel": 30}


def test_lesions_have_several_images_and_patients_several_lesions(cohort: pl.DataFrame) -> None:
    per_lesion = cohort.group_by("lesion_id").len()["len"]
    per_patient = cohort.group_by("patient_id").agg(pl.col("lesion_id").n_unique())["lesion_id"]
    assert (per_lesion.min(), per_lesion.max()) == (1, 4)
    assert (per_patient.min(), per_patient.max()) == (1, 6)
    assert per_lesion.mean() == pytest.approx(1.5, abs=0.06)
    assert per_patient.mean() == pytest.approx(1.6, abs=0.08)


def test_ids_are_unique_and_a_lesion_belongs_to_one_patient_and_diagnosis(cohort: pl.DataFrame) -> None:
    assert cohort["image_id"].n_unique() == cohort.height
    by_lesion = cohort.group_by("lesion_id").agg(pl.col("patient_id", "diagnosis", "site", "look").n_unique())
    assert by_lesion.select(pl.exclude("lesion_id").max()).row(0) == (1, 1, 1, 1)
    by_patient = cohort.group_by("patient_id").agg(pl.col("age", "sex", "skin_type", "source").n_unique())
    assert by_patient.select(pl.exclude("patient_id").max()).row(0) == (1, 1, 1, 1)


def test_age_sex_and_site_hang_together_with_the_diagnosis(cohort: pl.DataFrame) -> None:
    def of(code: str) -> pl.DataFrame:
        return cohort.filter(pl.col("diagnosis") == code)

    ages = {code: of(code)["age"].mean() for code in PREVALENCE}
    assert ages["nv"] < ages["df"] < ages["akiec"]  # type: ignore[operator]
    assert ages["akiec"] - ages["nv"] > 10  # type: ignore[operator]
    head = {code: (of(code)["site"] == "head/neck").mean() for code in PREVALENCE}
    assert head["akiec"] > 0.5 > 0.15 > head["nv"]  # type: ignore[operator]
    legs = {code: (of(code)["site"] == "lower extremity").mean() for code in PREVALENCE}
    assert max(legs, key=lambda code: legs[code] or 0) == "df"


def test_a_little_is_unknown_as_in_life(cohort: pl.DataFrame) -> None:
    for column in ("age", "sex", "site"):
        assert 0.005 < cohort[column].null_count() / cohort.height < 0.06


def test_cancers_are_confirmed_by_histology_and_nevi_often_otherwise(cohort: pl.DataFrame) -> None:
    histology = cohort.group_by("diagnosis").agg((pl.col("confirmed_by") == "histology").mean())
    share = dict(histology.iter_rows())
    assert share["mel"] == share["bcc"] == share["akiec"] == 1
    assert 0.3 < share["nv"] < 0.45


def test_the_words_are_those_of_the_manifest(cohort: pl.DataFrame) -> None:
    assert set(cohort["site"].drop_nulls()) <= set(SITES)
    assert set(cohort["confirmed_by"]) <= set(CONFIRMATIONS)
    assert set(cohort["sex"].drop_nulls()) == {"female", "male"}
    assert set(cohort["skin_type"]) <= {"I", "II", "III", "IV", "V", "VI"}


def test_difficulty_makes_lesions_fainter_and_more_of_them_misleading() -> None:
    def at(difficulty: float) -> tuple[float, float]:
        lesions = draw_cohort(SyntheticSettings(lesions=2000, difficulty=difficulty)).unique("lesion_id")
        misled = (lesions["look"] != lesions["diagnosis"]).mean()
        return float(lesions["clarity"].mean()), float(misled)  # type: ignore[arg-type]

    easy, usual, hard = at(0), at(0.35), at(1)
    assert easy[1] == 0
    assert easy[0] > usual[0] > hard[0]
    assert usual[1] == pytest.approx(0.35 * 0.35, abs=0.01)
    assert hard[1] == pytest.approx(0.35, abs=0.01)


def test_every_diagnosis_misleads_equally_often() -> None:
    lesions = draw_cohort(SyntheticSettings(lesions=1200)).unique("lesion_id")
    shares = lesions.group_by("diagnosis").agg((pl.col("look") != pl.col("diagnosis")).mean().alias("share"))
    assert shares["share"].min() == pytest.approx(0.1225, abs=0.015)
    assert shares["share"].max() == pytest.approx(0.1225, abs=0.015)


def test_a_larger_cohort_does_not_change_what_a_lesion_is() -> None:
    """The record of a lesion is a function of the seed and its number, not of the others."""
    one = draw_cohort(SyntheticSettings(lesions=50, classes={"nv": 1}))
    two = draw_cohort(SyntheticSettings(lesions=80, classes={"nv": 1}))
    columns = ["lesion_id", "site", "clarity", "confirmed_by"]
    first = one.unique("lesion_id", maintain_order=True).select(columns)
    assert two.unique("lesion_id", maintain_order=True).select(columns).head(50).equals(first)


def test_every_diagnosis_has_a_recipe_habits_and_look_alikes() -> None:
    assert set(PREVALENCE) == set(RECIPES) == set(HABITS) == set(LOOK_ALIKES)
    for code, others in LOOK_ALIKES.items():
        assert code not in others
        assert set(others) <= set(PREVALENCE)
        assert sum(others.values()) == pytest.approx(1)

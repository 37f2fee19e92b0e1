"""Data: what the champion was made from and how well it does on it. Every figure is read from its bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from nevus.api import Profile
from nevus.client import ClientError
from nevus.console import charts, words
from nevus.console import dataset as read
from nevus.console.answer import Meanings, diagnosis_names
from nevus.console.frame import heading, reading
from nevus.console.session import client

Part = TypeVar("Part")
_SCORES = {
    "recall": "Recall: of the images with this diagnosis, the share called it",
    "precision": "Precision: of the images called this diagnosis, the share that has it",
    "f1": "F1: the harmonic mean of precision and recall",
    "auroc": "AUROC: this diagnosis against all others",
}


def main() -> None:
    """Draw the page."""
    heading("Data", "The dataset behind the model that answers now. Every figure is read from its bundle.")
    nevus = client()
    try:
        manifest = nevus.manifest()
    except ClientError as error:
        if error.status != 503:
            raise
        st.info("No model answers yet, so there is no dataset to show.")
        return
    metrics, profile = _kept(nevus.metrics), _kept(nevus.profile)
    lacking = read.lacking_line(metrics is not None, profile is not None)
    if lacking:
        st.info(lacking)
    meanings = diagnosis_names(nevus)
    _sources(manifest)
    left, right = st.columns(2, gap="large")
    with left:
        _parts(manifest)
        if profile is not None:
            _levels("Sex", profile)
    with right:
        if metrics is not None:
            _classes(metrics, meanings)
    if profile is not None:
        _patients(profile)
    if metrics is not None:
        _results(metrics, meanings)


def _kept(ask: Callable[[], Part]) -> Part | None:
    """A part of the bundle; None where it hasn't got it, or the service lacks what reads it."""
    try:
        return ask()
    except ClientError as error:
        if error.status not in (404, 501):
            raise
        return None


def _patients(profile: Profile) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        _ages(profile)
    with right:
        _levels("Site", profile)
    st.caption(
        f"Age, sex and site: of {read.profiled(profile):,} images of validation and test, which the bundle keeps as a "
        "reference for later comparison. A bar of age is empty where ages were noted in steps."
    )


def _results(metrics: dict[str, Any], meanings: Meanings) -> None:
    test = metrics.get("subsets", {}).get("test")
    if test:
        _performance(test, metrics["malignant"], meanings)
        _confusion(test, meanings)
    _subgroups(metrics)


def _sources(manifest: dict[str, Any]) -> None:
    data = manifest["data"]
    names = words.listed([name.upper() if name.isalnum() else name for name in data["datasets"]])
    st.markdown(f"**{names}** · licence {words.listed(data['licences'])}")
    for text in data["attributions"]:
        st.caption(text)
    unknown = [
        what
        for what, known in (("patients", data["has_patient_ids"]), ("skin types", data["has_skin_type"]))
        if not known
    ]
    if unknown:
        st.caption(f"The dataset doesn't tell {' or '.join(unknown)}; nothing here can be judged by them.")


def _parts(manifest: dict[str, Any]) -> None:
    st.subheader("Size", anchor=False)
    images, groups = manifest["data"]["images"], manifest["data"]["groups"]
    names = [name for name in ("train", "validation", "test") if name in images]
    rows = [{"name": read.PARTS[name], "count": images[name]} for name in names]
    charts.show(charts.counts(rows, "Images"), "Images by part of the split")
    reading(
        f"{sum(images.values()):,} images of {sum(groups.values()):,} groups (patients, else lesions); "
        "no group lies in two parts."
    )


def _classes(metrics: dict[str, Any], meanings: Meanings) -> None:
    st.subheader("Classes", anchor=False)
    rows, parts = read.class_counts(metrics, meanings)
    charts.show(charts.counts(rows, f"Images ({parts})"), "Images by diagnosis")
    reading(read.class_line(rows))


def _ages(profile: Profile) -> None:
    bins = profile.features.get("age")
    if bins:
        st.subheader("Age", anchor=False)
        charts.show(charts.histogram(bins, "Age (years)", "Images"), "Images by age")
        reading(read.age_line(bins))


def _levels(name: str, profile: Profile) -> None:
    bins = profile.features.get(name.lower())
    if bins:
        st.subheader(name, anchor=False)
        rows = read.level_counts(bins)
        charts.show(charts.counts(rows, "Images"), f"Images by {name.lower()}")
        reading(read.level_line(rows))


def _performance(test: dict[str, Any], malignant: list[str], meanings: Meanings) -> None:
    st.subheader("Performance by class, on the test part", anchor=False)
    score = st.segmented_control("Score", list(_SCORES), default="recall", required=True, format_func=read.score_name)
    rows = read.class_scores(test, score, malignant, meanings)
    charts.show(charts.intervals(rows, f"{read.score_name(score)}, with 95 % interval"), f"{score} by diagnosis")
    reading(f"{_SCORES[score]}. {read.spread_line(rows)}")


def _confusion(test: dict[str, Any], meanings: Meanings) -> None:
    found = test.get("confusion")
    if not found:
        return
    st.subheader("What is taken for what, on the test part", anchor=False)
    rows = read.confusion_rows(found, meanings)
    names = list(dict.fromkeys(row["name"] for row in rows))
    charts.show(charts.confusion(rows, found["classes"], names), "Confusion matrix of the test part")
    reading(read.confusion_line(rows, meanings))


def _subgroups(metrics: dict[str, Any]) -> None:
    rows = read.subgroup_rows(metrics.get("subgroups", {}))
    if not rows:
        return
    st.subheader("Subgroups of the test part", anchor=False)
    st.table(rows, hide_index=True, border="horizontal", alt="Scores by subgroup, on the test part")
    small = sum(bool(row["Too small"]) for row in rows)
    reading(
        f"{len(rows) - small} of {len(rows)} subgroups hold enough malignant and benign groups to be judged. "
        "Sensitivity and specificity are those of malignancy, at the operating point."
    )


main()

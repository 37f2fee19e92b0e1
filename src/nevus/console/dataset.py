"""From a bundle's metrics and profile to the Data page's rows and sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from nevus.api import Bin, DiagnosisMeaning, Profile
from nevus.console import words

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}
_UNKNOWN = "Not known"
_KINDS = {"age_band": "Age", "confirmed_by": "Confirmed by"}
_SCORES = {
    "f1": "F1",
    "auroc": "AUROC",
    "malignant_pauc": "Malignant partial AUC above 80 % sensitivity",
    "brier": "Brier score",
    "ece": "Expected calibration error",
    "nll": "Log loss",
    "aurc": "Area under the risk-coverage curve",
}
_LOWER = frozenset({"ece", "brier", "nll", "aurc"})
"""Scores of which the smaller is the better."""

Row = dict[str, Any]
Meanings = Mapping[str, DiagnosisMeaning]


def lacking_line(figures: bool, profile: bool) -> str:
    """Which parts of the bundle that answers are there, and what the page can't show without the others; else ""."""
    if figures and profile:
        return ""
    if figures:
        return (
            "The model that answers keeps no profile of its data that this service can read, so age, sex and site "
            "aren't shown."
        )
    if profile:
        return "The model that answers keeps no figures, so classes, performance and subgroups aren't shown."
    return (
        "A model answers, but its bundle keeps neither figures nor a profile of its data: only where the data came "
        "from and how much there was can be shown."
    )


def class_counts(metrics: Mapping[str, Any], meanings: Meanings) -> tuple[list[Row], str]:
    """Images of each class, the most frequent first, and of which parts they are counted.

    Of all parts where the bundle tells it; bundles of earlier versions tell it of validation and test only.
    """
    parts = [part["classes"] for part in metrics.get("sizes", {}).values() if part.get("classes")]
    told = "all parts"
    if not parts:
        known = [name for name in ("validation", "test") if name in metrics["subsets"]]
        scores = [metrics["subsets"][name]["per_class"] for name in known]
        parts = [{code: found["n_votes"] for code, found in one.items()} for one in scores]
        told = words.listed([PARTS[name].lower() for name in known])
    counted: Counter[str] = Counter()
    for one in parts:
        counted.update(one)
    rows = [
        {"name": words.diagnosis(code, meanings), "count": count, "group": _group(code, metrics["malignant"])}
        for code, count in counted.most_common()
    ]
    return rows, told


def class_line(rows: Sequence[Row]) -> str:
    """Which class prevails, and how much is malignant."""
    total = sum(row["count"] for row in rows)
    ill = sum(row["count"] for row in rows if row["group"] == "malignant")
    first, last = rows[0], rows[-1]
    return (
        f"{words.percent(first['count'] / total)} are {first['name']}, {words.percent(ill / total)} are malignant; "
        f"the rarest, {last['name']}, has {last['count']:,} images."
    )


def level_counts(bins: Sequence[Bin]) -> list[Row]:
    """Images of each level, the most frequent first and the unknown last."""
    rows = [{"name": _level(one), "count": one.count} for one in bins]
    return sorted(rows, key=lambda row: (row["name"] == _UNKNOWN, -row["count"]))


def level_line(rows: Sequence[Row]) -> str:
    """The most frequent level and how many images have none."""
    total = sum(row["count"] for row in rows)
    unknown = sum(row["count"] for row in rows if row["name"] == _UNKNOWN)
    known = [row for row in rows if row["name"] != _UNKNOWN]
    if not known or not total:
        return "It is known of no image."
    first = known[0]
    return (
        f"Most often {first['name']} ({words.percent(first['count'] / total)}); not known of {unknown:,} of {total:,}."
    )


def age_line(bins: Sequence[Bin]) -> str:
    """Between which ages the middle half lies, to the edges of the histogram's bars."""
    known = [one for one in bins if one.low is not None or one.high is not None]
    missing = sum(one.count for one in bins if one.low is None and one.high is None)
    total = sum(one.count for one in known)
    if not total:
        return "The age is known of nobody."
    outside = sum(one.count for one in known if one.low is None or one.high is None)
    beyond = f" {outside:,} lie beyond the bars." if outside else ""
    low, high = _edge(known, 0.25 * total, lower=True), _edge(known, 0.75 * total, lower=False)
    middle = f"The middle half is between about {low:.0f} and {high:.0f} years old"
    return f"{middle}; the age of {missing:,} isn't known.{beyond}"


def profiled(profile: Profile) -> int:
    """Images that the profile was made of."""
    return max((sum(one.count for one in bins) for bins in profile.features.values()), default=0)


def class_scores(test: Mapping[str, Any], score: str, malignant: Sequence[str], meanings: Meanings) -> list[Row]:
    """A score of each class with its interval; classes without it are left out."""
    rows = []
    for code, found in test["per_class"].items():
        one = found.get(score)
        if one is None or one.get("value") is None:
            continue
        value = one["value"]
        rows.append(
            {
                "name": f"{words.diagnosis(code, meanings)} ({found['n_votes']:,})",
                "value": value,
                "low": one["low"] if one["low"] is not None else value,
                "high": one["high"] if one["high"] is not None else value,
                "text": words.estimate(one),
                "group": _group(code, malignant),
            }
        )
    return sorted(rows, key=lambda row: -row["value"])


def spread_line(rows: Sequence[Row]) -> str:
    """Best and worst class."""
    if not rows:
        return "It was measured of no class."
    best, worst = rows[0], rows[-1]
    return f"Best for {best['name']}: {best['text']}; worst for {worst['name']}: {worst['text']}. Images in brackets."


def confusion_rows(found: Mapping[str, Any], meanings: Meanings) -> list[Row]:
    """A row for each pair of true and answered class; `name` is the true one's for people, with its code."""
    rows = []
    for truth, line in zip(found["classes"], found["counts"], strict=True):
        total = sum(line)
        for answer, count in zip(found["classes"], line, strict=True):
            share = count / total if total else 0.0
            name = f"{words.diagnosis(truth, meanings)} ({truth})"
            rows.append({"truth": truth, "name": name, "answer": answer, "count": count, "share": share})
    return rows


def confusion_line(rows: Sequence[Row], meanings: Meanings) -> str:
    """The most frequent mistake."""
    wrong = [row for row in rows if row["truth"] != row["answer"]]
    worst = max(wrong, key=lambda row: row["count"], default=None)
    if worst is None or not worst["count"]:
        return "No image of the test part was taken for another diagnosis."
    truth, answer = words.diagnosis(worst["truth"], meanings), words.diagnosis(worst["answer"], meanings)
    return f"The most frequent mistake: {truth} taken for {answer}, {worst['count']:,} images."


def subgroup_rows(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Row]:
    """A row for each subgroup; where it is too small to judge, it says so instead of showing a score."""
    rows = []
    for kind, levels in found.items():
        for one in levels:
            judged = one.get("status") == "ok"
            scores = one.get("metrics", {}) if judged else {}
            rows.append(
                {
                    "Subgroup": f"{_KINDS.get(kind, kind.capitalize())}: {one['level'].replace('_', ' ')}",
                    "Images": one["n_images"],
                    "Balanced accuracy": words.estimate(scores.get("balanced_accuracy")),
                    "Sensitivity": words.estimate(scores.get("malignant_sensitivity")),
                    "Specificity": words.estimate(scores.get("malignant_specificity")),
                    "Too small": "" if judged else _too_small(str(one.get("reason"))),
                }
            )
    return rows


def score_name(score: str) -> str:
    """A score's name for people; it says so where the smaller is the better."""
    name = _SCORES.get(score)
    if name is None:
        name = score.replace("_", " ").capitalize().replace("auroc", "AUROC").replace(" f1", " F1")
        name = re.sub(r"at sensitivity (\d+)", r"at \1 % sensitivity", name)
    return f"{name} (lower is better)" if score in _LOWER else name


def _too_small(reason: str) -> str:
    """`3 malignant groups of the 30 needed` -> `3 of 30 malignant groups`."""
    return re.sub(r"(\d+) (malignant|benign) groups? of the (\d+) needed", r"\1 of \3 \2 groups", reason)


def _edge(bins: Sequence[Bin], wanted: float, *, lower: bool) -> float:
    """The edge of the bar in which the cumulated count reaches `wanted`."""
    ordered = sorted(bins, key=lambda one: (one.low is not None, one.low or 0.0))
    passed = 0
    for one in ordered:
        passed += one.count
        if passed >= wanted:
            edge = (one.low if one.low is not None else one.high) if lower else (one.high or one.low)
            return float(edge or 0.0)
    return float(ordered[-1].low or 0.0)


def _level(one: Bin) -> str:
    return _UNKNOWN if one.level in (None, "", "null") else str(one.level).capitalize()


def _group(code: str, malignant: Sequence[str]) -> str:
    return "malignant" if code in malignant else "benign"

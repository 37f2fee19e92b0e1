"""Models: versions, their figures, the gate, the card, and who answers whom."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from nevus.api import ModelVersion
from nevus.client import SERVED, ClientError
from nevus.console import words
from nevus.console.dataset import score_name
from nevus.console.decisions import decide_section, decided_section, last_decision
from nevus.console.frame import heading, problems, say
from nevus.console.rollout import rollout_section
from nevus.console.session import client


def main() -> None:
    """Draw the page."""
    heading("Models", "Versions, what they achieved, who approved them, and which of them answers whom.")
    told = last_decision()
    if told:
        st.success(told)
    problems(client())
    versions = client().models().models
    if not versions:
        st.markdown("There is no model yet. `nevus run` makes one and registers it.")
        return
    st.dataframe(
        [_row(one) for one in versions],
        hide_index=True,
        column_config={"Version": st.column_config.TextColumn(pinned=True)},
        alt="All versions",
    )
    chosen = st.selectbox("Look at", versions, format_func=_name, index=_serving(versions))
    figures, gate, card, decide = st.tabs(["Figures", "Gate", "Card", "Decide"])
    with figures:
        _figures(chosen)
    with gate:
        _gate(chosen)
    with card:
        _card(chosen)
    with decide:
        decide_section(client(), chosen)
        decided_section(client(), chosen)
    rollout_section(client())


def _name(one: ModelVersion) -> str:
    state = f", {one.state}" if one.state else ""
    return f"{words.version_name(one.model, one.number, one.bundle_digest)}{state}"


def _serving(versions: list[ModelVersion]) -> int:
    return next((place for place, one in enumerate(versions) if one.serving), 0)


def _row(one: ModelVersion) -> dict[str, Any]:
    return {
        "Version": words.version_name(one.model, one.number, one.bundle_digest),
        "State": one.state or "outside the registry",
        "Answers": "yes" if one.serving else "loaded" if one.loaded else "",
        "Gate": "" if one.gate_passed is None else "passed" if one.gate_passed else "not passed",
        "Balanced accuracy": words.estimate(one.metrics.get("balanced_accuracy")),
        "Malignant AUROC": words.estimate(one.metrics.get("malignant_auroc")),
        "Melanoma recall": words.estimate(one.metrics.get("melanoma_recall")),
        "Approved by": one.approved_by or "",
        "Licence": one.licence or "",
    }


def _place(one: ModelVersion) -> tuple[str, int | None]:
    return (one.model, one.number) if one.number is not None else (SERVED, None)


def _figures(one: ModelVersion) -> None:
    try:
        metrics = client().metrics(*_place(one))
    except ClientError as error:
        _without("There are no figures to show.", error)
        return
    subsets = metrics.get("subsets", {})
    if not subsets:
        st.caption("The bundle holds no figures.")
        return
    names = list(subsets)
    subset = st.segmented_control(
        "Part", names, default=names[0], required=True, format_func=_part, key=f"part-{one.ref}"
    )
    found = subsets[subset]
    st.caption(
        f"{found['n_images']:,} images of {found['n_groups']:,} groups, of which {found['n_malignant_groups']:,} are "
        f"malignant; intervals of 95 %, bootstrapped by group."
    )
    rows = [
        {"Score": score_name(name), "Value": words.number(one_["value"]), "95 % interval": _interval(one_)}
        for name, one_ in found["metrics"].items()
    ]
    st.table(rows, hide_index=True, border="horizontal", alt="Scores with their intervals")
    points = found.get("operating_points", [])
    if points:
        st.markdown("**Operating points**")
        st.table(
            [
                {
                    "Set for": words.operating_point(point["name"]),
                    "Threshold": words.percent(point["threshold"]),
                    "Sensitivity": words.estimate(point["sensitivity"]),
                    "Specificity": words.estimate(point["specificity"]),
                    "Melanomas missed": f"{point['melanomas_missed']:,} of {point['melanomas']:,}"
                    if point.get("melanomas")
                    else "–",
                }
                for point in points
            ],
            hide_index=True,
            border="horizontal",
            alt="Operating points with what they achieve",
        )


def _part(name: str) -> str:
    return {
        "test": "Test",
        "test_lesion": "Test, a vote a lesion",
        "test_histology": "Test, histology only",
        "test_answered": "Test, answered only",
        "validation": "Validation",
    }.get(name, name.replace("_", " ").capitalize())


def _interval(found: dict[str, Any]) -> str:
    if found.get("low") is None:
        return "–"
    return f"{words.number(found['low'])} to {words.number(found['high'])}"


def _gate(one: ModelVersion) -> None:
    if not one.gate or not one.gate.get("lines"):
        st.caption("No gate has judged this version: it is served from its folder.")
        return
    passed = one.gate_passed
    st.markdown(f"**{'Passed' if passed else 'Not passed'}**, by the policy `{one.gate.get('policy', 'unknown')}`.")
    for line in one.gate["lines"]:
        mark = "✓ passed" if line["passed"] else "✗ not passed"
        st.markdown(
            f"**{words.sentence(line['rule'].replace('-', ' '))}**: {mark}. "
            f"{_plain(words.sentence(line['explanation']).removesuffix('.'))}.  \n"
            f":small[{_plain(line.get('description') or '')} Required: {_plain(line['required'])}.]"
        )
    if one.override_reason:
        st.warning(f"Approved against the gate: {one.override_reason}")


def _plain(text: str) -> str:
    """As it is, not as Markdown; of names such as sensitivity_95 and age_band the words."""
    text = re.sub(r"\bsensitivity_(\d+)\b", r"the operating point for \1 % sensitivity", text)
    return re.sub(r"([*\[\]$`\\])", r"\\\1", text.replace("_", " "))


def _card(one: ModelVersion) -> None:
    try:
        text = client().card(*_place(one))
    except ClientError as error:
        _without("There is no card to show.", error)
        return
    st.markdown(words.within_a_page(text))


def _without(what: str, error: ClientError) -> None:
    """A bundle may do without its figures and card; anything else went wrong."""
    if error.status == 404:
        st.info(f"{what} {words.sentence(str(error))}")
    else:
        say(error)


main()

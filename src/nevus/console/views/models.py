"""Models: versions, their figures, the gate, the card, and who answers whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from nevus.api import ModelChange, ModelVersion
from nevus.client import SERVED, Client, ClientError
from nevus.console import words
from nevus.console.dataset import score_name
from nevus.console.frame import heading, say
from nevus.console.rollout import rollout_section
from nevus.console.session import client, may

_TOLD = "nevus.models.told"


def main() -> None:
    """Draw the page."""
    heading("Models", "Versions, what they achieved, who approved them, and which of them answers whom.")
    told = st.session_state.pop(_TOLD, None)
    if told:
        st.success(told)
    versions = client().models().models
    if not versions:
        st.markdown("There is no model yet. `nevus run` makes one and registers it.")
        return
    st.dataframe([_row(one) for one in versions], hide_index=True, alt="All versions")
    chosen = st.selectbox("Look at", versions, format_func=_name, index=_serving(versions))
    figures, gate, card, decide = st.tabs(["Figures", "Gate", "Card", "Decide"])
    with figures:
        _figures(chosen)
    with gate:
        _gate(chosen)
    with card:
        _card(chosen)
    with decide:
        _decide(chosen)
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
        say(error)
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
    st.dataframe(rows, hide_index=True, height="content", alt="Scores with their intervals")
    points = found.get("operating_points", [])
    if points:
        st.markdown("**Operating points**")
        st.dataframe(
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
    st.dataframe(
        [
            {
                "": "✓" if line["passed"] else "✗",
                "Rule": line["rule"],
                "Required": line["required"],
                "What came out": line["explanation"],
                "Why it counts": line.get("description") or "",
            }
            for line in one.gate["lines"]
        ],
        hide_index=True,
        height="content",
        alt="The gate, line by line",
    )
    if one.override_reason:
        st.warning(f"Approved against the gate: {one.override_reason}")


def _card(one: ModelVersion) -> None:
    try:
        text = client().card(*_place(one))
    except ClientError as error:
        say(error)
        return
    # Inside the page the card's own title is one heading among others.
    st.markdown(text.replace("\n# ", "\n### ").removeprefix("# ").replace("\n## ", "\n#### "))


def _decide(one: ModelVersion) -> None:
    if one.number is None:
        st.caption("A bundle served from its folder is decided on by who starts the service.")
        return
    if one.approved_by:
        st.caption(
            f"Approved by {one.approved_by}"
            + (f" on {one.approved_at:%d %B %Y}" if one.approved_at else "")
            + (f": {one.approval_note}" if one.approval_note else "")
        )
    if not may("operator"):
        st.caption("Your key may look, not decide: rollback needs an operator's, approval and promotion an admin's.")
        return
    nevus, number = client(), one.number
    note = st.text_input("Note", placeholder="Why?", key=f"note-{one.ref}", max_chars=1000)
    override = None
    if one.gate_passed is False and may("admin"):
        override = st.text_input("Reason to go against the gate", key=f"override-{one.ref}", max_chars=1000)
    sure = st.checkbox("I have read the figures and the card", key=f"sure-{one.ref}")
    with st.container(horizontal=True):
        if may("admin"):
            _act(
                "Approve",
                one,
                sure and bool(note),
                lambda: nevus.approve(one.model, number, note, override=override or None),
            )
            _act("Promote to champion", one, sure, lambda: nevus.promote(one.model, number, note=note or None))
            _act("Make challenger", one, sure, lambda: nevus.challenge(one.model, number, note=note or None))
            _act("Retire", one, sure, lambda: nevus.retire(one.model, number, note=note or None))
        _act("Roll back to the champion before", one, sure, lambda: nevus.rollback(one.model, note=note or None))
    with st.container(horizontal=True):
        if one.loaded and not one.serving:
            _load("Unload", one, nevus)
        elif not one.loaded:
            _load("Load for requests that name it", one, nevus)
    st.caption("An approval needs a note. What is decided here stands in the audit log under your key's name.")


def _act(label: str, one: ModelVersion, allowed: bool, decide: Callable[[], ModelChange]) -> None:
    if not st.button(label, key=f"{label}-{one.ref}", disabled=not allowed):
        return
    try:
        change = decide()
    except ClientError as error:
        say(error)
        return
    now = change.version
    told = f"{words.version_name(now.model, now.number, now.bundle_digest)} is now {now.state}."
    if change.replaced is not None and change.replaced.number is not None:
        told += f" It replaces version {change.replaced.number}."
    st.session_state[_TOLD] = " ".join([told, *change.warnings])
    st.rerun()


def _load(label: str, one: ModelVersion, nevus: Client) -> None:
    if one.number is None or not st.button(label, key=f"{label}-{one.ref}"):
        return
    try:
        if one.loaded:
            nevus.unload(one.model, one.number)
        else:
            nevus.load(one.model, one.number)
    except ClientError as error:
        say(error)
        return
    st.rerun()


main()

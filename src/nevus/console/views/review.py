"""Review: the pictures whose label helps most, each beside its evidence, labelled with one key."""

from __future__ import annotations

import streamlit as st

from nevus.api import PredictionAnswer, Priority
from nevus.console import answer as shown
from nevus.console import labelling
from nevus.console.frame import heading, notice
from nevus.console.history import history
from nevus.console.pictures import stored_picture
from nevus.console.session import client, may

_SKIPPED = "nevus.review.skipped"


def main() -> None:
    """Draw the page."""
    heading("Review", "Pictures without a label, in the order in which a label helps most.")
    todo, done = st.tabs(["Worklist", "History"])
    with todo:
        labelling.keep_choices()
        conflict, given = labelling.open_conflict(), labelling.open_change()
        if conflict is not None:
            _conflicting(conflict)
        elif given is not None:
            with _beside_its_evidence(client().prediction(given.prediction_id), None):
                labelling.change(given, shown.diagnosis_names(client()))
        else:
            _worklist()
    with done:
        history()
    notice()


def _worklist() -> None:
    skipped: set[str] = st.session_state.setdefault(_SKIPPED, set())
    found = client().worklist(limit=min(100, 20 + len(skipped)))
    waiting = [item for item in found.items if item.prediction.prediction_id not in skipped]
    labelling.way_back()
    if not waiting:
        st.markdown("Nothing waits for a label." if not skipped else "Nothing waits but what you have put off.")
        if skipped and st.button("Show what I have put off"):
            skipped.clear()
            st.rerun()
        return
    first = waiting[0]
    asking = _beside_its_evidence(first.prediction, first.priority)
    with asking:
        if not may("clinician"):
            st.caption("Your key may look, not label.")
        else:
            labelling.label_buttons(first.prediction.prediction_id, shown.diagnosis_names(client()), skipped.add)
    if len(waiting) > 1:
        st.caption(f"{len(waiting) - 1}{' or more' if found.next else ''} wait after this one.")


def _conflicting(conflict: labelling.Conflict) -> None:
    asking = _beside_its_evidence(client().prediction(conflict.prediction_id), None)
    with asking:
        labelling.settle(conflict, shown.diagnosis_names(client()))


def _beside_its_evidence(one: PredictionAnswer, priority: Priority | None) -> st.delta_generator.DeltaGenerator:
    """Draw picture and evidence; what it returns is the place beside them."""
    picture, evidence, asking = st.columns([4, 4, 4], gap="medium")
    with picture:
        st.markdown("**The picture**")
        whole = stored_picture(client(), one.prediction_id)
        if whole is None:
            st.caption("The picture isn't kept (any more).")
        else:
            st.image(whole, width="stretch", alt="The picture that waits for a label")
        st.caption(_known(one))
        with st.expander("The model's answer", expanded=False):
            meanings = shown.diagnosis_names(client())
            shown.verdict_card(one)
            shown.malignant_scale(one)
            shown.probability_bars(one, meanings)
        if priority is not None:
            st.caption(
                f"Why it is here, each from 0 to 1: uncertainty {priority.uncertainty:.2f}, novelty "
                f"{priority.novelty:.2f}, nearness to the operating point {priority.closeness:.2f}."
            )
    with evidence:
        st.markdown("**Evidence for malignancy**")
        shown.evidence(client(), one)
    return asking


def _known(one: PredictionAnswer) -> str:
    parts = [f"{one.age:g} years" if one.age is not None else "", one.sex or "", one.site or ""]
    return ", ".join(part for part in parts if part) or "Nothing is known of the patient."


main()

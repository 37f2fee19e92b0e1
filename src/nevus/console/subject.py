"""The fields in which one says what is known of the patient."""

from __future__ import annotations

from typing import Any

import streamlit as st

from nevus.taxonomy import SEXES, SITES


def subject_fields() -> dict[str, Any]:
    """Age, sex, site, patient and lesion, as `Client.predict` takes them; None where nothing was said."""
    with st.expander("What is known of the patient", expanded=True):
        left, right = st.columns(2)
        age = left.number_input(
            "Age (years)", min_value=0, max_value=120, value=None, step=1, placeholder="–", key="nevus.subject.age"
        )
        sex = _choice(right, "Sex", SEXES)
        site = _choice(st, "Site on the body", SITES)
        left, right = st.columns(2)
        patient, lesion = _key(left, "Patient key"), _key(right, "Lesion key")
    return {
        "age": None if age is None else float(age),
        "sex": sex,
        "site": site,
        "patient": patient,
        "lesion": lesion,
    }


def _choice(place: Any, label: str, options: tuple[str, ...]) -> str | None:
    found: str | None = place.selectbox(
        label, options, index=None, placeholder="–", format_func=str.capitalize, key=f"nevus.subject.{label}"
    )
    return found


def _key(place: Any, label: str) -> str | None:
    text: str = place.text_input(
        label, help="Stored as a keyed hash only.", max_chars=200, autocomplete="off", key=f"nevus.subject.{label}"
    )
    return text.strip() or None

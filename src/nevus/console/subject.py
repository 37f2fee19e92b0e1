"""The fields in which one says what is known of the patient."""

from __future__ import annotations

from typing import Any

import streamlit as st

SITES = (
    "head/neck",
    "anterior torso",
    "posterior torso",
    "lateral torso",
    "torso",
    "upper extremity",
    "lower extremity",
    "palms/soles",
    "oral/genital",
)
"""The ISIC archive's general sites, which are those that nevus' models learn."""


def subject_fields() -> dict[str, Any]:
    """Age, sex, site, patient and lesion, as `Client.predict` takes them; None where nothing was said."""
    with st.expander("What is known of the patient", expanded=True):
        left, right = st.columns(2)
        age = left.number_input("Age (years)", min_value=0, max_value=120, value=None, step=1, placeholder="–")
        sex = right.selectbox(
            "Sex", ["female", "male"], index=None, placeholder="–", format_func=lambda text: text.capitalize()
        )
        site = st.selectbox(
            "Site on the body", SITES, index=None, placeholder="–", format_func=lambda text: text.capitalize()
        )
        left, right = st.columns(2)
        patient = left.text_input("Patient key", help="Stored as a keyed hash only.", max_chars=200, autocomplete="off")
        lesion = right.text_input("Lesion key", help="Stored as a keyed hash only.", max_chars=200, autocomplete="off")
    return {
        "age": None if age is None else float(age),
        "sex": sex,
        "site": site,
        "patient": patient.strip() or None,
        "lesion": lesion.strip() or None,
    }

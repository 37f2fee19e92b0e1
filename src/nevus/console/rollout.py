"""How requests are shared between champion and challenger, and how the two compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from nevus.api import Comparison, Rollout
from nevus.client import Client, ClientError
from nevus.console import words
from nevus.console.dataset import score_name
from nevus.console.frame import figures, say
from nevus.console.session import may
from nevus.console.words import sentence

_DECISIONS = {
    "continue": "Nothing is shown yet: go on comparing.",
    "challenger_better": "The challenger is better.",
    "challenger_worse": "The challenger is worse.",
}


def rollout_section(client: Client) -> None:
    """A/B share, shadow, and the comparison."""
    st.subheader("Champion and challenger", anchor=False)
    try:
        now = client.rollout()
    except ClientError as error:
        say(error)
        return
    if now.champion is None:
        st.caption("A bundle served from its folder has no challenger. Promote a registered version to compare two.")
        return
    st.markdown(_in_words(now))
    if may("operator"):
        _form(client, now)
    if now.challenger is not None:
        _comparison(client)


def _in_words(now: Rollout) -> str:
    if now.challenger is None:
        return f"Version {now.champion} of {now.model} answers everybody; there is no challenger."
    share = f"{words.percent(now.challenger_share, 0)} of patients" if now.challenger_share else "nobody"
    shadow = (
        " In the shadow it also judges the others' pictures; those answers are stored, not shown." if now.shadow else ""
    )
    return f"Version {now.champion} of {now.model} is champion; version {now.challenger} answers {share}.{shadow}"


def _form(client: Client, now: Rollout) -> None:
    if now.challenger is None:
        st.caption("To compare two, make an approved version the challenger under Decide.")
        return
    with st.form("rollout"):
        share = st.slider("Patients whom the challenger answers (%)", 0, 100, round(now.challenger_share * 100))
        shadow = st.toggle("Shadow: the challenger judges every picture beside the champion", now.shadow)
        if st.form_submit_button("Apply"):
            try:
                client.set_rollout(now.model, challenger_share=share / 100, shadow=shadow)
            except ClientError as error:
                say(error)
            else:
                st.rerun()


def _comparison(client: Client) -> None:
    try:
        found = client.comparison()
    except ClientError as error:
        say(error)
        return
    figures(
        ("Pictures judged by both", f"{found.pairs:,}"),
        ("Same diagnosis", words.percent(found.agreement.get("diagnosis"))),
        ("Same verdict", words.percent(found.agreement.get("verdict"))),
        ("Labelled among them", f"{found.labelled:,}"),
    )
    if found.metrics:
        st.markdown("**On the labelled pictures**")
        st.table(_rows(found), hide_index=True, border="horizontal", alt="Champion and challenger on labelled pictures")
        if any(one.difference and one.difference.too_few for one in found.metrics.values()):
            st.caption("What is needed are labelled patients; where no patient is known, lesions.")
    else:
        st.caption("Scores can be compared once some of these pictures have labels.")
    if found.arms:
        st.markdown("**What each has answered**")
        st.dataframe(
            [_arm(*one) for one in found.arms.items()], hide_index=True, alt="Champion and challenger by share"
        )
    test = found.sequential
    if test is not None:
        st.markdown(f"**{_DECISIONS.get(test.decision, test.decision)}** {sentence(test.explanation or '')}")
        st.caption("A sequential test: it may be looked at every day without finding differences by mere looking.")


def _rows(found: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "Score": score_name(name),
            "Champion": words.number(one.champion),
            "Challenger": words.number(one.challenger),
            "Difference (95 % interval)": words.estimate(one.difference.model_dump()) if one.difference else "–",
        }
        for name, one in found.metrics.items()
    ]


def _arm(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = found.get("verdicts", {})
    return {
        "Arm": name.capitalize(),
        "Version": found.get("version"),
        "Pictures": found.get("answered"),
        "Patients": found.get("patients"),
        "Labelled": found.get("labelled"),
        **{words.verdict(code): words.percent(verdicts.get(code, 0.0)) for code in words.VERDICTS},
    }

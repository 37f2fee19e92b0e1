"""What may be decided about a version on its page, and its history."""

from __future__ import annotations

import pytest

pytest.importorskip("streamlit", reason="needs nevus[console]")

from streamlit.testing.v1 import AppTest


def page() -> None:
    from datetime import UTC, datetime
    from types import SimpleNamespace

    from nevus.api import Decision, ModelDetail
    from nevus.console.decisions import decided_section

    at = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
    history = [
        Decision(at=at, by="the pipeline", decision="register", state="candidate"),
        Decision(at=at.replace(hour=10), by="Dr. Rossi", decision="promote", state="champion", note="better by far"),
        Decision(at=at.replace(hour=11), by="ops", decision="judged_again"),
    ]
    one = ModelDetail(ref="tiny/2", model="tiny", number=2, bundle_digest="0" * 64, history=history)
    decided_section(SimpleNamespace(model=lambda model, number: one), one)


def test_a_versions_history_is_told_the_latest_first_with_who_and_why() -> None:
    shown = AppTest.from_function(page).run()
    assert not shown.exception
    assert shown.table[0].value.to_dict("records") == [
        {"When": "21 November 2026, 11:05 UTC", "What": "Judged again", "By": "ops", "Note": ""},
        {
            "When": "21 November 2026, 10:05 UTC",
            "What": "Promoted to champion",
            "By": "Dr. Rossi",
            "Note": "better by far",
        },
        {"When": "21 November 2026, 09:05 UTC", "What": "Registered", "By": "the pipeline", "Note": ""},
    ]


def deciding(may_answer: bool) -> None:
    import streamlit as st

    from nevus.api import Me, ModelVersion
    from nevus.client import Client
    from nevus.console import session
    from nevus.console.decisions import decide_section

    client = Client("http://127.0.0.1:9", key="k")
    st.session_state[session._SESSION] = session.Session(client, Me(name="Ops", role="operator", key_id="k"))
    state = "approved" if may_answer else "candidate"
    version = {"ref": "tiny/2", "model": "tiny", "number": 2, "state": state, "bundle_digest": "0" * 64}
    decide_section(client, ModelVersion(**version, may_answer=may_answer))


@pytest.mark.parametrize("may_answer", [True, False])
def test_only_a_version_that_may_answer_is_offered_to_be_loaded(may_answer: bool) -> None:
    shown = AppTest.from_function(deciding, args=(may_answer,)).run()
    assert not shown.exception
    assert ("Load for requests that name it" in [button.label for button in shown.button]) is may_answer

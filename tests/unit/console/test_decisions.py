"""The history of a version on its page."""

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

"""Pages of a service whose model is absent, bare or not the one that was decided on."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("streamlit", reason="needs nevus[console]")

from streamlit.testing.v1 import AppTest

BARE = {"data": {"datasets": ["ham"], "licences": ["CC0"], "attributions": [], "images": {"train": 7, "test": 3}}}
BARE["data"] |= {"groups": {"train": 5, "test": 2}, "has_patient_ids": True, "has_skin_type": True}
FULL = {"malignant": ["mel"], "subsets": {}, "sizes": {"train": {"classes": {"nv": 6, "mel": 1}}}, "subgroups": {}}
VERSION = {"ref": "tiny/2", "model": "tiny", "number": 2, "state": "champion", "bundle_digest": "0" * 64}
BESIDE = "tiny/2 is the store's champion, but tiny@5946 answers: this server was started with its bundle."


def page(name: str, answers: dict[str, object]) -> None:
    """A page over a service that answers so; an integer is a refusal with that status, what isn't named a 404."""
    import runpy
    from pathlib import Path

    import streamlit as st

    from nevus import console
    from nevus.api import Diagnoses, Me, ModelVersions, Profile, Ready, Rollout
    from nevus.client import ClientError
    from nevus.console import session

    kinds = {"ready": Ready, "models": ModelVersions, "profile": Profile, "rollout": Rollout, "diagnoses": Diagnoses}

    class Service:
        def __getattr__(self, call: str) -> object:
            def answered(*_: object) -> object:
                found = answers.get(call, 404)
                if isinstance(found, int):
                    raise ClientError(f"{call} isn't there.", status=found)
                return kinds[call].model_validate(found) if call in kinds else found

            return answered

    st.session_state[session._SESSION] = session.Session(Service(), Me(name="R", role="reader", key_id="k"))
    runpy.run_path(str(Path(console.__file__).parent / "views" / f"{name}.py"))


def drawn(name: str, **answers: Any) -> AppTest:
    answers = {"diagnoses": {"diagnoses": []}, "rollout": {}, **answers}
    shown = AppTest.from_function(page, args=(name, answers), default_timeout=60).run()
    assert not shown.exception
    return shown


@pytest.mark.parametrize(
    ("answers", "sentences", "sections"),
    [
        ({"manifest": 503}, ["No model answers yet, so there is no dataset to show."], []),
        (
            {"manifest": BARE},
            [
                "A model answers, but its bundle keeps neither figures nor a profile of its data: only where the data "
                "came from and how much there was can be shown."
            ],
            ["Size"],
        ),
        (
            {"manifest": BARE, "profile": {"features": {"sex": [{"level": "male", "count": 3}]}}},
            ["The model that answers keeps no figures, so classes, performance and subgroups aren't shown."],
            ["Size", "Sex"],
        ),
        (
            {"manifest": BARE, "metrics": FULL, "profile": 501},
            [
                "The model that answers keeps no profile of its data that this service can read, so age, sex and site "
                "aren't shown."
            ],
            ["Size", "Classes"],
        ),
        (
            {"manifest": BARE, "metrics": FULL, "profile": {"features": {"sex": [{"level": "male", "count": 3}]}}},
            [],
            ["Size", "Sex", "Classes"],
        ),
    ],
    ids=["no model", "bare", "no figures", "no profile", "all there"],
)
def test_the_data_page_says_what_is_lacking_and_shows_the_rest(
    answers: dict[str, Any], sentences: list[str], sections: list[str]
) -> None:
    shown = drawn("data", **answers)
    assert [one.value for one in shown.info] == sentences
    assert [one.value for one in shown.subheader] == sections
    assert not shown.error


def test_a_version_without_figures_and_card_is_no_error() -> None:
    ready = {"status": "ready", "model": "tiny", "version": 2, "bundle_digest": "0" * 64}
    shown = drawn("models", ready=ready, models={"models": [VERSION]})
    told = ["There are no figures to show. Metrics isn't there.", "There is no card to show. Card isn't there."]
    assert [one.value for one in shown.tabs[0].info] + [one.value for one in shown.tabs[2].info] == told
    assert not shown.tabs[0].error
    assert not shown.warning


def test_the_models_page_says_what_should_answer_and_does_not() -> None:
    ready = {"status": "ready", "model": "tiny", "bundle_digest": "5" * 64, "problems": [BESIDE]}
    shown = drawn("models", ready=ready, models={"models": [VERSION]})
    (told,) = [one.value.replace("\\", "") for one in shown.warning]
    assert told == f"Not as decided: {BESIDE}"
    shown = drawn("models", ready=503, models={"models": [VERSION]})
    assert [one.value for one in shown.warning] == ["The service is alive but not ready: ready isn't there."]

"""What the rollout promises: what was decided last, by whom, and the champion alone where nothing was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from nevus.store import Registry, UnknownVersionError, entries
from nevus.store.columns import now
from nevus.store.registry import unexplained_states
from nevus.store.rollout import (
    FurtherVersionError,
    Rollout,
    RolloutError,
    further_versions,
    get_rollout,
    keep_loaded,
    let_go,
    put_rollout,
)
from nevus.store.serving_tables import FurtherVersionRow


@pytest.fixture
def lesions(store, new_version):
    Registry(store).register(new_version(1), by="x")
    return store


def test_without_a_decision_the_champion_answers_everything(lesions):
    assert get_rollout(lesions, "lesions") == Rollout("lesions", 0.0, False, None, None)
    assert get_rollout(lesions, "nothing") == Rollout("nothing", 0.0, False, None, None)


def test_the_last_decision_counts_and_each_stands_in_the_audit(lesions):
    first = put_rollout(lesions, "lesions", challenger_share=0.25, shadow=False, by="ops")
    assert get_rollout(lesions, "lesions") == first
    second = put_rollout(lesions, "lesions", challenger_share=0, shadow=True, by="Zoë")
    assert get_rollout(lesions, "lesions") == second
    assert (second.challenger_share, second.shadow, second.changed_by) == (0.0, True, "Zoë")
    assert second.changed_at >= first.changed_at
    none, quarter, unseen = (
        {"challenger_share": share, "shadow": shadow} for share, shadow in ((0.0, False), (0.25, False), (0, True))
    )
    assert [(e.actor, e.subject, e.details) for e in entries(lesions, action="rollout.changed")] == [
        ("ops", "lesions", {"from": none, "to": quarter}),
        ("Zoë", "lesions", {"from": quarter, "to": unseen}),
    ]


def test_what_is_so_already_is_not_decided_anew(lesions):
    first = put_rollout(lesions, "lesions", challenger_share=0.5, shadow=False, by="ops")
    assert put_rollout(lesions, "lesions", challenger_share=0.5, shadow=False, by="Zoë") == first
    assert len(entries(lesions, action="rollout.changed")) == 1


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_share_lies_between_0_and_1(lesions, share):
    with pytest.raises(RolloutError, match=r"^challenger_share: "):
        put_rollout(lesions, "lesions", challenger_share=share, shadow=False)
    assert get_rollout(lesions, "lesions").changed_at is None


@pytest.mark.parametrize("share", [0, 1])
def test_nothing_and_everything_are_shares(lesions, share):
    assert put_rollout(lesions, "lesions", challenger_share=share, shadow=False).challenger_share == share


def test_a_model_that_never_was_has_no_rollout_to_set(lesions):
    with pytest.raises(UnknownVersionError, match="there is: lesions"):
        put_rollout(lesions, "moles", challenger_share=0.5, shadow=False)


@pytest.fixture
def three(store, new_version):
    """Three approved versions."""
    registry = Registry(store)
    for number in (1, 2, 3):
        registry.approve(registry.register(new_version(number), by="x").version.ref, by="x", note="seen")
    return store


def kept(store):
    return [version.ref for version in further_versions(store)]


def test_further_versions_stay_until_somebody_lets_them_go_and_each_decision_stands_in_the_audit(three):
    assert kept(three) == []
    assert keep_loaded(three, "lesions/3", most=2, by="ops").ref == "lesions/3"
    keep_loaded(three, "lesions/1", most=2, by="Zoë")
    keep_loaded(three, "lesions/3", most=2, by="Zoë")  # it is so already
    assert kept(three) == ["lesions/3", "lesions/1"]
    assert let_go(three, "lesions/3", by="Zoë").ref == "lesions/3"
    assert kept(three) == ["lesions/1"]
    told = [(e.action, e.actor, e.subject) for e in entries(three) if e.action in ("model.load", "model.unload")]
    assert told == [
        ("model.load", "ops", "lesions/3"),
        ("model.load", "Zoë", "lesions/1"),
        ("model.unload", "Zoë", "lesions/3"),
    ]
    assert unexplained_states(three) == []


def test_no_more_are_kept_than_there_may_be_and_those_that_answer_anyhow_do_not_count(three):
    keep_loaded(three, "lesions/1", most=1)
    with pytest.raises(FurtherVersionError, match=r"^1 versions are loaded"):
        keep_loaded(three, "lesions/2", most=1)
    keep_loaded(three, "lesions/2", most=1, answering=[f"{1:064x}"])
    assert kept(three) == ["lesions/1", "lesions/2"]
    with pytest.raises(FurtherVersionError, match="lesions/3 is not among"):
        let_go(three, "lesions/3")
    with pytest.raises(UnknownVersionError):
        keep_loaded(three, "lesions/4", most=9)


def test_of_several_at_once_no_more_are_kept_than_there_may_be(three):
    def try_it(ref):
        try:
            keep_loaded(three, ref, most=1)
        except FurtherVersionError:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(try_it, ["lesions/1", "lesions/2", "lesions/3"])) == [False, False, True]
    assert len(kept(three)) == 1


def test_a_version_that_is_retired_is_no_longer_kept(three):
    keep_loaded(three, "lesions/1", most=2)
    keep_loaded(three, "lesions/2", most=2)
    Registry(three).retire("lesions/1", by="x")
    assert kept(three) == ["lesions/2"]


@pytest.mark.parametrize("state", ["candidate", "rejected", "retired"])
def test_a_version_that_nobody_approved_is_kept_by_nobody(store, new_version, state):
    registry = Registry(store)
    judged = {} if state != "rejected" else {"gate_passed": False, "reasons": ("floor: too low",)}
    version = registry.register(new_version(1, **judged), by="x").version
    if state == "retired":
        registry.retire(version.ref, by="x")
    with pytest.raises(FurtherVersionError, match=rf"^lesions/1 is {state}.*nobody has approved it.*models approve"):
        keep_loaded(store, version.ref, most=2)
    with store.write() as session:  # as an earlier nevus may have left it
        session.add(FurtherVersionRow(version_id=1, changed_at=now(), changed_by="x"))
    assert kept(store) == []
    registry.approve(version.ref, by="x", note="seen", override="why not" if state == "rejected" else None)
    assert kept(store) == ["lesions/1"]


def test_a_version_that_was_approved_once_may_be_kept_when_it_is_retired(three):
    Registry(three).retire("lesions/1", by="x")
    keep_loaded(three, "lesions/1", most=2)
    assert kept(three) == ["lesions/1"]

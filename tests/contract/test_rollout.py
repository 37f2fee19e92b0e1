"""What the rollout promises: what was decided last, by whom, and the champion alone where nothing was."""

from __future__ import annotations

import pytest

from nevus.store import Registry, UnknownVersionError, entries
from nevus.store.rollout import Rollout, RolloutError, get_rollout, put_rollout


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

"""What the registry promises, whichever database holds it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nevus.errors import NevusError
from nevus.store import ApprovalError, Registry, State, TransitionError, UnknownVersionError, entries, verify
from nevus.store.failures import StoreError
from nevus.store.registry import RegistrationError, unexplained_states
from nevus.store.registry.states import COMMANDS, Move


@pytest.fixture
def registry(store):
    return Registry(store)


@pytest.fixture
def approved(registry, new_version):
    """A function that registers and approves version `number`."""

    def make(number, **changes):
        ref = registry.register(new_version(number, **changes)).version.ref
        return registry.approve(ref, by="Dr. Rossi", note="read the report").version.ref

    return make


def states(registry):
    return {version.number: str(version.state) for version in registry.versions()}


def test_versions_count_up_within_their_model(registry, new_version):
    refs = [
        registry.register(new_version(1)).version.ref,
        registry.register(new_version(2)).version.ref,
        registry.register(new_version(1, model="other")).version.ref,
    ]
    assert refs == ["lesions/1", "lesions/2", "other/1"]


def test_everything_that_was_registered_comes_back(registry, new_version):
    before = datetime.now(UTC)
    given_ = new_version(
        7,
        gate={"passed": False, "lines": [{"metric": "balanced_accuracy", "low": 0.612}]},
        gate_passed=False,
        reasons=("balanced accuracy: lower end .612 is below .65",),
        metrics={"balanced_accuracy": {"value": 0.7, "low": 0.612, "high": 0.78}},
        operating_threshold=0.1,
        fingerprints={"content": "c", "split": None},
        licence="CC BY-NC",
        commercial_use=False,
        run="/runs/a",
        tracking_run="r1",
        predictions_uri="/runs/a/predictions.parquet",
    )
    registry.register(given_)
    found = registry.get("lesions/1")
    for name in given_.__dataclass_fields__:
        assert getattr(found, name) == getattr(given_, name), name
    assert found.state is State.REJECTED
    assert found.approval is None
    assert before <= found.created_at <= datetime.now(UTC)
    assert found.created_at.utcoffset() == timedelta(0)


def test_a_finished_pipeline_run_again_makes_no_second_version_and_no_noise(store, registry, new_version):
    registry.register(new_version(1))
    again = registry.register(new_version(1))
    assert (again.created, again.version.ref) == (False, "lesions/1")
    assert len(entries(store)) == 1


def test_a_bundle_that_moved_is_followed(store, registry, new_version):
    registry.register(new_version(1))
    registry.register(new_version(1, bundle_uri="/new/place"))
    assert registry.get("lesions/1").bundle_uri == "/new/place"
    assert entries(store)[-1].details["moved"] == {"bundle_uri": {"from": "/models/lesions", "to": "/new/place"}}


def test_a_new_verdict_moves_a_candidate_but_not_what_a_person_decided(registry, new_version):
    failing = {"gate_passed": False, "gate": {"passed": False}, "reasons": ("ECE .11 above .08",)}
    registry.register(new_version(1))
    assert registry.register(new_version(1, **failing)).version.state is State.REJECTED
    assert registry.register(new_version(1)).version.state is State.CANDIDATE
    registry.approve("1", by="Dr. Rossi", note="ok")
    judged = registry.register(new_version(1, **failing))
    assert judged.version.state is State.APPROVED
    assert judged.version.gate_passed
    assert "ECE .11 above .08" in judged.warnings[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "a/b"}, "can't name a model"),
        ({"model": "3"}, "can't name a model"),
        ({"model": "champion"}, "can't name a model"),
        ({"bundle_digest": "abc"}, "SHA-256"),
        ({"gate_passed": False}, "must say why"),
        ({"reasons": ("too small",)}, "reasons against it"),
    ],
)
def test_what_makes_no_sense_is_not_registered(registry, new_version, changes, said):
    with pytest.raises(RegistrationError, match=said):
        registry.register(new_version(1, **changes))
    assert registry.versions() == []


def test_the_way_to_production_and_back(store, registry, approved):
    for number in (1, 2, 3):
        approved(number)
    assert registry.promote("1", by="ops").replaced is None
    assert registry.promote("2", by="ops").replaced.ref == "lesions/1"
    registry.promote("3", by="ops")
    assert states(registry) == {1: "retired", 2: "retired", 3: "champion"}
    back = registry.rollback(by="ops", note="complaints from the clinic")
    assert (back.version.ref, back.replaced.ref) == ("lesions/2", "lesions/3")
    assert registry.rollback(by="ops").version.ref == "lesions/1"
    assert states(registry) == {1: "champion", 2: "retired", 3: "retired"}
    with pytest.raises(TransitionError, match="no champion before lesions/1"):
        registry.rollback()
    assert [e.action for e in entries(store, subject="lesions/2")] == [
        "model.register",
        "model.approve",
        "model.promote",
        "model.replace",
        "model.restore",
        "model.rollback",
    ]
    assert entries(store, subject="lesions/3")[-1].details["note"] == "complaints from the clinic"


def test_rollback_passes_over_a_former_champion_that_was_retired_on_purpose(registry, approved):
    for number in (1, 2, 3):
        registry.promote(approved(number))
    registry.retire("2", note="learnt on the wrong labels")
    assert registry.rollback().version.ref == "lesions/1"


def test_rollback_does_not_run_in_circles(registry, approved):
    for number in (1, 2):
        registry.promote(approved(number))
    registry.approve("1", by="Dr. Rossi", note="once more")
    registry.promote("1")
    assert registry.rollback().version.ref == "lesions/2"
    with pytest.raises(TransitionError, match="no champion before"):
        registry.rollback()


def test_only_an_approved_version_is_promoted_and_the_message_says_the_way(registry, new_version):
    registry.register(new_version(1))
    with pytest.raises(TransitionError) as caught:
        registry.promote("1")
    assert "lesions/1 is in state candidate" in str(caught.value)
    assert "nevus models approve lesions/1 --by NAME --note TEXT" in str(caught.value)


def test_a_rejected_version_needs_an_override_by_whatever_way_it_comes(registry, new_version):
    registry.register(new_version(1, gate_passed=False, reasons=("worst subgroup .61 below .75",)))
    with pytest.raises(ApprovalError, match=r"^override .*worst subgroup .61 below .75"):
        registry.approve("1", by="Dr. Rossi", note="looks fine")
    registry.retire("1")
    with pytest.raises(ApprovalError, match=r"^override "):
        registry.approve("1", by="Dr. Rossi", note="looks fine")
    change = registry.approve("1", by="Dr. Rossi", note="trial only", override="used beside two readers")
    assert change.version.approval.override == "used beside two readers"
    warned = registry.promote("1").warnings
    assert any("Dr. Rossi approved it all the same: used beside two readers" in text for text in warned)


@pytest.mark.parametrize("blank", ["by", "note", "override"])
def test_an_approval_names_a_person_and_grounds(registry, new_version, blank):
    registry.register(new_version(1))
    words = {"by": "Dr. Rossi", "note": "fine", blank: "  "}
    with pytest.raises(ApprovalError, match=rf"^{blank} is empty") as caught:
        registry.approve("1", **words)
    assert caught.value.field == blank
    assert registry.get("1").state is State.CANDIDATE


def test_an_override_that_is_not_needed_is_not_recorded(registry, new_version):
    registry.register(new_version(1))
    change = registry.approve("1", by="Dr. Rossi", note="fine", override="to be safe")
    assert change.version.approval.override is None
    assert "no override was needed" in change.warnings[0]


def test_promotion_warns_of_a_licence_that_forbids_commercial_use(registry, approved):
    ref = approved(1, licence="CC BY-NC", commercial_use=False)
    change = registry.promote(ref)
    assert change.version.state is State.CHAMPION
    assert "CC BY-NC" in change.warnings[0]
    assert registry.promote(approved(2, gate={"champion": ref})).warnings == ()


def test_promotion_warns_where_the_gate_knew_another_champion_or_none(registry, approved):
    first = registry.promote(approved(1))
    assert first.warnings == ()  # there is none to be worse than
    alone, judged, late = (
        approved(n, gate=gate) for n, gate in ((2, {}), (3, {"champion": "lesions/1"}), (4, {"champion": "lesions/1"}))
    )
    assert registry.promote(judged).warnings == ()
    (said,) = registry.promote(late).warnings
    assert "lesions/1 was champion, so nothing has shown that it isn't worse than lesions/3" in said
    assert "nevus models compare lesions/4 lesions/3" in said
    assert "there was no champion" in registry.promote(alone).warnings[0]


def test_one_challenger_at_a_time_and_none_without_a_champion(registry, approved):
    for number in (1, 2, 3):
        approved(number)
    with pytest.raises(TransitionError, match="no champion to challenge"):
        registry.challenge("2")
    registry.promote("1")
    registry.challenge("2")
    assert registry.challenge("3").replaced.ref == "lesions/2"
    assert states(registry) == {1: "champion", 2: "approved", 3: "challenger"}
    registry.promote("3")
    assert states(registry) == {1: "retired", 2: "approved", 3: "champion"}


def test_a_retired_champion_leaves_the_place_empty_and_says_so(registry, approved):
    registry.promote(approved(1))
    assert "no champion now" in registry.retire("1").warnings[0]
    assert registry.champion("lesions") is None
    with pytest.raises(TransitionError, match="no champion to roll back from"):
        registry.rollback()
    with pytest.raises(TransitionError, match="retired already"):
        registry.retire("1")


def test_the_database_itself_refuses_a_second_champion(store, registry, approved):
    registry.promote(approved(1))
    approved(2)
    with pytest.raises(StoreError), store.write() as session:
        session.execute(sa.text("UPDATE model_versions SET state = 'champion' WHERE number = 2"))
    assert states(registry) == {1: "champion", 2: "approved"}


def test_a_move_that_fails_halfway_leaves_no_trace(store, registry, approved, monkeypatch):
    registry.promote(approved(1))
    approved(2)
    rows = len(entries(store))
    real = registry.promote.__globals__["audit"].record

    def break_at_the_second(session, **told):
        if told["action"] == "model.promote":
            raise RuntimeError("power cut")
        return real(session, **told)

    monkeypatch.setattr("nevus.store.audit.record", break_at_the_second)
    with pytest.raises(RuntimeError, match="power cut"):
        registry.promote("2")
    assert states(registry) == {1: "champion", 2: "approved"}
    assert len(entries(store)) == rows


def test_a_state_set_by_hand_is_noticed(store, registry, new_version, approved):
    approved(1)
    registry.register(new_version(2, gate_passed=False, reasons=("no",)))
    assert unexplained_states(store) == []
    with store.write() as session:
        session.execute(sa.text("UPDATE model_versions SET state = 'champion' WHERE number = 2"))
        session.execute(sa.text("DELETE FROM model_versions WHERE number = 1"))
    assert unexplained_states(store) == [
        "lesions/2 is champion, and no move in the audit made it so",
        "lesions/1 stands in the audit, and is gone from the models",
    ]


class TestReferences:
    def test_all_the_ways_to_name_a_version(self, registry, approved):
        approved(0xABCDEF << 232)
        approved(2)
        registry.promote("1")
        for ref in ("lesions/1", "1", "champion", "lesions/champion", "abcdef", "ABCDEF00"):
            assert registry.get(ref).number == 1, ref

    def test_a_number_alone_needs_a_single_model(self, registry, new_version):
        registry.register(new_version(1))
        registry.register(new_version(1, model="other"))
        with pytest.raises(UnknownVersionError, match=r"lesions, other.*`lesions/1`"):
            registry.get("1")

    def test_a_digest_of_figures_only_is_found_where_no_such_number_is(self, registry, new_version):
        registry.register(new_version(0x123456 << 232))
        assert registry.get("123456").number == 1

    @pytest.mark.parametrize(
        ("ref", "said"),
        [
            ("lesions/9", "versions 1 to 2"),
            ("9", "versions 1 to 2"),
            ("9999999999999", "versions 1 to 2|begins with"),
            ("moles/1", "there is: lesions"),
            ("challenger", "has no challenger"),
            ("000000", "fits several versions .lesions/1, lesions/2."),
            ("ffffff", "begins with"),
            ("abc", "at least 6 characters"),
            ("lesions/", "no version"),
            ("%", "names no version"),
            ("", "names no version"),
        ],
    )
    def test_what_means_nothing_or_too_much_is_refused(self, registry, new_version, ref, said):
        registry.register(new_version(1))
        registry.register(new_version(2))
        with pytest.raises(UnknownVersionError, match=said):
            registry.get(ref)

    def test_an_empty_store_says_how_to_fill_it(self, registry):
        with pytest.raises(UnknownVersionError, match="nevus run"):
            registry.get("1")


_steps = st.lists(st.tuples(st.sampled_from(COMMANDS), st.integers(1, 4)), max_size=25)
_example = iter(range(10**6))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=_steps)
def test_whatever_is_asked_there_is_one_champion_at_most_and_the_audit_explains_it(store, new_version, steps):
    registry = Registry(store)
    model = f"m{next(_example)}"
    for number in (1, 2, 3):
        registry.register(new_version(number, model=model))
    registry.register(new_version(4, model=model, gate_passed=False, reasons=("no",)))
    do = {
        Move.APPROVE: lambda ref: registry.approve(ref, by="a", note="b"),
        Move.PROMOTE: registry.promote,
        Move.CHALLENGE: registry.challenge,
        Move.RETIRE: registry.retire,
        Move.ROLL_BACK: lambda _: registry.rollback(model),
    }
    for move, number in steps:
        before = registry.versions(model)
        try:
            do[move](f"{model}/{number}")
        except NevusError:
            assert registry.versions(model) == before
    after = registry.versions(model)
    assert sum(v.state is State.CHAMPION for v in after) <= 1
    assert sum(v.state is State.CHALLENGER for v in after) <= 1
    assert next(v for v in after if v.number == 4).state in (State.REJECTED, State.RETIRED)
    assert unexplained_states(store) == []
    assert verify(store).intact


_WORKER = """
import sys
from pydantic import SecretStr
from nevus.store import NewVersion, Registry, StoreSettings, open_store
url, worker = sys.argv[1], int(sys.argv[2])
with open_store(StoreSettings(url=SecretStr(url))) as store:
    registry = Registry(store)
    for i in range(4):
        made = registry.register(NewVersion(
            "lesions", "/b", f"{worker * 100 + i:064x}", "diagnosis", ("mel", "nv"), ("mel",), {}, True
        ))
        registry.approve(made.version.ref, by="a", note="b")
        registry.promote(made.version.ref)
"""


def test_processes_at_once_leave_one_champion_and_one_chain(store_url):
    """They also open the empty database at once: one of them makes the tables."""
    from pydantic import SecretStr

    from nevus.store import StoreSettings, open_store

    workers = [
        subprocess.Popen([sys.executable, "-c", _WORKER, store_url, str(n)], stderr=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    said = [worker.communicate(timeout=120)[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 3, said
    with open_store(StoreSettings(url=SecretStr(store_url))) as store:
        versions = Registry(store).versions()
        assert sorted(v.number for v in versions) == list(range(1, 13))
        assert sorted(str(v.state) for v in versions) == ["champion"] + ["retired"] * 11
        found = verify(store)
        assert (found.rows, found.problems) == (12 * 3 + 11, ())
        assert unexplained_states(store) == []


def test_a_rejected_version_is_refused_with_the_gates_reasons(registry, new_version):
    ref = registry.register(new_version(1, gate_passed=False, reasons=("floor: too low", "ece: too high"))).version.ref
    for move in (registry.promote, registry.challenge):
        with pytest.raises(TransitionError, match=r"did not pass the gate \(floor: too low; ece: too high\)") as caught:
            move(ref)
        assert caught.value.reasons == ("floor: too low", "ece: too high")
    with pytest.raises(TransitionError) as caught:
        registry.rollback("lesions")
    assert caught.value.reasons == ()


def test_a_rollback_that_means_another_version_than_would_come_back_changes_nothing(registry, approved):
    for number in (1, 2, 3):
        registry.promote(approved(number))
    assert registry.former_champion("lesions").ref == "lesions/2"
    with pytest.raises(TransitionError, match="changed meanwhile: a rollback would bring lesions/2 back now"):
        registry.rollback("lesions", to="lesions/1")
    assert states(registry) == {1: "retired", 2: "retired", 3: "champion"}
    assert registry.rollback("lesions", to="lesions/2").version.ref == "lesions/2"
    assert registry.former_champion().ref == "lesions/1"
    registry.rollback("lesions")
    with pytest.raises(TransitionError, match="no champion before lesions/1"):
        registry.former_champion("lesions")


def test_of_two_rollbacks_at_once_that_mean_the_same_one_is_done(registry, approved):
    for number in (1, 2, 3):
        registry.promote(approved(number))

    def back(_):
        try:
            return registry.rollback("lesions", to="lesions/2").version.ref
        except TransitionError:
            return None

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(back, range(2))) == {"lesions/2", None}
    assert states(registry) == {1: "retired", 2: "champion", 3: "retired"}


def test_promotions_at_once_leave_one_champion_and_a_way_back_through_all(store, registry, approved):
    refs = [approved(number) for number in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(registry.promote, refs))
    order = [entry.subject for entry in entries(store, action="model.promote")]
    assert sorted(order) == refs
    assert registry.champion("lesions").ref == order[-1]
    assert [registry.rollback("lesions").version.ref for _ in range(2)] == order[-2::-1]
    assert verify(store).intact
    assert unexplained_states(store) == []

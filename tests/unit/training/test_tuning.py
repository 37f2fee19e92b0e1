"""The search for settings, with a training that is a formula: floors, pruning, resuming, and what is refused."""

from __future__ import annotations

import math

import optuna
import pytest
from pydantic import ValidationError

from nevus.training.callbacks import TrainingError
from nevus.training.tuning import Range, TuningError, TuningSettings, search

X = "training.label_smoothing"
EPOCHS = 6


def settings(**options) -> TuningSettings:
    plain = {"trials": 25, "space": {X: {"low": 0.0, "high": 1.0}}, "floors": {"melanoma_recall": 0.5}}
    return TuningSettings.model_validate(plain | options)


class Formula:
    """A training whose best setting is x = .8, where the recall of melanoma, 1 - x, is too low."""

    def __init__(self, **entry) -> None:
        self.entry = entry
        self.tried: list[tuple[int, float]] = []
        self.epochs: dict[int, int] = {}

    def at(self, x: float) -> dict[str, float]:
        metrics = {"balanced_accuracy": 0.9 - (x - 0.8) ** 2, "melanoma_recall": 1 - x, "nll": (x - 0.3) ** 2}
        return {f"validation_{name}": value for name, value in (metrics | self.entry).items()}

    def __call__(self, number, values, report):
        x = values[X]
        self.tried.append((number, x))
        for epoch in range(EPOCHS):
            self.epochs[number] = epoch + 1
            report(1, 2, None)
            report(2, 2, {"epoch": epoch, **self.at(x)})
        return {"epoch": EPOCHS - 1, **self.at(x)}


@pytest.fixture
def study(tmp_path):
    return tmp_path / "study" / "study.db"


def stored(path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="s", storage=f"sqlite:///{path}").trials


def test_the_best_that_keeps_the_floor_is_found_though_others_score_higher(study):
    train = Formula()
    found = search(settings(startup_trials=25), train, study, name="s")  # nothing is pruned
    tried = dict(train.tried)
    kept = {number: x for number, x in tried.items() if 1 - x >= 0.5}
    assert found.feasible
    assert found.number == max(kept, key=lambda n: kept[n])  # the score rises up to the floor at .5
    assert found.values == {X: tried[found.number]}
    assert found.score == pytest.approx(0.9 - (tried[found.number] - 0.8) ** 2)
    assert max(0.9 - (x - 0.8) ** 2 for x in tried.values()) > found.score
    assert (found.trials, found.pruned) == (25, 0)


def test_where_none_keeps_the_floor_the_nearest_is_named_as_infeasible(study):
    train = Formula()
    found = search(settings(trials=8, floors={"melanoma_recall": 1.0}), train, study, name="s")
    finished = {t.number: t.params[X] for t in stored(study) if t.state.name == "COMPLETE"}
    assert not found.feasible
    assert found.number == min(finished, key=lambda n: finished[n])


def test_a_floor_that_is_no_number_is_not_kept(study):
    found = search(settings(trials=3), Formula(melanoma_recall=math.nan), study, name="s")
    assert not found.feasible


def test_the_lower_objective_wins_where_lower_is_better(study):
    train = Formula()
    found = search(settings(objective="nll", floors={}, startup_trials=25), train, study, name="s")
    assert found.feasible
    assert found.number == min(train.tried, key=lambda t: abs(t[1] - 0.3))[0]


def test_the_sampler_learns_where_to_look(study):
    """After the random ones, it looks near the best that is feasible, not near the best score."""
    train = Formula()
    search(settings(trials=40, startup_trials=10), train, study, name="s")
    late = [x for number, x in train.tried if number >= 20]
    assert sum(abs(x - 0.5) <= 0.2 for x in late) >= 0.75 * len(late)  # 0.4 of them at random
    assert sum(abs(x - 0.8) <= 0.1 for x in late) <= 0.1 * len(late)


def test_a_hopeless_trial_is_stopped_in_the_middle_and_never_wins(study):
    train = Formula()
    found = search(settings(trials=20, startup_trials=3), train, study, name="s")
    pruned = [t for t in stored(study) if t.state.name == "PRUNED"]
    assert found.pruned == len(pruned) > 0
    assert found.trials + found.pruned == 20
    assert all(train.epochs[t.number] < EPOCHS for t in pruned)
    assert found.number not in {t.number for t in pruned}
    assert all(t.constraints for t in pruned)  # a trial without one would count as feasible


class Killed(BaseException):
    """Nothing handles it, so the study is left as by SIGKILL."""


def test_after_a_kill_the_trial_is_tried_again_and_no_other_is_repeated(study):
    whole = Formula()

    def die_in_the_third(number, values, report):
        if number == 2:
            raise Killed
        return whole(number, values, report)

    asked = settings(trials=6, startup_trials=6)
    with pytest.raises(Killed):
        search(asked, die_in_the_third, study, name="s")
    assert [t.state.name for t in stored(study)] == ["COMPLETE", "COMPLETE", "RUNNING"]
    killed = stored(study)[2].params
    again = Formula()
    found = search(asked, again, study, name="s")
    assert again.tried[0] == (3, killed[X])
    assert found.trials == 6
    points = [x for _, x in [*whole.tried, *again.tried]]
    assert len(set(points)) == 6


def test_a_finished_study_is_only_read(study):
    first = search(settings(trials=4), Formula(), study, name="s")
    again = Formula()
    assert search(settings(trials=4), again, study, name="s") == first
    assert again.tried == []
    more = search(settings(trials=6), again, study, name="s")
    assert more.trials + more.pruned == 6
    assert len(again.tried) == 2


def test_a_training_that_breaks_down_is_a_pruned_trial(study):
    train = Formula()

    def unstable(number, values, report):
        if values[X] > 0.5:
            raise TrainingError("the loss became nan")
        return train(number, values, report)

    found = search(settings(trials=12, startup_trials=12), unstable, study, name="s")
    assert found.pruned > 0
    assert found.trials + found.pruned == 12
    assert found.values[X] <= 0.5


def test_an_objective_that_is_never_a_number_ends_with_the_remedy(study):
    with pytest.raises(TuningError, match=r"no trial could be finished.*tuning\.space"):
        search(settings(trials=3), Formula(balanced_accuracy=math.nan), study, name="s")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"objective": "nll"}, "tuning.objective was balanced_accuracy and is now nll"),
        ({"floors": {"melanoma_recall": 0.7}}, r"tuning.floors was .*0\.5.* and is now .*0\.7"),
        ({"space": {X: {"choices": [0.0, 0.1]}}}, r"tuning\.space was"),
    ],
)
def test_another_question_to_an_old_study_is_refused(study, change, told):
    search(settings(trials=2), Formula(), study, name="s")
    with pytest.raises(TuningError, match=told):
        search(settings(trials=4, **change), Formula(), study, name="s")


def test_every_kind_of_range_gives_its_kind_of_value(study):
    seen = []

    def train(number, values, report):
        seen.append(values)
        return Formula().at(0.2)

    space = {
        "a": {"choices": [None, "x", 3, True]},
        "b": {"low": 2, "high": 9, "whole": True},
        "c": {"low": 1e-5, "high": 1e-1, "log": True},
    }
    search(settings(trials=30, space=space, startup_trials=30), train, study, name="s")
    assert {repr(values["a"]) for values in seen} == {"None", "'x'", "3", "True"}
    assert all(isinstance(values["b"], int) and 2 <= values["b"] <= 9 for values in seen)
    assert sum(values["c"] < 1e-3 for values in seen) >= 8  # half of them, were there enough


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "either choices, or low and high"),
        ({"low": 1.0}, "either choices, or low and high"),
        ({"choices": ("a",), "low": 0, "high": 1}, "either choices, or low and high"),
        ({"low": 2, "high": 1}, "low must be below high"),
    ],
)
def test_a_range_that_can_not_be_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Range.model_validate(wrong)


@pytest.mark.parametrize(
    ("classes", "floors"),
    [(("mel", "nv"), {"melanoma_recall": 0.5}), (("benign", "malignant"), {"malignant_sensitivity": 0.5})],
)
def test_without_floors_there_is_one_that_the_classes_let_be_kept(classes, floors):
    assert settings(floors=None).for_classes(classes).floors == floors
    assert settings(floors={}).for_classes(classes).floors == {}
    own = {"malignant_auroc": 0.8}
    assert settings(floors=own).for_classes(classes).floors == own


@pytest.mark.parametrize(
    "wrong", [{"floors": {"melanoma_recall": 0.5}}, {"floors": {}, "objective": "melanoma_recall"}]
)
def test_a_metric_of_melanoma_is_refused_where_it_could_never_be_a_number(wrong):
    asked = settings(**wrong)
    assert asked.for_classes(("mel", "nv")) == asked
    with pytest.raises(TuningError, match=r"melanoma_recall is never a number .*Use malignant_sensitivity"):
        asked.for_classes(("benign", "malignant"))


@pytest.mark.parametrize("wrong", [{"objective": "acuracy"}, {"floors": {"recall_of_melanoma": 0.5}}])
def test_a_metric_that_validation_does_not_give_is_refused_with_the_known_ones(wrong):
    with pytest.raises(ValidationError, match=r"no metric (acuracy|recall_of_melanoma); choose among accuracy"):
        settings(**wrong)

"""The search for good settings: Optuna, resumable, pruned, with floors as constraints; validation only."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import optuna
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field, model_validator

from nevus.errors import InputError
from nevus.settings import Section
from nevus.training.callbacks import Report, TrainingError
from nevus.training.scores import HIGHER_IS_BETTER

MELANOMA: Final = "mel"
OF_MELANOMA: Final = "melanoma_recall"
OF_MALIGNANT: Final = "malignant_sensitivity"
_QUESTION = "question"
_log = logging.getLogger("nevus.training")

Entry = dict[str, float | int | str]
Train = Callable[[int, Mapping[str, Any], Report], Entry]
"""(number of the trial, key -> value, report) -> the best epoch's entry of the history."""


class TuningError(InputError):
    """A search that can't be made as the settings ask."""


class Range(Section):
    """The values that one setting may take: `choices`, or numbers from `low` to `high`."""

    choices: tuple[str | int | float | bool | None, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False
    """Whole numbers only."""

    @model_validator(mode="after")
    def _one_kind(self) -> Range:
        numbers = self.low is not None and self.high is not None
        if bool(self.choices) == numbers:
            raise ValueError("give either choices, or low and high")
        if numbers and not self.low < self.high:  # type: ignore[operator]
            raise ValueError("low must be below high")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        low, high = float(self.low or 0.0), float(self.high or 0.0)
        return (round(low), round(high)) if self.whole else (low, high)


SPACE: Final = {
    "training.optimiser.learning_rate": Range(low=1e-4, high=5e-3, log=True),
    "training.label_smoothing": Range(low=0.0, high=0.2),
    "training.imbalance.sampler_power": Range(low=0.0, high=1.0),
}


class TuningSettings(Section):
    """What is searched, for how long, and under which floors."""

    trials: int = Field(default=20, ge=1)
    space: dict[str, Range] = Field(default_factory=lambda: dict(SPACE), min_length=1)
    """Dotted key of the run's settings -> values."""
    objective: str = "balanced_accuracy"
    """A metric of the validation part."""
    floors: dict[str, Annotated[float, Field(ge=0, le=1)]] | None = None
    """Metric of the validation part -> the least that is acceptable; a trial below it is not feasible. Null: a
    melanoma recall of .5 where melanoma is a class, else a malignant sensitivity of .5."""
    startup_trials: int = Field(default=5, ge=0)
    """Trials drawn at random, before the sampler learns and the pruner prunes."""
    seed: int = 0

    @model_validator(mode="after")
    def _known_metrics(self) -> TuningSettings:
        strange = sorted({self.objective, *(self.floors or ())} - set(HIGHER_IS_BETTER))
        if strange:
            raise ValueError(f"no metric {', '.join(strange)}; choose among {', '.join(sorted(HIGHER_IS_BETTER))}")
        return self

    def for_classes(self, classes: Sequence[str]) -> TuningSettings:
        """The same with floors that a model of these classes can keep.

        Raises:
            TuningError: the objective or a floor is of melanoma, and melanoma is no class.
        """
        melanoma = MELANOMA in classes
        if not melanoma and OF_MELANOMA in {self.objective, *(self.floors or ())}:
            raise TuningError(
                f"tuning: {OF_MELANOMA} is never a number where melanoma ({MELANOMA}) is not among the classes "
                f"({', '.join(classes)}). Use {OF_MALIGNANT} for it."
            )
        floors = {OF_MELANOMA if melanoma else OF_MALIGNANT: 0.5} if self.floors is None else self.floors
        return self.model_copy(update={"floors": floors})


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        values: key -> value of the best feasible trial, or of the one nearest to being feasible.
        score: its objective.
        feasible: whether it keeps every floor.
        trials: how many are finished, how many were pruned.
    """

    values: dict[str, Any]
    score: float
    number: int
    feasible: bool
    trials: int
    pruned: int


def search(settings: TuningSettings, train: Train, storage: Path, *, name: str) -> Found:
    """Bring the study in `storage` to the number of trials asked for, and say what it found.

    Trials that a kill left unfinished are tried again with the same values. The sampler's seed depends on the number of
    trials already stored, so that a resumed study doesn't repeat its first points. A training that breaks down, or
    whose objective is no number, counts as pruned.

    Args:
        settings: what is searched; see `TuningSettings.for_classes`.
        train: trains once; called with the trial's number and values.
        storage: SQLite file of the study, made where it doesn't exist.
        name: of the study.

    Raises:
        TuningError: no trial could be finished, or the study in `storage` was made for another question.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    higher = HIGHER_IS_BETTER[settings.objective]
    study = _study(settings, storage, name, higher=higher)
    _retry_unfinished(study)

    def objective(trial: optuna.Trial) -> float:
        values = {key: _suggest(trial, key, span) for key, span in settings.space.items()}

        def report(_: int, __: int, entry: Entry | None) -> None:
            if entry is None:
                return
            value = float(entry[f"validation_{settings.objective}"])
            if math.isfinite(value):
                trial.report(value, int(entry["epoch"]))
            if trial.should_prune():
                _constrain(trial, settings, entry)
                raise optuna.TrialPruned

        try:
            entry = train(trial.number, values, report)
        except TrainingError as error:
            _log.warning("trial %d: %s", trial.number, error)
            _constrain(trial, settings, {})
            raise optuna.TrialPruned from error
        _constrain(trial, settings, entry)
        score = float(entry[f"validation_{settings.objective}"])
        if not math.isfinite(score):
            raise optuna.TrialPruned
        return score

    done = (TrialState.COMPLETE, TrialState.PRUNED)
    while (left := settings.trials - len(study.get_trials(states=done))) > 0:
        study.optimize(objective, n_trials=min(left, 1))
    return _found(study, higher=higher)


def _study(settings: TuningSettings, storage: Path, name: str, *, higher: bool) -> optuna.Study:
    storage.parent.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{storage}"
    study = optuna.create_study(
        study_name=name, storage=url, load_if_exists=True, direction="maximize" if higher else "minimize"
    )
    _refuse_other_question(study, settings, storage)
    study.sampler = optuna.samplers.TPESampler(
        seed=settings.seed + len(study.trials), n_startup_trials=settings.startup_trials
    )
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=settings.startup_trials)
    return study


def _refuse_other_question(study: optuna.Study, settings: TuningSettings, storage: Path) -> None:
    """Scores of another metric, or under other floors, can't be compared with those that are there."""
    asked = settings.model_dump(mode="json", include={"objective", "floors", "space"})
    before = study.user_attrs.get(_QUESTION)
    if before is None:
        study.set_user_attr(_QUESTION, asked)
        return
    other = [key for key in asked if asked[key] != before.get(key)]
    if other:
        told = "; ".join(f"tuning.{key} was {before.get(key)} and is now {asked[key]}" for key in other)
        raise TuningError(f"the study in {storage} asked something else: {told}. Search in another folder.")


def _retry_unfinished(study: optuna.Study) -> None:
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)


def _suggest(trial: optuna.Trial, key: str, span: Range) -> Any:
    if span.choices:
        return trial.suggest_categorical(key, list(span.choices))
    low, high = span.ends
    if span.whole:
        return trial.suggest_int(key, int(low), int(high), log=span.log)
    return trial.suggest_float(key, low, high, log=span.log)


def _constrain(trial: optuna.Trial, settings: TuningSettings, entry: Entry) -> None:
    """Feasible is 0 or less; a metric that isn't a number counts as the worst."""
    for metric, floor in (settings.floors or {}).items():
        value = float(entry.get(f"validation_{metric}", math.nan))
        short = floor - value if HIGHER_IS_BETTER[metric] else value - floor
        trial.set_constraint(metric, short if math.isfinite(short) else 1.0)


def _found(study: optuna.Study, *, higher: bool) -> Found:
    finished = study.get_trials(states=(TrialState.COMPLETE,))
    if not finished:
        raise TuningError("no trial could be finished; raise tuning.trials or widen tuning.space.")

    def rank(trial: FrozenTrial) -> tuple[float, float]:
        value = float(trial.value if trial.value is not None else math.nan)
        return (-_shortfall(trial), value if higher else -value)

    best = max(finished, key=rank)
    pruned = len(study.get_trials(states=(TrialState.PRUNED,)))
    value = float(best.value if best.value is not None else math.nan)
    return Found(dict(best.params), value, best.number, _shortfall(best) == 0, len(finished), pruned)


def _shortfall(trial: FrozenTrial) -> float:
    return sum(max(0.0, float(value)) for value in trial.constraints.values())

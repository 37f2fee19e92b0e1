"""The gate: does a candidate keep every rule of a policy? The answer says so line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nevus.evaluation.comparison import Comparison
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.policy import Policy, Rule, suggestion
from nevus.evaluation.results import EvaluationResults, SubgroupScores
from nevus.evaluation.subset_scores import Scores
from nevus.settings import Section

BOUND_NAMES = {"value": "value", "lower": "lower end", "upper": "upper end"}
SLACK = 1e-12
"""So that a figure which equals its limit isn't failed by a last bit."""
NOTHING = Estimate(value=None)
_SCARCE = "models of different classes are compared by metrics of malignancy only"


class GateLine(Section):
    """One rule's verdict: what was observed, what was required, and in words why it passed or not."""

    rule: str
    description: str
    metric: str
    what: str
    """What was looked at, for people: metric, operating point or class, subset or subgroup."""
    required: str
    """For people: `lower end >= 0.65`."""
    observed: Estimate
    """The figure with its interval; of a champion rule, the difference candidate minus champion."""
    compared: float | None
    """The end of `observed` that the rule speaks of; null where there is none."""
    limit: float
    passed: bool
    explanation: str


class GateVerdict(Section):
    """What the gate says of a candidate. `passed` is true only if every line passed."""

    policy: str
    passed: bool
    lines: tuple[GateLine, ...]
    champion: str | None = None
    """Who was champion then, whether or not it could be compared."""

    @property
    def failures(self) -> tuple[GateLine, ...]:
        """The lines that didn't pass."""
        return tuple(line for line in self.lines if not line.passed)


@dataclass(frozen=True)
class _Observation:
    """A figure to judge, or why there is none; `settled` where the rule is answered without a figure."""

    what: str
    estimate: Estimate = NOTHING
    problem: str = ""
    settled: bool = False


def judge(
    policy: Policy,
    results: EvaluationResults,
    comparison: Comparison | None = None,
    *,
    comparison_problem: str | None = None,
    champion: str | None = None,
) -> GateVerdict:
    """Judge a candidate's results by a policy.

    A rule whose figure doesn't exist, or has no interval where an end of it is asked for, fails with the reason: what
    isn't proven doesn't pass. The one exception is a rule about the champion where there is none.

    Args:
        policy: the rules.
        results: of the candidate.
        comparison: with the champion on the same images; None if there is no champion.
        comparison_problem: why the champion, which exists, couldn't be compared; its rules then fail.
        champion: its reference; by default the one that was compared with.
    """
    lines = tuple(_line(rule, _observe(rule, results, comparison, comparison_problem)) for rule in policy.rules)
    return GateVerdict(
        policy=policy.name,
        passed=all(line.passed for line in lines),
        lines=lines,
        champion=champion or (comparison.champion if comparison else None),
    )


def _line(rule: Rule, seen: _Observation) -> GateLine:
    compared = {"value": seen.estimate.value, "lower": seen.estimate.low, "upper": seen.estimate.high}[rule.bound]
    required = f"{BOUND_NAMES[rule.bound]} {rule.direction} {rule.limit:g}"
    if rule.champion_margin is not None:
        required = f"difference to the champion, {required}"
    if seen.settled or seen.problem:
        passed, explanation = seen.settled, seen.problem
    elif compared is None:
        missing = "figure" if seen.estimate.value is None else "interval"
        passed, explanation = False, f"{seen.what} has no {missing}: the data are too few to compute it"
    else:
        above = compared - rule.limit
        passed = above >= -SLACK if rule.direction == ">=" else above <= SLACK
        side = "keeps" if passed else "misses"
        explanation = f"{seen.what}: {_say(seen.estimate)}; {BOUND_NAMES[rule.bound]} {compared:.4f} {side} the limit"
    return GateLine(
        rule=rule.id,
        description=rule.description,
        metric=rule.metric,
        what=seen.what,
        required=required,
        observed=seen.estimate,
        compared=compared,
        limit=rule.limit,
        passed=passed,
        explanation=explanation,
    )


def _observe(
    rule: Rule, results: EvaluationResults, comparison: Comparison | None, comparison_problem: str | None
) -> _Observation:
    if rule.champion_margin is not None:
        return _against_champion(rule, comparison, comparison_problem)
    if rule.scope == "worst_subgroup":
        return _worst_subgroup(rule, results)
    scores = results.subsets.get(rule.subset)
    if scores is None:
        what = f"{_title(rule)} on {rule.subset}"
        return _Observation(
            what, problem=f"there is no subset {rule.subset!r}{suggestion(rule.subset, results.subsets)}"
        )
    return _of_subset(rule, scores)


def _of_subset(rule: Rule, scores: Scores) -> _Observation:
    if rule.operating_point is not None:
        what = f"{_title(rule)} at {rule.operating_point} on {rule.subset}"
        point = scores.at(rule.operating_point)
        if point is None:
            names = [p.name for p in scores.operating_points]
            return _Observation(what, problem=_absent("operating point", rule.operating_point, names))
        return _Observation(what, getattr(point, rule.metric))
    if rule.class_code is not None:
        what = f"{_title(rule)} of {rule.class_code} on {rule.subset}"
        of_class = scores.per_class.get(rule.class_code)
        if of_class is None:
            return _Observation(what, problem=_absent("class", rule.class_code, scores.per_class))
        return _Observation(what, getattr(of_class, rule.metric))
    what = f"{_title(rule)} on {rule.subset}"
    if rule.metric not in scores.metrics:
        return _Observation(what, problem=f"the results don't hold {rule.metric}; evaluate again")
    return _Observation(what, scores.metrics[rule.metric])


def _worst_subgroup(rule: Rule, results: EvaluationResults) -> _Observation:
    what = f"{_title(rule)} of the worst subgroup"
    point = results.default_operating_point
    if rule.operating_point is not None and rule.operating_point != point:
        return _Observation(
            what, problem=f"subgroups were judged at the operating point {point!r}, not at {rule.operating_point!r}"
        )
    large = list(_large_levels(rule, results))
    if not large:
        needed = f"{rule.min_malignant_groups} malignant patients or lesions"
        return _Observation(what, problem=f"no subgroup holds {needed}, so none can be judged")
    worst = min if rule.higher_is_better else max
    place, estimate = worst(large, key=lambda level: level[1].value or 0.0)
    return _Observation(f"{what}, {place}, of {len(large)} judged", estimate)


def _large_levels(rule: Rule, results: EvaluationResults) -> Iterator[tuple[str, Estimate]]:
    for dimension, levels in results.subgroups.items():
        if rule.dimensions and dimension not in rule.dimensions:
            continue
        for level in levels:
            if level.n_malignant_groups >= rule.min_malignant_groups and _has(level, rule.metric):
                yield f"{dimension} = {level.level}", level.metrics[rule.metric]


def _has(level: SubgroupScores, metric: str) -> bool:
    return metric in level.metrics and level.metrics[metric].value is not None


def _against_champion(rule: Rule, comparison: Comparison | None, comparison_problem: str | None) -> _Observation:
    what = f"{_title(rule)} on {rule.subset}, candidate minus champion"
    if comparison_problem is not None:
        return _Observation(what, problem=f"the champion couldn't be compared: {comparison_problem}")
    if comparison is None:
        return _Observation(what, problem="no champion to compare with", settled=True)
    if comparison.subset != rule.subset:
        return _Observation(what, problem=f"the champion was compared on {comparison.subset}, not on {rule.subset}")
    if rule.metric not in comparison.metrics:
        return _Observation(what, problem=f"the comparison with the champion doesn't hold {rule.metric}: {_SCARCE}")
    if too_little := _too_little_shared(rule, comparison):
        return _Observation(what, problem=too_little)
    return _Observation(what, comparison.metrics[rule.metric].difference)


def _too_little_shared(rule: Rule, comparison: Comparison) -> str:
    """Why what both were tested on proves nothing; empty where it does. On one image hardly any two models differ."""
    if comparison.n_groups < rule.min_shared_groups:
        return (
            f"only {comparison.n_groups} patients or lesions are in the test part of both, and the rule asks for "
            f"{rule.min_shared_groups}; evaluate both on one test part"
        )
    absent = [name for name, groups in comparison.class_groups.items() if not groups]
    if absent and METRICS[rule.metric].of == "classes":
        return f"no image of {', '.join(absent)} is in the test part of both; evaluate both on one test part"
    return ""


def _absent(kind: str, name: str, known: Iterable[str]) -> str:
    return f"the results hold no {kind} {name!r}{suggestion(name, known)}"


def _title(rule: Rule) -> str:
    found = METRICS.get(rule.metric)
    return found.title if found else rule.metric.replace("_", " ").capitalize()


def _say(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4f}"
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"

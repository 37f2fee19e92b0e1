"""The verdict in plain words, and the few figures that stand for the model."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.results import TEST
from nevus.evaluation.subset_scores import OperatingPointResult, Scores
from nevus.reporting.page.formats import format_count, format_number
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.wording import in_a_sentence, missing_reason, percent, several, shown, target_name


@dataclass(frozen=True)
class Headline:
    """One large figure: its interval stands below it, and `aside` says what it means."""

    name: str
    figure: str
    interval: str
    aside: str


def verdict_sentences(context: ReportContext) -> list[str]:
    """What the model does, on what, and what the gate says of it; one sentence each."""
    scores = context.scores(TEST)
    if scores is None:
        return ["The model has not been evaluated on a test part, so nothing can be said of it."]
    sentences = [_what_it_names(context, scores)]
    point = context.default_point(scores)
    if point is not None:
        sentences.append(_what_it_finds(point))
        if point.melanomas:
            sentences.append(
                f"Of {several(point.melanomas, 'melanoma image')} it missed {format_count(point.melanomas_missed)}."
            )
    sentences.append(gate_sentence(context))
    openings = context.openings
    if openings is not None and openings > 1:
        sentences.append(
            f"The test part has been opened {openings} times; each look makes the next figure worth a little less."
        )
    return sentences


def gate_sentence(context: ReportContext) -> str:
    """Whether the gate lets the model through."""
    gate = context.gate
    if gate is None:
        return "The gate had not judged it when this was written."
    failed = [line for line in gate.lines if not line.passed]
    if gate.passed:
        return f"It passes the gate: all {several(len(gate.lines), 'rule')} hold."
    return f"It does not pass the gate: {len(failed)} of {several(len(gate.lines), 'rule')} fail."


def headlines(context: ReportContext) -> list[Headline]:
    """The four or five figures that a reader should take away, the primary one first."""
    scores = context.scores(TEST)
    if scores is None:
        return []
    point = context.default_point(scores)
    found = [_metric(context, scores, name) for name in _leading(context)]
    if point is not None:
        n_malignant = point.true_positives + point.false_negatives
        n_benign = point.true_negatives + point.false_positives
        target = point.target_sensitivity
        aim = "" if target is None else f"; aimed at {target_name(target)}"
        found.append(
            _headline(
                "Sensitivity, malignant",
                point.sensitivity,
                f"{format_count(point.true_positives)} of {format_count(n_malignant)} found{aim}",
            )
        )
        found.append(
            _headline(
                "Specificity",
                point.specificity,
                f"{format_count(point.true_negatives)} of {format_count(n_benign)} benign images cleared",
            )
        )
        if point.melanomas:
            missed = f"{format_count(point.melanomas_missed)} of {format_count(point.melanomas)} missed"
            found.append(_headline("Melanoma sensitivity", point.melanoma_sensitivity, missed))
    return found


def accuracy_sentence(context: ReportContext) -> str:
    """Plain accuracy, beside what calling everything the commonest class would give: never alone."""
    scores = context.scores(TEST)
    if scores is None:
        return ""
    accuracy = scores.metrics.get("accuracy")
    rows = {c: sum(r) for c, r in zip(scores.confusion.classes, scores.confusion.counts, strict=True)}
    total = sum(rows.values())
    if not total:
        return f"Plain accuracy: {shown(accuracy, 'no labelled image')}."
    common = max(rows, key=lambda code: rows[code])
    blind = f"calling every image {in_a_sentence(common)} would give {format_number(rows[common] / total)}"
    return (
        f"Plain accuracy: {shown(accuracy, missing_reason('accuracy', context.results, scores))}. "
        f"It says little by itself: {blind}."
    )


def _what_it_names(context: ReportContext, scores: Scores) -> str:
    unit = group_noun(context)
    where = f"On {several(scores.n_images, 'test image')} of {several(scores.n_groups, unit)} that it never trained on"
    primary = "malignant_auroc" if context.results.task == "malignancy" else "balanced_accuracy"
    found = scores.metrics.get(primary)
    if found is None or found.value is None:
        title, why = METRICS[primary].title, missing_reason(primary, context.results, scores)
        return f"{where}, nothing can be said of {context.manifest.name}: {title} is not assessed, {why}."
    if context.results.task == "malignancy":
        return (
            f"{where}, {context.manifest.name} ranks a malignant image above a benign one with probability "
            f"{shown(found)}."
        )
    n = len(context.results.classes)
    return (
        f"{where}, {context.manifest.name} tells {n} diagnoses apart with a balanced accuracy of "
        f"{shown(found)}; guessing would give {format_number(1 / n)}."
    )


def _what_it_finds(point: OperatingPointResult) -> str:
    n_malignant = point.true_positives + point.false_negatives
    n_benign = point.true_negatives + point.false_positives
    target = point.target_sensitivity
    aim = "" if target is None else f" to find {target_name(target)} of malignant images"
    return (
        f"At its default threshold, fixed beforehand{aim}, it finds {format_count(point.true_positives)} of "
        f"{format_count(n_malignant)} ({_percent(point.sensitivity)}) and raises "
        f"{several(point.false_positives, 'false alarm')} on {several(n_benign, 'benign image')}."
    )


def group_noun(context: ReportContext) -> str:
    """What a group is in these data: a patient where the data know patients, else a lesion."""
    return "patient" if context.manifest.data.has_patient_ids else "lesion"


def _leading(context: ReportContext) -> list[str]:
    first = context.results.primary_metric
    return list(dict.fromkeys([first, "balanced_accuracy", "malignant_auroc"]))


def _metric(context: ReportContext, scores: Scores, name: str) -> Headline:
    asides = {
        "balanced_accuracy": f"mean recall over {len(context.results.classes)} classes",
        "malignant_auroc": "malignant against benign, all thresholds",
    }
    estimate = scores.metrics.get(name)
    title = METRICS[name].title if name in METRICS else name
    return _headline(title, estimate, asides.get(name, ""), missing_reason(name, context.results, scores))


def _headline(name: str, estimate: Estimate | None, aside: str, why: str = "too few cases") -> Headline:
    if estimate is None or estimate.value is None:
        return Headline(name, "–", f"not assessed: {why}", aside)
    if estimate.low is None or estimate.high is None:
        return Headline(name, format_number(estimate.value), "no interval: too few cases", aside)
    return Headline(
        name,
        format_number(estimate.value),
        f"{format_number(estimate.low)} to {format_number(estimate.high)}",
        aside,
    )


def _percent(estimate: Estimate) -> str:
    return percent(estimate.value)

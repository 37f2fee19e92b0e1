"""What was not assessed, and why: read off what the results and the bundle don't hold."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.results import TEST, TEST_HISTOLOGY
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.subgroups import too_small
from nevus.reporting.report.wording import DIMENSIONS, listed, several


@dataclass(frozen=True)
class Limit:
    """What wasn't assessed, and the reason."""

    what: str
    why: str


def list_limits(context: ReportContext) -> list[Limit]:
    """Everything that a reader might take for granted and that nobody measured, the gravest first."""
    return [*_of_the_data(context), *_of_the_results(context), *_of_the_use(context)]


def _of_the_data(context: ReportContext) -> list[Limit]:
    found = []
    data = context.manifest.data
    if not data.has_patient_ids:
        found.append(
            Limit(
                "Independence of patients",
                "The data hold no patient ids. Lesions are kept apart, but two lesions of one patient may lie in "
                "training and test, which may flatter the figures by an unknown amount.",
            )
        )
    if not data.has_skin_type:
        found.append(
            Limit(
                "Skin types",
                "The data don't record skin type. Models trained on mostly light skin do worse on dark skin; "
                "nothing here shows that this one doesn't.",
            )
        )
    absent = [
        name.lower() for key, name in DIMENSIONS.items() if key != "skin_type" and key not in context.results.subgroups
    ]
    if absent:
        found.append(Limit(f"Subgroups by {listed(absent)}", "The test part doesn't hold what they would need."))
    small = too_small(context)
    if small:
        count = sum(map(len, small.values()))
        names = "; ".join(f"{dimension}: {', '.join(levels)}" for dimension, levels in small.items())
        found.append(Limit(f"{several(count, 'subgroup')} in full", f"Too small to judge. {names}."))
    return found


def _of_the_results(context: ReportContext) -> list[Limit]:
    results, found = context.results, []
    if context.scores(TEST) is None:
        found.append(Limit("Performance", "There is no evaluation on a test part."))
    if context.scores(TEST_HISTOLOGY) is None:
        found.append(Limit("Histology only", "No test image is recorded as confirmed by histology."))
    if "mel" not in results.classes:
        found.append(Limit("Melanoma as a diagnosis", "The model tells malignant from benign, not what it is."))
    if not results.operating_points:
        found.append(Limit("Sensitivity and specificity", "No operating point was set."))
    if results.refusals is None or results.refusals.ood_limit is None:
        found.append(Limit("Refusal of strange images", "No limit on the out-of-distribution score was set."))
    if results.calibration is None:
        found.append(Limit("What calibration changed", "No temperature was fitted, or it wasn't recorded."))
    if context.data.leakage is None:
        found.append(Limit("Leakage", "Lesions shared by parts of the split weren't counted."))
    if context.gate is None:
        found.append(Limit("The gate", "No policy had been applied when this was written; the registry knows it."))
    if context.openings is None:
        found.append(Limit("Openings of the test part", "No audit counted how often it was looked at."))
    return found


def _of_the_use(context: ReportContext) -> list[Limit]:
    datasets = listed(list(context.manifest.data.datasets)) or "the data named above"
    return [
        Limit(
            "Other clinics, cameras and countries",
            f"All test images come from {datasets}, as the training images do; expect less elsewhere.",
        ),
        Limit(
            "Other shares of malignancy",
            "Predictive values and calibration hold for the share of malignant lesions in these data; where it "
            "differs, they change.",
        ),
        Limit("Effect on physicians and patients", "No reader study and no prospective use."),
    ]

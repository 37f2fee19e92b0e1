"""Single images beside the evidence that the model saw in them: right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nevus.imaging.overlay import overlay_evidence
from nevus.reporting.page import Thumbnail, embed_image
from nevus.reporting.page.formats import format_number
from nevus.reporting.report.context import Case, ReportContext
from nevus.reporting.report.wording import VERDICTS
from nevus.taxonomy import class_name

MOST = 16
"""Cases of a kind that are shown: with two images each, the page stays near one megabyte."""
_SIDE = 300
_QUALITY = 80
_ALPHA = 0.55


@dataclass(frozen=True)
class CaseTile:
    """One case, ready to show: `others` are the next most probable classes."""

    image_id: str
    image: Thumbnail
    overlay: Thumbnail | None
    truth: str
    prediction: str
    right: bool
    dangerous: bool
    p_malignant: str
    verdict: str
    probabilities: list[tuple[str, str, str, bool]]


@dataclass(frozen=True)
class CasesSection:
    """Tiles of the right and of the wrong ones, and how many more there are of each."""

    right: list[CaseTile]
    wrong: list[CaseTile]
    right_left_out: int
    wrong_left_out: int
    rule: str


def describe_cases(context: ReportContext) -> CasesSection:
    """The cases' section."""
    right = [case for case in context.cases if case.right]
    wrong = [case for case in context.cases if not case.right]
    rule = context.case_rule or "How these cases were picked is not recorded, so they prove nothing beyond themselves."
    return CasesSection(
        _tiles(right[:MOST], context),
        _tiles(wrong[:MOST], context),
        max(len(right) - MOST, 0),
        max(len(wrong) - MOST, 0),
        rule,
    )


def _tiles(cases: Sequence[Case], context: ReportContext) -> list[CaseTile]:
    return [_tile(case, frozenset(context.results.malignant)) for case in cases]


def _tile(case: Case, malignant: frozenset[str]) -> CaseTile:
    overlay = None
    if case.evidence is not None:
        overlay = embed_image(
            overlay_evidence(case.pixels, case.evidence, alpha=_ALPHA), max_side=_SIDE, quality=_QUALITY
        )
    leading = sorted(case.probabilities.items(), key=lambda item: (-item[1], item[0]))[:3]
    return CaseTile(
        image_id=case.image_id,
        image=embed_image(case.pixels, max_side=_SIDE, quality=_QUALITY),
        overlay=overlay,
        truth=class_name(case.truth),
        prediction=class_name(case.prediction),
        right=case.right,
        dangerous=case.truth in malignant and case.prediction not in malignant,
        p_malignant=format_number(case.p_malignant, 2),
        verdict=VERDICTS.get(case.verdict, case.verdict.replace("_", " ")),
        probabilities=[
            (code, format_number(p, 2), f"{min(max(p, 0.0), 1.0) * 100:.1f}", code == case.truth) for code, p in leading
        ],
    )

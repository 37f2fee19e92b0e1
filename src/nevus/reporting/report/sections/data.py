"""What the data are, and the proof that nothing of the test part was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from nevus.reporting.page.charts import Bar, horizontal_bars
from nevus.reporting.page.formats import format_count, format_share
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.summary import group_noun
from nevus.reporting.report.wording import NOT_ASSESSED, PARTS, diagnosis_name, listed, percent, several

_SEARCHES = {"published": "pairs that others have published", "exact": "exact copies", "near": "near-duplicates"}


@dataclass(frozen=True)
class Proof:
    """A statement with its figure; `tone`: nothing for what is proven, warm for what isn't, quiet for a comparison."""

    figure: str
    words: str
    tone: Literal["", "warm", "quiet"]


@dataclass(frozen=True)
class DataSection:
    """Rows are lists of cells' texts, columns are (name, is a number)."""

    columns: list[tuple[str, bool]]
    rows: list[list[str]]
    chart: Markup | None
    rejected: list[list[str]] | None
    notes: list[str]
    leakage_title: str
    proofs: list[Proof]
    leakage_chart: Markup | None


def describe_data(context: ReportContext) -> DataSection:
    """The data's section."""
    return DataSection(
        columns=[("Class", False), *((_part(p), True) for p in _parts(context)), ("All", True)],
        rows=_class_rows(context),
        chart=_class_chart(context),
        rejected=None
        if context.data.rejected is None
        else [[reason, format_count(n)] for reason, n in sorted(context.data.rejected.items(), key=lambda r: -r[1])],
        notes=_notes(context),
        leakage_title=_leakage_title(context),
        proofs=_proofs(context),
        leakage_chart=_leakage_chart(context),
    )


def _part(name: str) -> str:
    return PARTS.get(name, name)


def _parts(context: ReportContext) -> list[str]:
    known = set(context.data.images) | set(context.data.groups) | set(context.results.sizes)
    return [*(p for p in PARTS if p in known), *sorted(known - set(PARTS))]


def _totals(context: ReportContext) -> dict[str, int]:
    """Class -> images in all parts, in the model's order of classes."""
    found = {code for counts in context.data.images.values() for code in counts}
    order = [c for c in context.results.classes if c in found] + sorted(found - set(context.results.classes))
    return {code: sum(counts.get(code, 0) for counts in context.data.images.values()) for code in order}


def _class_rows(context: ReportContext) -> list[list[str]]:
    parts, images, sizes = _parts(context), context.data.images, context.results.sizes
    totals = _totals(context)
    rows = [
        [diagnosis_name(code), *(_count(images, p, code) for p in parts), format_share(total, sum(totals.values()))]
        for code, total in totals.items()
    ]
    by_part = {p: sum(images[p].values()) if p in images else sizes[p].n_images if p in sizes else None for p in parts}
    rows.append(["Images", *(_or_missing(by_part[p]) for p in parts), _or_missing(_sum(list(by_part.values())))])
    groups = {p: context.data.groups.get(p, sizes[p].n_groups if p in sizes else None) for p in parts}
    noun = group_noun(context).capitalize() + "s"
    rows.append([noun, *(_or_missing(groups[p]) for p in parts), _or_missing(_sum(list(groups.values())))])
    if sizes:
        malignant = {p: sizes[p].n_malignant_groups if p in sizes else None for p in parts}
        cells = [_or_missing(malignant[p]) for p in parts]
        rows.append([f"{noun}, malignant", *cells, _or_missing(_sum(list(malignant.values())))])
    return rows


def _count(images: object, part: str, code: str) -> str:
    counts = images.get(part) if hasattr(images, "get") else None
    return NOT_ASSESSED if counts is None else format_count(counts.get(code, 0))


def _or_missing(n: int | None) -> str:
    return NOT_ASSESSED if n is None else format_count(n)


def _sum(values: list[int | None]) -> int | None:
    known = [v for v in values if v is not None]
    return sum(known) if known and len(known) == len(values) else None


def _class_chart(context: ReportContext) -> Markup | None:
    totals = _totals(context)
    if not totals:
        return None
    bars = [
        Bar(
            code,
            n,
            format_count(n),
            "warm" if code in context.results.malignant else "accent",
        )
        for code, n in sorted(totals.items(), key=lambda item: -item[1])
    ]
    return horizontal_bars(bars, title="Images by class")


def _notes(context: ReportContext) -> list[str]:
    notes = []
    notes.append(_duplicates(context))
    if context.data.rejected is None:
        notes.append("How many rows were left out was not recorded.")
    elif not context.data.rejected:
        notes.append("No row was left out.")
    else:
        notes.append(f"{several(sum(context.data.rejected.values()), 'row')} left out, each for a stated reason.")
    return notes


def _duplicates(context: ReportContext) -> str:
    merged, noun = context.data.duplicates_merged, group_noun(context)
    if merged is None:
        return f"Whether there are duplicates across {noun}s was not assessed."
    kinds = listed([_SEARCHES.get(kind, kind) for kind in context.data.duplicates_searched])
    looked = f" Looked for: {kinds}." if kinds else ""
    if not merged:
        return f"No pair of duplicates across {noun}s was found.{looked}"
    return (
        f"{several(merged, 'confirmed pair')} of duplicates across {noun}s merged into groups, so that no copy of them "
        f"is split off.{looked}"
    )


def _leakage_title(context: ReportContext) -> str:
    proof = context.data.leakage
    if proof is None or proof.shared_groups is None:
        return "Whether the test part was trained on was not assessed"
    if proof.shared_groups:
        return f"{several(proof.shared_groups, 'group stands', 'groups stand')} on both sides of the split"
    return "Nothing of the test part was trained on"


def _proofs(context: ReportContext) -> list[Proof]:
    proof = context.data.leakage
    if proof is None:
        return [
            Proof(
                "Not assessed", "Whether lesions or patients stand on both sides of the split wasn't measured.", "warm"
            )
        ]
    found = []
    for noun, n in (
        ("patient", proof.shared_patients),
        ("lesion", proof.shared_lesions),
        ("group", proof.shared_groups),
    ):
        if n is None:
            continue
        also = " (lesions or patients with their confirmed duplicates)" if noun == "group" else ""
        found.append(Proof(several(n, noun), f"in more than one part of the split{also}.", "warm" if n else ""))
    if proof.shared_patients is None:
        words = "the data hold no patient ids, so two lesions of one patient may stand on both sides."
        found.append(Proof("Patients: not assessed", words, "warm"))
    if proof.random_leaked is not None:
        n = proof.random_test_images
        part = "the split been random by image" if n is None else f"{format_count(n)} of all been drawn at random"
        words = f"of test images would have had their own {group_noun(context)} in training, had {part}"
        if proof.random_leaked_malignant is not None:
            words += f"; of malignant test images {percent(proof.random_leaked_malignant)}"
        found.append(Proof(percent(proof.random_leaked), words + ".", "quiet"))
    return found


def _leakage_chart(context: ReportContext) -> Markup | None:
    proof = context.data.leakage
    if proof is None or proof.random_leaked is None or proof.shared_groups is None:
        return None
    bars = [Bar("Random by image", proof.random_leaked, percent(proof.random_leaked), "warm")]
    if proof.random_leaked_malignant is not None:
        shown = percent(proof.random_leaked_malignant)
        bars.append(Bar("… malignant images", proof.random_leaked_malignant, shown, "warm"))
    if proof.shared_groups == 0:
        bars.append(Bar("This split", 0.0, "0 %"))
    return horizontal_bars(bars, title=f"Test images whose {group_noun(context)} is trained on too", maximum=1.0)

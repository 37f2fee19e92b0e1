"""What the card says in sentences: use, licence, training, limits. Nothing that the context doesn't hold."""

from __future__ import annotations

from nevus.reporting.card.markdown import Markdown, bullets, code_block, escape, table
from nevus.reporting.page.formats import format_number
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.data import describe_data
from nevus.reporting.report.sections.limits import list_limits
from nevus.reporting.report.wording import diagnosis_name, in_a_sentence, listed, several


def licence_warning(context: ReportContext) -> str:
    """Why the model may not be used commercially; empty where it may."""
    if context.manifest.commercial_use:
        return ""
    licence = context.manifest.licence
    if licence == "unknown":
        return "The licence of its training data isn't known, so no commercial use is allowed for."
    return f"It was trained on data under {licence}, and the model inherits that."


def model_facts(context: ReportContext) -> Markdown:
    """What it is, in a table."""
    manifest = context.manifest
    metadata = "none: the image alone" if manifest.metadata is None else "age, sex and body site, each may be unknown"
    views = "one" if len(manifest.views) == 1 else f"{len(manifest.views)} ({', '.join(manifest.views)}), averaged"
    rows = [
        ["Task", manifest.task],
        ["Classes", listed([diagnosis_name(code) for code in manifest.classes])],
        ["Counts as malignant", listed([in_a_sentence(code) for code in manifest.malignant])],
        ["Backbone", manifest.backbone or "not recorded"],
        ["Input", f"RGB image, {manifest.input.width} × {manifest.input.height} pixels ({manifest.input.rule})"],
        ["Metadata", metadata],
        ["Views at test time", views],
        ["Temperature", format_number(manifest.temperature, 3)],
        ["Default operating point", manifest.default_operating_point or "none"],
        ["Licence", manifest.licence],
        ["Computed by", f"{manifest.runtime.engine}, {manifest.runtime.precision}"],
    ]
    if manifest.converted_from is not None:
        origin = f"bundle {manifest.converted_from.digest[:12]}; the figures below are this variant's own"
        rows.append(["Converted from", origin])
    return table([("What", False), ("Value", False)], rows)


def intended_use(context: ReportContext) -> Markdown:
    """For whom and what."""
    data = listed(list(context.manifest.data.datasets)) or "its training data"
    what = (
        "how suspicious a lesion is"
        if context.manifest.task == "malignancy"
        else "which of the diagnoses above fits a lesion best, and how suspicious it is"
    )
    return bullets(
        [
            f"To support a physician who judges skin lesions: a second look at {what}, on images like those of {data}.",
            "Research on the classification of skin lesions.",
        ]
    )


def out_of_scope(context: ReportContext) -> Markdown:
    """What it must not be used for."""
    manifest = context.manifest
    refuses = (
        "It has no limit on strange images and will answer any."
        if manifest.refusal.ood_score is None
        else "It refers what looks unlike its training data, but not without fail."
    )
    items = [
        "Deciding on diagnosis or treatment without a physician, and reassuring patients.",
        f"Other kinds of images than its training data. {refuses}",
    ]
    if manifest.task == "diagnosis":
        items.append("Diagnoses outside its classes: it names one of its own instead.")
    if not manifest.data.has_skin_type:
        items.append("Skin types that its training data may lack: nothing is known of them.")
    return bullets(items)


def data_statement(context: ReportContext) -> str:
    """Which data sets."""
    names = listed(list(context.manifest.data.datasets))
    return f"Trained and tested on parts of {names}." if names else "Which data sets it was trained on is not recorded."


def leakage_statement(context: ReportContext) -> Markdown:
    """The proofs of no leakage, one a line."""
    data = describe_data(context)
    return Markdown(
        f"{escape(data.leakage_title)}:\n\n"
        + "\n".join(f"- **{escape(proof.figure)}** {escape(proof.words)}" for proof in data.proofs)
    )


def licence_statement(context: ReportContext) -> Markdown:
    """Licence and attribution of the data."""
    lines = [f"Licence: {licence}" for licence in context.licence_lines]
    attributions = [f"Attribution: {line}" for line in context.attribution_lines]
    return bullets([*lines, *(attributions or ["Attribution: not recorded"])])


def training_statement(context: ReportContext) -> str:
    """How the training went, as far as the history says."""
    history = context.history
    if not history:
        return "Not assessed: this model's training history isn't known to the card."
    phases = list(dict.fromkeys(str(e["phase"]) for e in history if e.get("phase") is not None))
    counts = [f"{several(sum(str(e.get('phase')) == p for e in history), 'epoch')} of phase “{p}”" for p in phases]
    words = f"{several(len(history), 'epoch')}" + (f": {listed(counts)}" if len(counts) > 1 else "") + "."
    kept = next((e for e in history if context.best_epoch is not None and e.get("epoch") == context.best_epoch), None)
    if kept is not None:
        score = kept.get(f"validation_{context.results.primary_metric}")
        name = context.results.primary_metric.replace("_", " ")
        reached = f" at {name} {format_number(score)}" if isinstance(score, (int, float)) else ""
        words += f" The weights of epoch {context.best_epoch} were kept{reached}, measured on validation."
    calibration = context.results.calibration
    if calibration is not None:
        words += (
            f" A temperature of {format_number(calibration.temperature, 2)} was fitted on {calibration.measured_on}; "
            f"it took the expected calibration error there from {format_number(calibration.ece_before)} to "
            f"{format_number(calibration.ece_after)}."
        )
    return words + " Thresholds, temperature and limits were chosen on validation, never on test."


def limits_list(context: ReportContext) -> Markdown:
    """What nobody measured."""
    lines = [f"- **{escape(limit.what)}.** {escape(limit.why)}" for limit in list_limits(context)]
    return Markdown("\n".join(lines))


def commands(context: ReportContext) -> Markdown:
    """How to run it, and how it was made."""
    blocks = ["nevus bundle verify BUNDLE", "nevus predict lesion.jpg --bundle BUNDLE"]
    made = context.record.command
    text = "From the bundle's directory (`BUNDLE`):\n\n" + code_block("\n".join(blocks), "sh")
    if made:
        text += "\n\nIt was made by:\n\n" + code_block(made, "sh")
    return Markdown(text)


def citation(context: ReportContext) -> Markdown:
    """Whom to cite."""
    manifest = context.manifest
    revision = manifest.code_revision or context.results.provenance.code_revision or "revision not recorded"
    digest = context.record.bundle_digest or context.results.provenance.bundle_digest
    model = f"{manifest.name}, bundle {digest[:12]}" if digest else manifest.name
    lines = [f"The model: {model}, {manifest.created_at:%Y-%m-%d}, made with nevus {revision} (see its CITATION.cff)."]
    lines += [f"The data: {line}" for line in context.attribution_lines]
    return bullets(lines)

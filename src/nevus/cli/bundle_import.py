"""`nevus bundle import`: make a bundle of somebody's own model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.bundle import BundleManifest
    from nevus.evaluation.results import OperatingPoint


def import_model(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL.onnx", help="An ONNX classifier.")] = None,
    *,
    classes: Annotated[str, typer.Option(help="Codes of the classes, in the output's order: mel,nv,...")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the bundle goes.")],
    height: Annotated[int, typer.Option(min=8, help="Of the input, in pixels.")] = 224,
    width: Annotated[int, typer.Option(min=8, help="Of the input, in pixels.")] = 224,
    mean: Annotated[str | None, typer.Option(help="Taken off each channel, in the input range; default: 0.")] = None,
    std: Annotated[str | None, typer.Option(help="Each channel is divided by it, after the mean; default: 1.")] = None,
    input_range: Annotated[
        Literal["0..1", "0..255", "-1..1"], typer.Option(help="Of the pixels before mean and std.")
    ] = "0..1",
    layout: Annotated[
        Literal["nchw", "nhwc"] | None, typer.Option(help="Order of the input's axes; default: from its shape.")
    ] = None,
    channels: Annotated[Literal["rgb", "bgr"], typer.Option(help="Order of the channels.")] = "rgb",
    rule: Annotated[
        Literal["cover", "contain"], typer.Option(help="Crop the image to the input's shape, or pad it.")
    ] = "cover",
    malignant: Annotated[
        str | None, typer.Option(help="The malignant classes; default: mel, bcc, akiec, scc, malignant.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Malignant probability from which an image is suspicious.")
    ] = None,
    scores: Annotated[
        Literal["logits", "probabilities"] | None, typer.Option(help="What the model gives; default: found out.")
    ] = None,
    output: Annotated[str | None, typer.Option(help="The model's output that has the classes.")] = None,
    name: Annotated[str | None, typer.Option(help="The bundle's name; default: the file's.")] = None,
    licence: Annotated[str, typer.Option(help="Of the model and the data behind it.")] = "unknown",
    timm: Annotated[str | None, typer.Option(metavar="NAME", help="Import a checkpoint of this timm model.")] = None,
    weights: Annotated[Path | None, typer.Option(metavar="FILE", help="The checkpoint for --timm.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A further argument of timm.create_model; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a bundle of your own ONNX classifier, or of a timm checkpoint.

    Pre-processing and softmax are put into the graph; embedding and evidence too, where its head is linear in a pooled
    feature map. It has no novelty score, and nothing was measured: evaluate it before use.

    Example: `nevus bundle import model.onnx --classes mel,nv,bcc --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
    --threshold 0.2 --out my-bundle`
    """
    codes = tuple(code.strip() for code in classes.split(",") if code.strip())
    suspicious = _malignant(codes, malignant)
    means, stds = _three("--mean", mean), _three("--std", std)
    if (model is None) == (timm is None) or (timm is None) != (weights is None):
        raise InputError("name either a MODEL.onnx, or --timm NAME together with --weights FILE.")
    facts: dict[str, Any] = {"bundle": str(out), "classes": list(codes), "malignant": list(suspicious)}
    frame = {"height": height, "width": width, "rule": rule}
    if timm is not None and weights is not None:
        if input_range != "0..1" or channels != "rgb" or layout or scores or output:
            raise InputError("--input-range, --channels, --layout, --scores and --output are for ONNX models only.")
        _import_timm(
            timm,
            weights,
            out,
            classes=codes,
            malignant=suspicious,
            model={**frame, "mean": means, "std": stds, "backbone_options": _options(option)},
            licence=licence,
            name=name,
        )
        if threshold is not None:
            _state_threshold(out, threshold)
        _tell({**facts, **_facts_of(out)}, as_json)
        return
    assert model is not None  # noqa: S101 - for the type checker
    from nevus.bundle import write_bundle
    from nevus.bundle.foreign import InputFormat, import_onnx

    imported = import_onnx(
        model,
        classes=codes,
        malignant=suspicious,
        height=height,
        width=width,
        form=InputFormat(means or (0, 0, 0), stds or (1, 1, 1), input_range, layout, channels),
        scores=scores,
        output=output,
    )
    manifest = _manifest(
        name=name or model.stem,
        classes=codes,
        malignant=suspicious,
        input=frame,
        outputs=imported.outputs,
        licence=licence,
        points=() if threshold is None else (_stated(threshold),),
    )
    write_bundle(out, manifest, imported.graph)
    _tell({**facts, "scores": imported.scores, **_facts_of(out)}, as_json)


def _import_timm(
    timm: str,
    weights: Path,
    out: Path,
    *,
    classes: tuple[str, ...],
    malignant: tuple[str, ...],
    model: dict[str, Any],
    licence: str,
    name: str | None,
) -> None:
    from nevus.taxonomy import BINARY_CLASSES
    from nevus.training.importing import import_checkpoint
    from nevus.training.settings import ModelSettings

    import_checkpoint(
        timm,
        weights,
        out,
        classes=classes,
        malignant=malignant,
        model=ModelSettings(**model),
        task="malignancy" if classes == BINARY_CLASSES else "diagnosis",
        licence=licence,
        bundle_name=name,
    )


def _state_threshold(bundle: Path, threshold: float) -> None:
    """Write the bundle again, with an operating point."""
    from nevus.bundle import read_bundle_manifest, write_bundle
    from nevus.bundle.directory import GRAPH

    manifest = read_bundle_manifest(bundle).model_copy(update={"operating_points": (_stated(threshold),)})
    write_bundle(bundle, manifest, (bundle / GRAPH).read_bytes())


def _stated(threshold: float) -> OperatingPoint:
    from nevus.evaluation import Estimate, OperatingPoint

    unknown = Estimate(value=None)
    return OperatingPoint(
        name="stated", threshold=threshold, sensitivity=unknown, specificity=unknown, measured_on="not measured"
    )


def _facts_of(bundle: Path) -> dict[str, Any]:
    from nevus.bundle import bundle_digest, read_bundle_manifest

    manifest = read_bundle_manifest(bundle)
    return {
        "digest": bundle_digest(bundle),
        "outputs": list(manifest.outputs),
        "absent": [o for o in ("embedding", "ood_score", "evidence") if o not in manifest.outputs],
        "operating_point": manifest.operating_points[0].threshold if manifest.operating_points else None,
    }


def _manifest(*, classes: tuple[str, ...], points: tuple[OperatingPoint, ...], **fields: Any) -> BundleManifest:
    from datetime import UTC, datetime

    from nevus.bundle import BundleManifest
    from nevus.provenance import code_revision, library_versions
    from nevus.taxonomy import BINARY_CLASSES

    return BundleManifest(
        created_at=datetime.now(UTC).replace(microsecond=0),
        task="malignancy" if classes == BINARY_CLASSES else "diagnosis",
        classes=classes,
        operating_points=points,
        code_revision=code_revision(),
        libraries=library_versions(("nevus", "onnx", "onnxruntime")),
        **fields,
    )


def _malignant(classes: tuple[str, ...], stated: str | None) -> tuple[str, ...]:
    from nevus.taxonomy import MALIGNANT, MALIGNANT_CLASS

    if stated is None:
        found = tuple(c for c in classes if c in MALIGNANT or c == MALIGNANT_CLASS)
    else:
        found = tuple(c.strip() for c in stated.split(",") if c.strip())
    strange = [c for c in found if c not in classes]
    if strange:
        raise InputError(f"--malignant {','.join(strange)}: not among the classes {', '.join(classes)}.")
    if not found or len(found) == len(classes):
        raise InputError("at least one class must be malignant and one not; name the malignant ones (--malignant).")
    return found


def _options(pairs: list[str] | None) -> dict[str, Any]:
    import yaml

    options = {}
    for pair in pairs or []:
        key, separator, value = pair.partition("=")
        if not separator:
            raise InputError(f"--option {pair}: KEY=VALUE is needed.")
        options[key] = yaml.safe_load(value)
    return options


def _three(option: str, text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        first, second, third = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} {text}: three numbers are needed, separated by commas.") from None
    return first, second, third


def _tell(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "value", show_header=False)
    table.columns[1].overflow = "fold"
    for key, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        table.add_row(key.replace("_", " "), "none" if shown in (None, "") else str(shown))
    console = Console()
    console.print(table)
    if facts.get("operating_point") is None:
        console.print("Without an operating point every image is referred; state one with --threshold.")
    console.print("Nothing was measured: evaluate it before use. Decision support, not a diagnosis.", style="bold")

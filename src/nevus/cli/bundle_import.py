"""`nevus bundle import`: make a bundle of somebody's own model."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nevus.errors import InputError

if TYPE_CHECKING:
    from nevus.bundle import BundleManifest


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
    if timm is not None:
        training = importlib.import_module("nevus.training")
        digest = training.import_checkpoint(
            timm,
            weights,
            classes=codes,
            malignant=suspicious,
            height=height,
            width=width,
            rule=rule,
            mean=means,
            std=stds,
            threshold=threshold,
            name=name or timm,
            licence=licence,
            out=out,
        )
        _tell({"bundle": str(out), "digest": digest, "classes": list(codes), "malignant": list(suspicious)}, as_json)
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
        input={"height": height, "width": width, "rule": rule},
        outputs=imported.outputs,
        licence=licence,
        threshold=threshold,
    )
    facts = {
        "bundle": str(out),
        "digest": write_bundle(out, manifest, imported.graph),
        "classes": list(codes),
        "malignant": list(suspicious),
        "scores": imported.scores,
        "outputs": list(imported.outputs),
        "absent": [o for o in ("embedding", "ood_score", "evidence") if o not in imported.outputs],
        "operating_point": threshold,
    }
    _tell(facts, as_json)


def _manifest(*, classes: tuple[str, ...], threshold: float | None, **fields: Any) -> BundleManifest:
    from datetime import UTC, datetime

    from nevus.bundle import BundleManifest
    from nevus.bundle.schema import Estimate, OperatingPoint
    from nevus.provenance import library_versions
    from nevus.taxonomy import BINARY_CLASSES

    points: tuple[OperatingPoint, ...] = ()
    if threshold is not None:
        unknown = Estimate(value=None)
        points = (
            OperatingPoint(
                name="stated", threshold=threshold, sensitivity=unknown, specificity=unknown, measured_on="not measured"
            ),
        )
    return BundleManifest(
        created_at=datetime.now(UTC),
        task="malignancy" if classes == BINARY_CLASSES else "diagnosis",
        classes=classes,
        operating_points=points,
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

    table = Table(show_header=False)
    for key, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        table.add_row(key.replace("_", " "), "none" if shown in (None, "") else str(shown))
    console = Console()
    console.print(table)
    if facts.get("operating_point") is None:
        console.print("Without an operating point every image is referred; state one with --threshold.")
    console.print("Nothing was measured: evaluate it before use. Decision support, not a diagnosis.", style="bold")

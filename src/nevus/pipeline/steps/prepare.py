"""prepare: every image decoded once into shards that training reads at random."""

from __future__ import annotations

from pathlib import Path

from nevus.data.manifest import read_manifest
from nevus.data.prepare import PrepareSettings, prepare
from nevus.pipeline.progress import tell
from nevus.pipeline.step import URI, Inputs, Outcome

PREPARED = "prepared"


def run(settings: PrepareSettings, inputs: Inputs, output: URI) -> Outcome:
    """Decode, resize and write; a restart goes on after the last whole shard."""
    manifest = read_manifest(Path(inputs["manifest"]))
    done = prepare(
        manifest, settings, f"{output}/{PREPARED}", lambda done, total: tell(done, total, "images"), redo=True
    )
    summary = {"images": done.images, "shards": done.shards, "bytes": done.bytes, "shards_kept": done.kept}
    return Outcome(summary=summary, timings={"prepare": done.seconds})

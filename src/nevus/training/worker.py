"""A training in a process of its own: `python -m nevus.training.worker JOB.json`.

Lightning starts one such process for each device, by running the same command line again; several hosts run it each
under torchrun or SLURM. A command line of the user's (which holds locks and runs other steps) can't be run twice.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import torch

from nevus.bundle import metadata
from nevus.bundle.schema import MetadataSpec
from nevus.data.prepare import PreparedImages
from nevus.errors import EXIT_BAD_INPUT, EXIT_FAILED, InputError, NevusError
from nevus.settings import Section
from nevus.training.callbacks import Entry, Report
from nevus.training.examples import make_examples
from nevus.training.loop import HISTORY, WEIGHTS, Trained, fit
from nevus.training.network import LesionNetwork
from nevus.training.settings import ModelSettings, TrainingSettings
from nevus.training.targets import Targets

JOB = "job.json"
LOG = "training.log"
BEST_EPOCH = "best.json"


class TrainingJob(Section):
    """All that a training process needs to know.

    `manifest` is a Parquet file of the manifest's columns and `split`; `prepared` the prepared images' URI, and `cache`
    the folder for copies of those in a bucket (by default below NEVUS_HOME).
    """

    manifest: Path
    prepared: str
    cache: Path | None = None
    output: Path
    task: str
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    metadata: MetadataSpec | None
    model: ModelSettings
    training: TrainingSettings

    @property
    def targets(self) -> Targets:
        """The classes."""
        return Targets(self.task, self.classes, self.malignant)  # type: ignore[arg-type]


def build_network(job: TrainingJob) -> LesionNetwork:
    """The network with its first weights, a function of the seed."""
    torch.manual_seed(job.training.seed)
    return LesionNetwork(job.model, len(job.classes), metadata.width(job.metadata))


def train(job: TrainingJob, report: Report | None = None) -> Trained:
    """Train in this process, or in processes of their own where several devices or hosts are asked for.

    Raises:
        NevusError: what `fit` raises; the training processes failed.
    """
    if job.training.devices * job.training.hosts == 1:
        return _run(job, report)
    job.output.mkdir(parents=True, exist_ok=True)
    path = job.output / JOB
    path.write_text(job.model_dump_json(indent=1))
    _in_processes(path, job.output / LOG, report)
    history = json.loads((job.output / HISTORY).read_text())
    best = json.loads((job.output / BEST_EPOCH).read_text())
    return Trained(job.output / WEIGHTS, history, best)


def _in_processes(job: Path, log: Path, report: Report | None) -> None:
    """Run the worker, pass on what it tells, and take all its processes down with this one."""
    command = [sys.executable, "-m", "nevus.training.worker", str(job)]
    with (
        log.open("w") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True) as process,  # noqa: S603
    ):
        try:
            for line in process.stdout or ():
                if report is not None:
                    report(*json.loads(line))
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        lines = log.read_text().strip().splitlines() or ["no message"]
        kind = InputError if process.returncode == EXIT_BAD_INPUT else NevusError
        raise kind(f"the training processes ended with status {process.returncode}: {lines[-1]} (see {log})")


def _run(job: TrainingJob, report: Report | None) -> Trained:
    table = pl.read_parquet(job.manifest)
    images = PreparedImages.open(job.prepared, job.cache)

    parts = {
        part: make_examples(table.filter(pl.col("split") == part), job.targets, job.metadata, part=part)
        for part in ("train", "validation")
    }
    trained = fit(
        build_network(job),
        parts["train"],
        parts["validation"],
        images.pixels_of,
        job.model,
        job.training,
        job.targets,
        job.output,
        report,
    )
    if trained.best:
        (job.output / BEST_EPOCH).write_text(json.dumps(trained.best))
    return trained


def main() -> int:
    """Run the job whose file is named on the command line.

    The first process writes a line of JSON to stdout for each batch: batches done, batches in all, and an epoch's entry
    where one has ended. Where nobody reads it any more, the training ends: whoever started it is gone.
    """
    try:
        job = TrainingJob.model_validate_json(Path(sys.argv[1]).read_text())
        _run(job, _say)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the interpreter flushes it as it ends
        return EXIT_FAILED
    except NevusError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _say(done: int, total: int, entry: Entry | None) -> None:
    sys.stdout.write(json.dumps([done, total, entry]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())

"""A small pipeline whose steps can be made to stall or fail, for tests of engines; also run as a program.

`python pipeline_factory.py OUT` runs it. NEVUS_TEST_STALL=STEP:MOMENT makes a step wait for ever at `begin`, `middle`
or `written`, after it has said so in the file NEVUS_TEST_TRACE; NEVUS_TEST_FULL=STEP makes it meet a full disk, and
NEVUS_TEST_REFUSE=STEP something that the user gave and that it can't use.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from nevus.errors import InputError
from nevus.pipeline.progress import tell
from nevus.pipeline.step import URI, Inputs, Outcome, Pipeline, StepSpec
from nevus.settings import Section


class NumbersSettings(Section):
    count: int = 5
    workers: int = 1


class DoubleSettings(Section):
    factor: int = 2


class JudgeSettings(Section):
    limit: int = 1000


class Tree(Section):
    numbers: NumbersSettings = NumbersSettings()
    double: DoubleSettings = DoubleSettings()
    judge: JudgeSettings = JudgeSettings()


class RefusedError(InputError):
    """What the user gave isn't fit."""


def note(step: str, moment: str) -> None:
    """Write down that a step came here; wait here for ever if the environment says so."""
    trace = os.environ.get("NEVUS_TEST_TRACE")
    if trace:
        with Path(trace).open("a") as file:
            file.write(f"{step}:{moment}\n")
    if os.environ.get("NEVUS_TEST_STALL") == f"{step}:{moment}":
        time.sleep(600)
    if os.environ.get("NEVUS_TEST_FULL") == step and moment == "middle":
        with Path("/dev/full").open("w") as file:
            file.write("no room")
    if os.environ.get("NEVUS_TEST_REFUSE") == step and moment == "middle":
        raise RefusedError("there is no such policy")


def write(path: Path, value: object) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value))
    partial.replace(path)


def numbers(settings: NumbersSettings, inputs: Inputs, output: URI) -> Outcome:
    note("numbers", "begin")
    note("numbers", "middle")
    folder = Path(output) / "numbers"
    folder.mkdir(exist_ok=True)
    for i in range(settings.count):
        write(folder / f"{i}.json", i)
    note("numbers", "written")
    return Outcome(summary={"count": settings.count}, notices=("one class has few numbers",))


def double(settings: DoubleSettings, inputs: Inputs, output: URI) -> Outcome:
    """Goes on where a killed run of itself stopped: what is in `double.partial` isn't computed again."""
    note("double", "begin")
    files = sorted(Path(inputs["numbers"]).iterdir())
    scratch = Path(output) / "double-scratch.json"
    done = json.loads(scratch.read_text()) if scratch.exists() else []
    for i, file in enumerate(files):
        if i < len(done):
            continue
        done.append(settings.factor * json.loads(file.read_text()))
        write(scratch, done)
        note("double", f"item{i}")
        tell(i + 1, len(files), "numbers")
        if i == 2:
            note("double", "middle")
    write(Path(output) / "doubled.json", done)
    note("double", "written")
    scratch.unlink()
    return Outcome(timings={"doubling": 0.25})


def judge(settings: JudgeSettings, inputs: Inputs, output: URI) -> Outcome:
    note("judge", "begin")
    note("judge", "middle")
    total = sum(json.loads(Path(inputs["doubled"]).read_text()))
    write(Path(output) / "verdict.json", {"total": total, "passed": total <= settings.limit})
    note("judge", "written")
    return Outcome(passed=total <= settings.limit, summary={"total": total})


def register(settings: Section, inputs: Inputs, output: URI) -> Outcome:
    note("register", "begin")
    note("register", "middle")
    passed = json.loads(Path(inputs["verdict"]).read_text())["passed"]
    write(Path(output) / "registered.json", {"state": "candidate" if passed else "rejected"})
    note("register", "written")
    return Outcome()


def announce(settings: Section, inputs: Inputs, output: URI) -> Outcome:
    note("announce", "begin")
    note("announce", "middle")
    write(Path(output) / "announced.json", "new model")
    note("announce", "written")
    return Outcome()


STEPS = (
    StepSpec("register", register, lambda t: t.judge, {"verdict": "judge.verdict"}, {"registered": "registered.json"}),
    StepSpec("announce", announce, lambda t: t.judge, {}, {"announced": "announced.json"}, only_if_passed=("judge",)),
    StepSpec("judge", judge, lambda t: t.judge, {"doubled": "double.doubled"}, {"verdict": "verdict.json"}),
    StepSpec(
        "double",
        double,
        lambda t: t.double,
        {"numbers": "numbers.numbers"},
        {"doubled": "doubled.json"},
        scratch=("double-scratch.json",),
    ),
    StepSpec("numbers", numbers, lambda t: t.numbers, outputs={"numbers": "numbers"}),
)
PIPELINE = Pipeline(STEPS, neutral=frozenset({"numbers.workers"}))
ORDER = ("numbers", "double", "judge", "register", "announce")


def outputs_of(output: Path) -> dict[str, str]:
    """Path and content of every file that the steps left, declared or not."""
    return {
        str(file.relative_to(output)): file.read_text()
        for file in sorted(output.rglob("*"))
        if file.is_file() and not file.is_relative_to(output / "steps") and file.name != ".nevus.lock"
    }


if __name__ == "__main__":
    from nevus.pipeline.engines import LocalEngine

    LocalEngine().run(PIPELINE, Tree(), sys.argv[1])

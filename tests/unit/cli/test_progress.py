"""Short work is silent; long work says how far it is, and nothing gets lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nevus.cli import progress
from nevus.cli.progress import with_progress


class Clock:
    """Time that passes by one step for each item taken."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 100.0, step

    def __call__(self) -> float:
        return self.now

    def items(self, count: int) -> Iterator[int]:
        for i in range(count):
            self.now += self.step
            yield i


@pytest.mark.parametrize(("step", "lines"), [(0.01, 0), (0.5, 5), (5.0, 50)])
def test_lines_come_only_after_two_seconds_and_then_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], step: float, lines: int
) -> None:
    clock = Clock(step)
    monkeypatch.setattr(progress, "monotonic", clock)
    assert list(with_progress(clock.items(100), 100, "images")) == list(range(100))
    out, text = capsys.readouterr()
    assert out == ""
    assert len(text.splitlines()) == lines
    assert all(line.endswith("of 100 images") for line in text.splitlines())
    assert bool(text) == (lines > 0)


def test_an_empty_work_ends() -> None:
    assert list(with_progress([], 0, "images")) == []

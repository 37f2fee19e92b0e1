"""The gate's verdict, line by line: what was observed, what was required, and how far apart the two are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from nevus.evaluation.gate import GateLine
from nevus.evaluation.metrics import METRICS
from nevus.reporting.page.formats import format_number
from nevus.reporting.report.charts.interval_mark import Axis, interval_mark
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.summary import gate_sentence
from nevus.reporting.report.wording import shown

Sign = Literal["pass", "fail", "none"]
_ACRONYMS = ("auroc", "pauc", "ece", "f1", "nll", "ppv", "npv")
_TONES = {"pass": "", "fail": "fails", "none": "none"}


@dataclass(frozen=True)
class GateRow:
    """One rule, ready to show; `mark` is None where there is no figure to draw."""

    rule: str
    description: str
    what: str
    observed: str
    mark: Markup | None
    required: str
    sign: Sign
    verdict: str


@dataclass(frozen=True)
class GateSection:
    """The policy's name, who was champion, and its lines."""

    lead: str
    rows: list[GateRow]


@dataclass(frozen=True)
class GateWord:
    """The verdict in one line, with its sign; the colour never stands alone."""

    sign: Sign
    tone: str
    words: str


def describe_gate(context: ReportContext) -> GateSection | None:
    """The gate's section; None where it hasn't judged."""
    gate = context.gate
    if gate is None:
        return None
    champion = f" Champion at the time: {gate.champion}." if gate.champion else ""
    lead = (
        f"Policy “{gate.policy}”: {_decapitalised(gate_sentence(context))}{champion} "
        "Each bar has its own scale; the shaded side is where the rule fails."
    )
    return GateSection(lead, [_row(line) for line in gate.lines])


def gate_word(context: ReportContext) -> GateWord:
    """The verdict as a badge."""
    gate = context.gate
    if gate is None:
        return GateWord("none", _TONES["none"], "Not judged by the gate")
    sign: Sign = "pass" if gate.passed else "fail"
    words = "Passes the gate" if gate.passed else "Does not pass the gate"
    return GateWord(sign, _TONES[sign], f"{words} “{gate.policy}”")


def required_words(line: GateLine) -> str:
    """What a rule asks for, as people write it: `lower end ≥ .65`."""
    plain = f"{line.limit:g}"
    number = format_number(line.limit, max(len(plain.partition(".")[2]), 2))
    return line.required.removesuffix(plain).replace(">=", "≥").replace("<=", "≤") + number


def observed_words(line: GateLine) -> str:
    """The figure that a rule looked at, or why there is none."""
    return shown(line.observed, line.explanation, digits=_digits(line))


def _digits(line: GateLine) -> int:
    """Three, or as many as it takes to see that a rule was missed: .7999 isn't .80."""
    digits = 3
    while digits < 6 and not line.passed and line.compared is not None:
        if round(line.compared, digits) != round(line.limit, digits):
            break
        digits += 1
    return digits


def _row(line: GateLine) -> GateRow:
    assessed = line.observed.value is not None
    sign: Sign = "pass" if line.passed and assessed else "none" if line.passed else "fail"
    mark = None
    if assessed:
        mark = interval_mark(
            line.observed,
            _axis(line),
            says=f"{line.what}: {line.explanation}",
            tone="accent" if line.passed else "warm",
            bound=line.limit,
            lower_is_better="<=" in line.required,
        )
    verdict = {"pass": "passes", "fail": "fails", "none": "nothing to judge"}[sign]
    return GateRow(
        rule=_rule_name(line.rule),
        description=line.description,
        what=line.what,
        observed=observed_words(line),
        mark=mark,
        required=required_words(line),
        sign=sign,
        verdict=verdict,
    )


def _axis(line: GateLine) -> Axis:
    """A range that shows interval and limit with room on both sides, within what the score can be."""
    values = [v for v in (line.observed.value, line.observed.low, line.observed.high, line.limit) if v is not None]
    low, high = min(values), max(values)
    room = max((high - low) * 0.4, 0.01)
    metric = METRICS.get(line.metric)
    least, most = (metric.lowest, metric.highest) if metric else (0.0, 1.0)
    if low < least or line.required.startswith("difference"):
        least, most = -1.0, 1.0
    return Axis(max(low - room, least), high + room if most is None else min(high + room, most))


def _rule_name(rule: str) -> str:
    words = [word.upper() if word in _ACRONYMS else word for word in rule.split("-")]
    return words[0][:1].upper() + " ".join(words)[1:]


def _decapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]

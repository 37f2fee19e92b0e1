"""Policies: the rules that a candidate must keep, read from a YAML file of `policies/`."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from nevus.errors import InputError
from nevus.evaluation.metrics import METRICS
from nevus.settings import Section

OPERATING_POINT_METRICS = ("sensitivity", "specificity", "ppv", "npv", "melanoma_sensitivity")
CLASS_METRICS = ("precision", "recall", "f1", "auroc")
SUBGROUP_METRICS = ("balanced_accuracy", "malignant_auroc", "malignant_sensitivity", "malignant_specificity")

SHIPPED = (Path(__file__).parent / "policies", Path(__file__).resolve().parents[3] / "policies")
"""Where nevus' own policies lie: in an installed wheel, and in a checkout."""


class PolicyError(InputError):
    """A policy can't be found, read or understood."""


class Rule(Section):
    """One thing that must hold of a candidate's results.

    What is looked at: `metric` of `subset`; with `operating_point`, one of its shares; with `class`, a score of that
    class; with `scope: worst_subgroup`, the worst level of any dimension (or of `dimensions`) on the test part that
    holds at least `min_malignant_groups` malignant patients or lesions. Of it, `bound` is compared: the value itself,
    or the lower or upper end of its interval. With what: `threshold`; or with `champion_margin`, the difference to the
    champion on the same images, which may be worse by that much and no more, and is judged only where both were tested
    on at least `min_shared_groups` patients or lesions.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    description: str = ""
    metric: str
    subset: str = "test"
    scope: Literal["subset", "worst_subgroup"] = "subset"
    operating_point: str | None = None
    class_code: Annotated[str | None, Field(alias="class")] = None
    bound: Literal["value", "lower", "upper"] = "value"
    comparison: Literal[">=", "<="] | None = None
    """By default the direction in which the metric is better."""
    threshold: float | None = Field(default=None, allow_inf_nan=False)
    champion_margin: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    dimensions: tuple[str, ...] = ()
    min_malignant_groups: int = Field(default=30, ge=1)
    min_shared_groups: int = Field(default=30, ge=1)

    @property
    def higher_is_better(self) -> bool:
        """Whether more of this rule's metric is better."""
        return METRICS[self.metric].higher_is_better if self.metric in METRICS else True

    @property
    def direction(self) -> Literal[">=", "<="]:
        """The comparison that is made."""
        return self.comparison or (">=" if self.higher_is_better else "<=")

    @property
    def limit(self) -> float:
        """What is compared with: the threshold, or the difference to the champion that is still allowed."""
        if self.champion_margin is not None:
            return -self.champion_margin if self.higher_is_better else self.champion_margin
        return float(self.threshold or 0.0)

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        known = self._metrics()
        if self.metric not in known:
            raise ValueError(f"metric: there is no {self.metric!r} here{suggestion(self.metric, known)}")
        if (self.threshold is None) == (self.champion_margin is None):
            raise ValueError("threshold: a rule needs either threshold or champion_margin, and not both")
        if self.champion_margin is not None and known is not METRICS:
            raise ValueError("champion_margin: the champion is compared only by metrics of a whole subset")
        better = ">=" if self.higher_is_better else "<="
        if self.comparison not in (None, better):
            raise ValueError(
                f"comparison: {self.metric} is better {'higher' if better == '>=' else 'lower'}, so it must be {better}"
            )
        if self.scope == "subset" and self.dimensions:
            raise ValueError("dimensions: belongs to scope worst_subgroup")
        if self.scope == "worst_subgroup" and (self.subset != "test" or self.class_code):
            raise ValueError("scope: subgroups are those of the subset test, over all classes")
        return self

    def _metrics(self) -> Iterable[str]:
        if self.scope == "worst_subgroup":
            return SUBGROUP_METRICS
        if self.operating_point is not None and self.class_code is not None:
            raise ValueError("class: an operating point is of the malignant probability, not of a class")
        if self.operating_point is not None:
            return OPERATING_POINT_METRICS
        return CLASS_METRICS if self.class_code is not None else METRICS


class Policy(Section):
    """A named set of rules; a candidate passes if it keeps every one."""

    name: str
    description: str = ""
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> Policy:
        seen: set[str] = set()
        for rule in self.rules:
            if rule.id in seen:
                raise ValueError(f"rules: two rules have the id {rule.id!r}")
            seen.add(rule.id)
        return self


def load_policy(reference: str | Path) -> Policy:
    """Read a policy by its path, or one of nevus' own by its name (`default`).

    Raises:
        PolicyError: no such policy; not YAML; a key or value that it may not have. Names the file, the key and, where
            one is close, the right one.
    """
    path = _find(reference)
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"can't read the policy {path}: {error}") from error
    except yaml.YAMLError as error:
        raise PolicyError(f"the policy {path} is not YAML: {error}") from error
    if not isinstance(plain, dict):
        raise PolicyError(f"the policy {path} must be a mapping with the keys name, description and rules.")
    try:
        return Policy.model_validate(plain)
    except ValidationError as error:
        found = error.errors()
        # Rules that fail are taken out before their number is counted: that count is then no problem of its own.
        own = [problem for problem in found if problem["loc"] != ("rules",)] or found
        problems = "; ".join(_explain(problem, plain) for problem in own)
        raise PolicyError(f"the policy {path} can't be used: {problems}.") from error


def shipped_policies() -> dict[str, Path]:
    """nevus' own policies: name -> file."""
    return {path.stem: path for folder in reversed(SHIPPED) for path in sorted(folder.glob("*.yaml"))}


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the list of what there is."""
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f" (there are {', '.join(names)})"


def _find(reference: str | Path) -> Path:
    path = Path(reference)
    if path.is_file():
        return path
    own = shipped_policies()
    name = str(reference)
    if name in own:
        return own[name]
    raise PolicyError(f"there is no policy {name!r}, neither a file nor one of nevus' own{suggestion(name, own)}.")


def _explain(problem: Any, plain: dict[str, Any]) -> str:
    """One of pydantic's problems, with the id of the rule and the key that was meant."""
    where = list(problem["loc"])
    fields = {field.alias or name for name, field in (Rule if len(where) > 1 else Policy).model_fields.items()}
    place = ""
    if len(where) > 1 and where[0] == "rules" and isinstance(where[1], int):
        rule = plain["rules"][where[1]]
        name = rule.get("id") if isinstance(rule, dict) else None
        place = f"rule {name!r}: " if name else f"rule {where[1] + 1}: "
    key = str(where[-1]) if where else ""
    if problem["type"] == "extra_forbidden":
        return f"{place}unknown key {key!r}{suggestion(key, sorted(fields))}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}{message}" if not key or isinstance(where[-1], int) else f"{place}{key}: {message}"

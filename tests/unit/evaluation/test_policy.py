from pathlib import Path

import pytest
import yaml

from nevus.evaluation.policy import Policy, PolicyError, load_policy, shipped_policies

ROOT = Path(__file__).parents[3] / "policies"


def written(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def rule(**own):
    return {"id": "r", "metric": "accuracy", "threshold": 0.5} | own


def refused(tmp_path, *rules, **keys):
    path = written(tmp_path, yaml.safe_dump({"name": "own", "rules": list(rules)} | keys))
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_default_policy_asks_exactly_what_was_agreed():
    rules = {r.id: r for r in load_policy("default").rules}
    asked = {
        id: (r.metric, r.scope, r.operating_point, r.bound, r.direction, r.limit, r.champion_margin)
        for id, r in rules.items()
    }
    assert asked == {
        "balanced-accuracy": ("balanced_accuracy", "subset", None, "lower", ">=", 0.65, None),
        "malignant-sensitivity": ("sensitivity", "subset", "sensitivity_95", "lower", ">=", 0.85, None),
        "melanoma-sensitivity": ("melanoma_sensitivity", "subset", "sensitivity_95", "lower", ">=", 0.80, None),
        "worst-subgroup": ("malignant_sensitivity", "worst_subgroup", "sensitivity_95", "value", ">=", 0.75, None),
        "calibration": ("ece", "subset", None, "value", "<=", 0.08, None),
        "not-worse-than-champion": ("balanced_accuracy", "subset", None, "lower", ">=", -0.02, 0.02),
    }
    assert rules["worst-subgroup"].min_malignant_groups == 30
    assert {r.subset for r in rules.values()} == {"test"}


def test_accuracy_is_never_asked_for_alone():
    metrics = [r.metric for r in load_policy("accuracy-85").rules]
    assert metrics == ["accuracy", "balanced_accuracy"]


def test_every_policy_of_the_repository_can_be_read_and_is_named_after_its_file():
    paths = sorted(ROOT.glob("*.yaml"))
    assert {p.stem for p in paths} >= {"default", "accuracy-85", "malignancy"}
    for path in paths:
        policy = load_policy(path)
        assert policy.name == path.stem
        assert policy.description
        assert all(r.description for r in policy.rules)
        assert load_policy(path.stem) == policy
    assert set(shipped_policies()) >= {p.stem for p in paths}


def test_a_misspelt_key_is_named_with_its_rule_and_the_right_one(tmp_path):
    said = refused(tmp_path, rule(treshold=0.5))
    assert "rule 'r': unknown key 'treshold'; did you mean 'threshold'?" in said
    assert "unknown key 'rule'; did you mean 'rules'?" in refused(tmp_path, rule(), rule=1)
    assert "unknown key 'clas'; did you mean 'class'?" in refused(tmp_path, rule(clas="mel"))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"metric": "balanced_acuracy"}, "did you mean 'balanced_accuracy'?"),
        ({"metric": "accuracy", "operating_point": "sensitivity_95"}, "there are sensitivity, specificity"),
        ({"metric": "sensitivty", "operating_point": "sensitivity_95"}, "did you mean 'sensitivity'?"),
        ({"metric": "accuracy", "class": "mel"}, "there is no 'accuracy' here; did you mean 'auroc'?"),
        ({"metric": "ece", "comparison": ">="}, "ece is better lower, so it must be <="),
        ({"champion_margin": 0.1}, "either threshold or champion_margin"),
        ({"threshold": None}, "either threshold or champion_margin"),
        ({"bound": "lowest"}, "bound: Input should be 'value', 'lower' or 'upper'"),
        ({"threshold": "high"}, "threshold: Input should be a valid number"),
        ({"dimensions": ["sex"]}, "belongs to scope worst_subgroup"),
        ({"metric": "malignant_sensitivity", "scope": "worst_subgroup", "subset": "validation"}, "of the subset test"),
        (
            {"metric": "recall", "class": "mel", "threshold": None, "champion_margin": 0.1},
            "only by metrics of a whole subset",
        ),
        ({"id": "Not A Name"}, "id: String should match"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(tmp_path, own, said):
    message = refused(tmp_path, rule(**own))
    assert said in message
    assert message.count("rule '") == 1
    assert "should have at least 1 item" not in message


def test_every_problem_is_named_at_once(tmp_path):
    said = refused(tmp_path, rule(id="a", metric="acuracy"), rule(id="b", bound="x"))
    assert "rule 'a'" in said
    assert "rule 'b'" in said


def test_two_rules_of_one_id_and_a_policy_without_rules_are_refused(tmp_path):
    assert "two rules have the id 'r'" in refused(tmp_path, rule(), rule())
    assert "rules:" in refused(tmp_path)


@pytest.mark.parametrize(("text", "said"), [("a: [", "not YAML"), ("- a\n- b", "must be a mapping"), ("", "mapping")])
def test_what_is_no_policy_is_said(tmp_path, text, said):
    with pytest.raises(PolicyError, match=said):
        load_policy(written(tmp_path, text))


def test_a_policy_that_is_not_there_suggests_one_that_is():
    with pytest.raises(PolicyError, match=r"no policy 'defualt'.*did you mean 'default'\?"):
        load_policy("defualt")
    with pytest.raises(PolicyError, match="neither a file"):
        load_policy("somewhere/else.yaml")


def test_direction_follows_the_metric():
    policy = Policy.model_validate({"name": "x", "rules": [rule(), rule(id="e", metric="ece", threshold=0.1)]})
    assert [r.direction for r in policy.rules] == [">=", "<="]
    worse = Policy.model_validate({"name": "x", "rules": [{"id": "e", "metric": "ece", "champion_margin": 0.01}]})
    assert (worse.rules[0].direction, worse.rules[0].limit) == ("<=", 0.01)

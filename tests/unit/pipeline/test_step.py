import pytest

from nevus.pipeline.step import Outcome, Pipeline, PipelineError, StepSpec


def step(name, inputs=(), outputs=None, **own):
    return StepSpec(
        name,
        lambda settings, inputs, output: Outcome(),
        lambda tree: tree,
        {source: source for source in inputs},
        {"out": f"{name}.out"} if outputs is None else outputs,
        **own,
    )


def names(steps):
    return [s.name for s in steps]


def test_order_follows_needs_first_and_the_order_given_second():
    pipeline = Pipeline((step("d", ["b.out", "c.out"]), step("c", ["a.out"]), step("b", ["a.out"]), step("a")))
    assert names(pipeline.ordered()) == ["a", "c", "b", "d"]
    assert names(pipeline.ordered(["d", "b"])) == ["b", "d"]
    assert names(pipeline.ordered([])) == []


def test_a_step_that_must_have_passed_comes_before():
    assert names(Pipeline((step("tell", only_if_passed=("gate",)), step("gate"))).ordered()) == ["gate", "tell"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((step("a"), step("a", outputs={})), "two steps have one name: a"),
        ((step("a", ["b.out"]),), "no step 'b'"),
        ((step("gate"), step("a", ["gaet.out"])), "no step 'gaet'; did you mean 'gate'"),
        ((step("a"), step("b", ["a.uot"])), "step a has no output 'uot'; it has out"),
        ((step("a", ["b.out"]), step("b", ["a.out"])), "in a circle: "),
        ((step("a", only_if_passed=("b",)),), "no step 'b'"),
        ((step("a", outputs={"x": "bundle"}), step("b", outputs={"y": "bundle/model.onnx"})), "to one place"),
        ((step("a", outputs={"x": "f"}), step("b", scratch=("f",))), "to one place: f and f"),
        ((step("a", outputs={"x": "../f"}),), "must be a path under the output folder"),
        ((step("a", outputs={"x": "/f"}),), "must be a path under the output folder"),
    ],
)
def test_steps_that_do_not_fit_together_are_refused(steps, said):
    with pytest.raises(PipelineError, match=said):
        Pipeline(steps)


def test_names_that_merely_begin_alike_are_two_places():
    Pipeline((step("a", outputs={"x": "bundle"}), step("b", outputs={"y": "bundle.json"})))

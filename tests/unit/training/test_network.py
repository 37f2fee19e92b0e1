"""The network: what is frozen stays, what is head-only leaves the backbone alone, metadata joins additively."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from nevus.training.backbones import BackboneError, frozen_stages, stages
from nevus.training.network import VIEWS, LesionNetwork
from nevus.training.settings import ModelSettings
from training_factory import BACKBONE


def network(metadata: int = 0, **options) -> LesionNetwork:
    torch.manual_seed(0)
    return LesionNetwork(ModelSettings(**{"backbone": BACKBONE, "weights": "none", **options}), 3, metadata)


def learn(net: LesionNetwork, steps: int = 3) -> None:
    """A few steps of a real optimiser on noise."""
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-2, weight_decay=0.1)
    generator = torch.Generator().manual_seed(1)
    net.train()
    for _ in range(steps):
        image = torch.rand(6, 3, 32, 48, generator=generator) * 255
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(image), torch.tensor([0, 1, 2, 0, 1, 2])).backward()
        optimiser.step()


def changed(net: LesionNetwork, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


def snapshot(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("backbone", [BACKBONE, "test_efficientnet", "test_convnext"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_frozen_stages_keep_weights_and_batch_statistics_bit_for_bit(backbone, share):
    net = network(backbone=backbone, frozen=share)
    before = snapshot(net)
    learn(net)
    moved = changed(net, before)
    frozen = {id(t) for part in frozen_stages(net.backbone, share) for t in part.state_dict(keep_vars=True).values()}
    kept = {name for name, t in net.state_dict(keep_vars=True).items() if id(t) in frozen}
    assert kept
    assert not moved & kept
    # everything else learns: weights, and the statistics of the batches
    assert {n for n in before if n not in kept and "num_batches" not in n} <= moved


def test_nothing_frozen_means_that_everything_learns():
    net = network()
    before = snapshot(net)
    learn(net)
    assert changed(net, before) == set(before)


def test_while_head_only_the_backbone_stays_bit_for_bit():
    net = network(metadata=0)
    net.head_only = True
    before = snapshot(net)
    learn(net)
    assert changed(net, before) == {"image_fc.weight", "image_fc.bias"}
    net.head_only = False
    learn(net, 1)
    assert any(name.startswith("backbone.") for name in changed(net, before))


def test_all_of_the_depth_can_be_frozen_and_the_head_still_learns():
    net = network(frozen=1.0)
    before = snapshot(net)
    learn(net)
    assert changed(net, before) == {"image_fc.weight", "image_fc.bias"}


@pytest.mark.parametrize("backbone", [BACKBONE, "test_efficientnet", "test_convnext", "mobilenetv2_035"])
def test_stages_cover_the_backbone_in_order_of_depth(backbone):
    trunk = network(backbone=backbone).backbone
    parts = stages(trunk)
    listed = [id(p) for part in parts for p in part.parameters()]
    assert listed == [id(p) for p in trunk.parameters()]
    assert len(parts) >= 5
    assert frozen_stages(trunk, 0.0) == []
    assert frozen_stages(trunk, 1.0) == parts


def test_metadata_adds_to_the_logits_and_unknown_adds_nothing():
    net = network(metadata=4).eval()
    image = torch.rand(2, 3, 32, 48) * 255
    metadata = torch.tensor([[1.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    with torch.no_grad():
        difference = net(image, metadata) - net(image, None)
        expected = metadata @ net.metadata_fc.weight.T
    assert torch.allclose(difference, expected, atol=1e-5)
    assert difference[1].abs().max() < 1e-6
    assert expected[0].abs().max() > 0.01


def test_normalisation_is_timms_own_unless_settings_say_otherwise():
    recorded = network()
    assert recorded.get_buffer("mean").flatten().tolist() == pytest.approx(
        [255 * m for m in recorded.backbone.pretrained_cfg["mean"]]
    )
    given = network(mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    assert given.normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)).flatten().tolist() == pytest.approx(
        [2.0] * 12
    )


def test_dropout_acts_in_training_only():
    net = network(dropout=0.5)
    net.head_only = True
    image = torch.rand(2, 3, 32, 48) * 255
    net.train()
    assert not torch.equal(net(image), net(image))
    net.eval()
    assert torch.equal(net(image), net(image))


def test_each_view_undoes_itself():
    image = torch.rand(2, 3, 5, 7)
    for view in VIEWS.values():
        assert torch.equal(view(view(image)), image)
    turned = {name: tuple(view(image)[0, 0].flatten().tolist()) for name, view in VIEWS.items()}
    assert len(set(turned.values())) == 4
    assert torch.equal(VIEWS["rotate_180"](image), torch.rot90(image, 2, (2, 3)))


def test_an_unknown_backbone_is_refused_with_the_nearest_names():
    with pytest.raises(BackboneError, match=r"no model 'resnet_50'.*did you mean .*resnet50"):
        network(backbone="resnet_50")


def test_weights_of_another_backbone_are_refused(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in network(backbone="test_convnext").backbone.state_dict().items()}, path)
    with pytest.raises(BackboneError, match=r"doesn't fit the backbone: \d+ of \d+ tensors"):
        network(weights=path)
    path.write_bytes(b"not safetensors at all")
    with pytest.raises(BackboneError, match="not a safetensors file"):
        network(weights=path)
    with pytest.raises(BackboneError, match="there is no weights file"):
        network(weights=tmp_path / "absent.safetensors")


def test_local_weights_are_taken_as_they_are(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(9)
    donor = LesionNetwork(ModelSettings(backbone=BACKBONE, weights="none"), 3).backbone.state_dict()
    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in donor.items()}, path)
    taken = network(weights=path).backbone.state_dict()
    assert all(torch.equal(taken[name], donor[name]) for name in donor)

"""The image encoder on a tiny backbone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from art2mus_core.character import CHARACTERS, TONICS, Character, character
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.encoders.efficientnet import EXTREME, TRAITS, EfficientNetEncoder, affect_inputs, traits
from art2mus_core.encoders.efficientnet_files import new_encoder
from art2mus_core.errors import CheckpointError
from art2mus_core.interfaces import ImageEncoder
from art2mus_core.measure.pictures import measure
from art2mus_core.types import Artwork

SIZES = {"width": 0.25, "depth": 0.4, "channels": 24, "size": 70, "hidden": 13, "dim": 7, "space": "tiny"}
PATCHES = 3 * 3


@pytest.fixture(scope="module")
def fresh() -> EfficientNetEncoder:
    """As converted. Not to be changed."""
    return new_encoder(SIZES).eval()


@pytest.fixture(scope="module")
def fitted() -> EfficientNetEncoder:
    """One whose character depends on what the backbone sees. Not to be changed."""
    encoder = new_encoder(SIZES).eval()
    generator = torch.Generator().manual_seed(5)
    for name, weight in encoder.backbone.named_parameters():
        weight.copy_(
            torch.randn(weight.shape, generator=generator)
            * (0.4 if name.endswith("bias") else 2 / weight[0].numel() ** 0.5)
        )
    encoder.affect.weight.copy_(torch.randn(encoder.affect.weight.shape, generator=generator) * 0.1)
    return encoder


def artwork(height: int, width: int, seed: int = 0) -> Artwork:
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, height, width), dtype=torch.uint8, generator=generator))


SHAPES = [(31, 17), (5, 64), (1, 1), (8, 3000), (3000, 8), (70, 70)]


@torch.no_grad()
def test_pictures_of_any_proportion_have_one_embedding_and_patches_each(fitted: EfficientNetEncoder):
    pictures = [artwork(*shape, seed=seed) for seed, shape in enumerate(SHAPES)]
    embedding = fitted.encode(pictures)
    assert embedding.values.shape == (len(SHAPES), 7)
    assert embedding.patches is not None
    assert embedding.patches.shape == (len(SHAPES), PATCHES, 24)
    assert embedding.space == "tiny"
    assert embedding.values.isfinite().all()
    assert embedding.patches.isfinite().all()
    torch.testing.assert_close(embedding.values.norm(dim=-1), torch.ones(len(SHAPES)))
    assert isinstance(fitted, ImageEncoder)
    for row, picture in enumerate(pictures):
        alone = fitted.encode([picture])
        torch.testing.assert_close(alone.values[0], embedding.values[row], rtol=0, atol=1e-5)
        torch.testing.assert_close(alone.patches[0], embedding.patches[row], rtol=0, atol=2e-3)  # of 0..6
    gaps = torch.cdist(embedding.values, embedding.values) + torch.eye(len(SHAPES))
    assert gaps.min() > 1e-3


@torch.no_grad()
def test_a_new_encoder_sees_the_prior(fresh: EfficientNetEncoder):
    pictures = [*(paint(seed) for seed in range(4)), *(artwork(*shape) for shape in SHAPES)]
    for found, picture in zip(fresh.characters(pictures), pictures, strict=True):
        prior = character(measure(picture))
        assert found.tonic == prior.tonic
        assert found.values() == pytest.approx(prior.values(), abs=1.1 * EXTREME)
        inside = all(EXTREME < level < 1 - EXTREME for level in (prior.arousal, prior.valence))
        assert not inside or found.values() == pytest.approx(prior.values(), abs=1e-6)


@torch.no_grad()
def test_a_fitted_encoder_corrects_arousal_and_valence_alone(fitted: EfficientNetEncoder):
    pictures = [paint(seed) for seed in range(5)]
    found = fitted.characters(pictures)
    for one, picture in zip(found, pictures, strict=True):
        prior = character(measure(picture))
        assert replace(one, arousal=prior.arousal, valence=prior.valence) == prior
        assert 0 <= min(one.arousal, one.valence) <= max(one.arousal, one.valence) <= 1
    gaps = [
        abs(one.arousal - character(measure(picture)).arousal) for one, picture in zip(found, pictures, strict=True)
    ]
    assert max(gaps) > 0.01


@torch.no_grad()
def test_colours_and_places_are_not_interchangeable(fitted: EfficientNetEncoder):
    picture = paint(3)
    maps = fitted.look([picture])[-1]
    swapped = fitted.look([Artwork(picture.pixels.flip(0))])[-1]
    assert (maps - swapped).abs().max() > 0.01
    height, width = picture.pixels.shape[1:]
    marked = picture.pixels.clone()
    marked[:, : height // 20, : width // 20] = 255 - marked[:, : height // 20, : width // 20]
    gap = (fitted.look([Artwork(marked)])[-1] - maps).abs().amax(1)[0]
    assert gap[0, 0] > 0.01
    patches = fitted.encode([picture]).patches
    assert patches is not None
    assert torch.equal(patches[0], maps[0].flatten(1).T)
    assert torch.equal(patches[0, 1], maps[0, :, 0, 1])


def test_pictures_are_shown_as_the_weights_were_trained(fresh: EfficientNetEncoder, monkeypatch: pytest.MonkeyPatch):
    """(0..255 - 127) / 128, red first."""
    shown = []
    monkeypatch.setattr(fresh.backbone, "forward", lambda pictures: shown.append(pictures) or [pictures])
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8)[:, None, None].expand(3, 4, 9)
    fresh.look([Artwork(pixels)])
    torch.testing.assert_close(shown[0].amax((2, 3)), torch.tensor([[-127 / 128, 0, 1]]))
    torch.testing.assert_close(shown[0].amin((2, 3)), torch.tensor([[-127 / 128, 0, 1]]))
    assert shown[0].shape == (1, 3, 70, 70)


def test_it_comes_back_from_its_configuration(fresh: EfficientNetEncoder):
    again = EfficientNetEncoder.from_config(fresh.config)
    again.load_state_dict(fresh.state_dict())
    assert again.config == fresh.config == {"model_type": "efficientnet-lite", **SIZES}


def test_gradients_reach_the_head_alone(fresh: EfficientNetEncoder):
    fresh(torch.rand(3, TRAITS)).sum().backward()
    for name, weight in fresh.named_parameters():
        assert bool(weight.grad is not None and weight.grad.abs().sum() > 0) is name.startswith("head."), name
    fresh.zero_grad()


@pytest.mark.parametrize("size", ["x", 0, -64, 32, 64.5, None, True, 1025, 10**18])
def test_a_size_at_which_there_is_nothing_to_look_at_is_refused(fresh: EfficientNetEncoder, size: object):
    with pytest.raises(CheckpointError, match=f"size {size!r}; expected a whole number above 32"):
        EfficientNetEncoder.from_config({**fresh.config, "size": size})


@torch.no_grad()
def test_the_smallest_size_has_four_places():
    smallest = EfficientNetEncoder.from_config({**SIZES, "size": 33})
    patches = smallest.encode([artwork(5, 7)]).patches
    assert patches is not None
    assert patches.shape == (1, 4, 24)


def test_a_character_is_given_to_the_head_by_name():
    seen = Character(0.0, 1.0, 0.5, 0.25, 0.75, 0.1, tonic=TONICS[2])
    (row,) = traits([seen]).tolist()
    assert row == pytest.approx([-1, 1, 0, -0.5, 0.5, -0.8, 0, 0, 1, 0, 0, 0, 0])
    assert len(row) == TRAITS == len(CHARACTERS) + 7


def test_levels_become_normal_scores():
    seen = [Character(arousal, valence, 0.5, 0.5, 0.5, 0.5, 0) for arousal, valence in ((0.0, 0.5), (0.841345, 1.0))]
    scores = affect_inputs(seen)
    torch.testing.assert_close(scores, torch.tensor([[-3.0902, 0.0], [1.0, 3.0902]]), rtol=0, atol=1e-3)


def test_a_new_encoder_is_the_same_every_time_and_draws_nothing():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second = new_encoder(SIZES), new_encoder(SIZES)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items())
    assert first.affect.weight[:, -2:].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("part", ["affect", "head.0"])
@torch.no_grad()
def test_weights_too_large_to_compute_with_are_refused(part: str):
    """Finite weights may have products that are not."""
    encoder = new_encoder(SIZES)
    encoder.get_submodule(part).weight.fill_(3e38)[:, ::2].neg_()
    with pytest.raises(CheckpointError, match="NaN or infinite values for an artwork; expected weights of moderate"):
        encoder.encode([artwork(40, 50)])

from __future__ import annotations

import pytest
import torch

from art2mus_core.encoders.pocket import PocketAudioEncoder, PocketImageEncoder
from art2mus_core.errors import CheckpointError
from art2mus_core.interfaces import ImageEncoder
from art2mus_core.types import Artwork, Mel

DIM, BINS, FLOOR = 7, 12, -8.0


@pytest.fixture(scope="module")
def image_encoder() -> PocketImageEncoder:
    torch.manual_seed(0)
    return PocketImageEncoder(20, [8, 16, 24], DIM, "tiny").eval()


@pytest.fixture(scope="module")
def audio_encoder() -> PocketAudioEncoder:
    torch.manual_seed(1)
    return PocketAudioEncoder(BINS, [8, 16, 24], FLOOR, DIM, "tiny").eval()


def artwork(height: int, width: int, seed: int = 0) -> Artwork:
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, height, width), dtype=torch.uint8, generator=generator))


def mel(frames: int, seed: int = 0) -> Mel:
    generator = torch.Generator().manual_seed(seed)
    return Mel(FLOOR * torch.rand(2, frames, BINS, generator=generator))


def test_pictures_of_any_proportion_have_one_embedding_each(image_encoder: PocketImageEncoder):
    embedding = image_encoder.encode([artwork(31, 17), artwork(5, 64, seed=1), artwork(1, 1, seed=2)])
    assert embedding.values.shape == (3, DIM)
    assert embedding.space == "tiny"
    torch.testing.assert_close(embedding.values.norm(dim=-1), torch.ones(3))
    assert isinstance(image_encoder, ImageEncoder)


def test_a_picture_is_embedded_alone_as_in_a_batch(image_encoder: PocketImageEncoder):
    pictures = [artwork(31, 17), artwork(20, 20, seed=1)]
    together = image_encoder.encode(pictures).values
    alone = torch.cat([image_encoder.encode([picture]).values for picture in pictures])
    torch.testing.assert_close(together, alone)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_the_colours_are_not_interchangeable(image_encoder: PocketImageEncoder):
    picture = artwork(20, 20)
    swapped = Artwork(picture.pixels.flip(0))
    gap = image_encoder.encode([picture]).values - image_encoder.encode([swapped]).values
    assert gap.abs().max() > 1e-4


@pytest.mark.parametrize("frames", [128, 129, 331])
def test_sounds_of_any_length_have_one_embedding_each(audio_encoder: PocketAudioEncoder, frames: int):
    embedding = audio_encoder.encode(mel(frames))
    assert embedding.values.shape == (2, DIM)
    torch.testing.assert_close(embedding.values.norm(dim=-1), torch.ones(2))


def test_sounds_keep_pitch_and_let_go_of_time(audio_encoder: PocketAudioEncoder):
    """A note moved by whole periods of the strides in time is the same; moved in pitch it is not."""
    note, later, higher = (torch.full((1, 512, BINS), FLOOR) for _ in range(3))
    note[:, 192:224, 2], later[:, 256:288, 2], higher[:, 192:224, 9] = -1.0, -1.0, -1.0
    here, there, above = (audio_encoder.encode(Mel(values)).values for values in (note, later, higher))
    torch.testing.assert_close(here, there, atol=1e-4, rtol=0)
    assert (here - above).abs().max() > 20 * (here - there).abs().max()


def test_both_towers_come_back_from_their_configuration(
    image_encoder: PocketImageEncoder, audio_encoder: PocketAudioEncoder
):
    for tower in (image_encoder, audio_encoder):
        again = type(tower).from_config(tower.config)
        again.load_state_dict(tower.state_dict())
        assert again.config == tower.config
    assert image_encoder.head[2].weight.shape[0] == audio_encoder.head[2].weight.shape[0] == DIM


def test_gradients_reach_every_weight(image_encoder: PocketImageEncoder, audio_encoder: PocketAudioEncoder):
    pictures = torch.rand(2, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    (image_encoder(pictures) * audio_encoder(mel(150).values)).sum().backward()
    for tower in (image_encoder, audio_encoder):
        assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in tower.parameters())
        tower.zero_grad()


@pytest.mark.parametrize("size", ["x", 0, -16, 16, 20.5, None, 1025, 10**18])
def test_a_size_at_which_there_is_nothing_to_look_at_is_refused(image_encoder: PocketImageEncoder, size: object):
    """Three stages take sixteen pixels together; of a single place there is no spread."""
    with pytest.raises(CheckpointError, match=f"size {size!r}; expected a whole number above 16"):
        PocketImageEncoder.from_config({**image_encoder.config, "size": size})
    smallest = PocketImageEncoder.from_config({**image_encoder.config, "size": 17})
    assert smallest.encode([artwork(5, 7)]).values.isfinite().all()

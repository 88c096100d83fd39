from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.encoders.efficientnet_files import new_encoder
from art2mus_core.errors import SettingError
from art2mus_core.measure.sound.music import measure
from art2mus_core.pipelines import load
from art2mus_core.pipelines.agreement import agreement
from art2mus_core.pipelines.candidates import compose_candidates
from art2mus_core.types import Artwork

from ..conftest import DIM


def artwork(seed):
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, 21, 34), dtype=torch.uint8, generator=generator))


@pytest.fixture(scope="module")
def pipeline(pocket_like):
    return load(str(pocket_like))


def test_candidates_are_ranked_by_what_is_heard_in_them(pipeline):
    ranked = compose_candidates(pipeline, artwork(3), 10, seed=4, seconds=1.0, steps=1)
    assert sorted(each.seed for each in ranked) == list(range(4, 14))
    scores = [each.score for each in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 1
    seen = pipeline.embed([artwork(3)]).values
    for each in (ranked[0], ranked[-1]):
        (again,) = pipeline.compose([artwork(3)], seeds=[each.seed], seconds=1.0, steps=1)
        assert torch.allclose(again.samples, each.piece.samples, atol=1e-3)
        heard = pipeline.parts.audio_encoder.encode(each.piece).values
        assert each.score == pytest.approx((heard @ seen.T).item(), abs=1e-5)


def test_a_picture_is_encoded_once_for_all_candidates_of_a_batch(pipeline, monkeypatch):
    taken, one, other = [], artwork(0), artwork(1)
    encode = type(pipeline.parts.encoder).encode
    counted = lambda self, artworks: taken.append(len(artworks)) or encode(self, artworks)  # noqa: E731
    monkeypatch.setattr(type(pipeline.parts.encoder), "encode", counted)
    found = pipeline.embed([one, other, one]).values
    assert taken == [2]
    torch.testing.assert_close(found[[0, 1]], pipeline.embed([one, other]).values)
    assert torch.equal(found[0], found[2])


def test_candidates_that_nobody_can_hear_stay_in_the_order_of_their_seeds(own_checkpoint):
    for path in (own_checkpoint / "audio_encoder").iterdir():
        path.unlink()
    found = compose_candidates(load(str(own_checkpoint)), artwork(0), 3, seed=5, seconds=1.0, steps=1)
    assert [(each.seed, each.score) for each in found] == [(5, None), (6, None), (7, None)]


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1, 1, 1]), (2, [2, 1]), (8, [3])])
def test_candidates_are_composed_in_batches(pipeline, monkeypatch, batch, sizes):
    taken = []
    perform = type(pipeline).perform

    def counted(self, told, settings, seeds, **more):
        taken.append(len(seeds))
        return perform(self, told, settings, seeds, **more)

    monkeypatch.setattr(type(pipeline), "perform", counted)
    compose_candidates(pipeline, artwork(0), 3, seconds=1.0, steps=1, batch=batch)
    assert taken == sizes


def test_a_candidate_is_the_piece_of_its_seed_bit_for_bit(pipeline):
    for each in compose_candidates(pipeline, artwork(0), 3, seed=4, seconds=1.0, steps=1):
        (alone,) = pipeline.compose([artwork(0)], seeds=[each.seed], seconds=1.0, steps=1)
        assert torch.equal(each.piece.samples, alone.samples)


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (65, 0), (2, 2**63 - 1), (2, -1)])
def test_as_many_candidates_as_there_are_seeds(pipeline, count, seed):
    with pytest.raises(SettingError) as refused:
        compose_candidates(pipeline, artwork(0), count, seed=seed)
    assert str(seed) in str(refused.value) or str(count) in str(refused.value)


def test_candidates_are_ranked_by_their_measured_sound_too(own_checkpoint):
    encoder = new_encoder(
        {"width": 0.25, "depth": 0.4, "channels": 24, "size": 35, "hidden": 13, "dim": DIM, "space": "tiny"}
    )
    save_component(own_checkpoint, "image_encoder", encoder, encoder.config, half=True)
    pipeline = load(str(own_checkpoint))
    ranked = compose_candidates(pipeline, artwork(3), 5, seed=4, seconds=1.0, steps=1)
    intended = pipeline.parts.encoder.characters([artwork(3)])[0]
    for each in ranked:
        assert each.agreement == pytest.approx(agreement(intended, measure(each.piece)))
        assert each.rank == pytest.approx((each.score + each.agreement) / 2)
    assert [each.rank for each in ranked] == sorted((each.rank for each in ranked), reverse=True)
    assert len({each.agreement for each in ranked}) > 1

from __future__ import annotations

import json
import shutil

import pytest
import torch

from art2mus_core.checkpoints.names import quoted
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.encoders.files import (
    check_image_encoder,
    has_audio_encoder,
    image_bytes,
    image_sizes,
    image_space,
    load_audio_encoder,
    load_image_encoder,
)
from art2mus_core.encoders.imagebind import ImageBindTower
from art2mus_core.encoders.pocket import PocketImageEncoder
from art2mus_core.errors import CheckpointError
from art2mus_core.types import Artwork, Waveform


@pytest.fixture
def imagebind_like(tmp_path, write_imagebind):
    write_imagebind(tmp_path, dim=7)
    return tmp_path


def test_the_configuration_decides_which_encoder_is_opened(pocket_like, imagebind_like):
    assert isinstance(load_image_encoder(pocket_like, dtype=torch.float32), PocketImageEncoder)
    assert isinstance(load_image_encoder(imagebind_like, dtype=torch.float32), ImageBindTower)


def test_a_space_is_known_before_its_encoder_is_opened(pocket_like, imagebind_like):
    for folder in (pocket_like, imagebind_like):
        assert image_space(folder) == load_image_encoder(folder, dtype=torch.float32).space
    (imagebind_like / "image_encoder" / "model.safetensors").unlink()
    assert image_space(imagebind_like) == "imagebind"


def test_published_encoders_take_the_chosen_precision_and_the_bundled_one_keeps_its_own(pocket_like, imagebind_like):
    low = load_image_encoder(imagebind_like, dtype=torch.bfloat16)
    assert low.encode([plain()]).values.dtype == torch.bfloat16
    small = load_image_encoder(pocket_like, dtype=torch.bfloat16)
    assert {weight.dtype for weight in small.parameters()} == {torch.float32}


def plain():
    return Artwork(torch.randint(256, (3, 21, 34), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_blocks_of_imagebind_stay_as_they_are_stored_and_compute_the_same(dtype, imagebind_like):
    kept, whole = (load_image_encoder(imagebind_like, dtype=dtype) for _ in range(2))
    whole.to(dtype)
    blocks = {weight.dtype for weight in kept.blocks.parameters()}
    assert blocks == {torch.bfloat16 if dtype == torch.bfloat16 else torch.float16}
    assert {weight.dtype for name, weight in kept.named_parameters() if not name.startswith("blocks.")} == {dtype}
    with torch.inference_mode():
        assert torch.equal(kept.encode([plain()]).values, whole.encode([plain()]).values)
    assert {weight.dtype for weight in kept.blocks.parameters()} == blocks


def test_the_bytes_of_an_encoder_are_those_of_its_weights(imagebind_like, pocket_like):
    for folder in (imagebind_like, pocket_like):
        network = load_image_encoder(folder, dtype=torch.bfloat16)
        assert image_bytes(folder, dtype=torch.bfloat16) == sum(w.nbytes for w in network.parameters())


def test_picture_and_sound_are_embedded_in_one_space(pocket_like):
    artwork = plain()
    sound = Waveform(torch.randn(2, 2, 11025, generator=torch.Generator().manual_seed(0)) / 9, 11025)
    seen = load_image_encoder(pocket_like, dtype=torch.float32).encode([artwork])
    heard = load_audio_encoder(pocket_like, dtype=torch.float32).encode(sound)
    assert seen.space == heard.space == "tiny"
    assert seen.values.shape == (1, 7)
    assert heard.values.shape == (2, 7)
    assert torch.allclose(heard.values.norm(dim=-1), torch.ones(2), atol=1e-5)


def test_a_listener_mixes_channels_and_hears_any_rate(pocket_like):
    listener = load_audio_encoder(pocket_like, dtype=torch.float32)
    mono = torch.sin(torch.arange(16000) * 0.19)[None, None]
    stereo = torch.cat([2 * mono, 0 * mono], 1)
    same = [listener.encode(Waveform(samples, 8000)).values for samples in (mono, stereo)]
    assert torch.allclose(*same, atol=1e-6)
    faster = listener.encode(Waveform(mono, 16000)).values
    assert not torch.allclose(same[0], faster, atol=1e-4)


def test_a_folder_without_an_image_encoder_names_those_that_have_one(tmp_path):
    with pytest.raises(CheckpointError, match=r"no image encoder .* imagebind"):
        load_image_encoder(tmp_path, dtype=torch.float32)


@pytest.mark.parametrize("home", ["my models", "elsewhere"])
def test_an_encoder_that_waits_for_its_conversion_says_so(tmp_path, monkeypatch, home):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / home))
    folder = tmp_path / "my models" / "imagebind"
    folder.mkdir(parents=True)
    (folder / "imagebind_huge.pth").touch()
    with pytest.raises(CheckpointError) as caught:
        image_space(folder)
    where = f" --out {quoted(folder)}" if home == "elsewhere" else ""
    assert caught.value.remedy == f"Convert it first: art2mus convert {quoted(folder / 'imagebind_huge.pth')}{where}"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("imagebind", "art2mus fetch imagebind"), ("audioldm2", "as the model"), ("art2mus-2024", "as the aligner")],
)
def test_a_checkpoint_that_is_no_encoder_says_what_it_is_for(tmp_path, name, remedy):
    with pytest.raises(CheckpointError, match=remedy):
        image_space(tmp_path / name)


def test_an_unknown_encoder_is_named(imagebind_like):
    config = imagebind_like / "image_encoder" / "config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "model_type": "dino"}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="'dino'"):
        image_space(imagebind_like)


def test_an_encoder_without_ears_is_refused(imagebind_like, pocket_like, tmp_path):
    assert has_audio_encoder(pocket_like)
    assert not has_audio_encoder(imagebind_like)
    with pytest.raises(CheckpointError, match="no audio encoder"):
        load_audio_encoder(imagebind_like, dtype=torch.float32)


@pytest.mark.parametrize(
    ("space", "told"),
    [(None, "has no field space"), (5, "has the space 5; expected .* a text"), ("", "has the space ''")],
)
def test_an_encoder_that_names_no_space_is_refused_when_it_is_read(pocket_like, tmp_path, space, told):
    folder = shutil.copytree(pocket_like, tmp_path / "copy")
    config = folder / "image_encoder" / "config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "space": space}), encoding="utf-8")
    for read in (image_space, check_image_encoder, lambda place: load_image_encoder(place, dtype=torch.float32)):
        with pytest.raises(CheckpointError, match=told):
            read(folder)


def test_an_encoder_without_its_configuration_is_told(pocket_like, tmp_path):
    folder = shutil.copytree(pocket_like, tmp_path / "copy")
    (folder / "image_encoder" / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        image_space(folder)
    (folder / "imagebind_huge.pth").touch()
    with pytest.raises(CheckpointError, match="Convert it first"):
        image_space(folder)


def test_the_sizes_of_embeddings_are_known_before_an_encoder_is_opened(
    pocket_like, imagebind_like, write_eye, tmp_path
):
    write_eye(tmp_path / "eye")
    for folder in (pocket_like, imagebind_like, tmp_path / "eye"):
        seen = load_image_encoder(folder, dtype=torch.float32).encode([paint(3)])
        patches = {} if seen.patches is None else {"patch_dim": seen.patches.shape[-1]}
        assert image_sizes(folder) == {"dim": seen.values.shape[-1], **patches}

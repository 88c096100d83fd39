"""Art2Music's files, as they are published, at a tiny size."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints.folder import load_component, read_config, read_index
from art2mus_core.checkpoints.grid import mel_fields
from art2mus_core.decoders.vocoders import load_vocoder
from art2mus_core.errors import CheckpointError
from art2mus_core.networks.fusion import GatedFusion
from art2mus_core.pipelines.art2music_files import Published, convert, is_decoder
from art2mus_core.pipelines.mel_decoders import load_mel_decoder, mel_grid
from art2mus_core.pipelines.settings import Settings
from art2mus_core.types import Fused

from ..art2music_files import V1, generator, write_published


@pytest.fixture
def published(tmp_path):
    files = write_published(tmp_path)
    return Published(*files, {"name": "range", "low": -11.5, "high": 2.0}, "clip-vit-h-14", "clip-11-0", 11)


def test_the_files_become_a_checkpoint_that_opens(published, tmp_path):
    out = tmp_path / "out"
    assert is_decoder(published.decoder)
    assert not is_decoder(published.fusion)
    assert [path.name for path in convert(published, out)] == ["fusion", "mel_decoder", "vocoder"]
    assert read_index(out)["_class_name"] == "Art2MusicPipeline"
    told = read_config(out, "fusion")
    assert (told["text_space"], told["encoder"], told["normalised"]) == ("clip-11-0", "clip-vit-h-14", False)
    decoder, vocoder = load_mel_decoder(out), load_vocoder(out, mel_grid(out))
    fused = load_component(out, "fusion", GatedFusion)(torch.randn(2, 11), torch.randn(2, 11))
    sound = vocoder.vocode(decoder.decode(Fused(fused), 13, [0, 0], Settings()))
    assert (sound.samples.shape, sound.sample_rate) == ((2, 1, 13 * 256), 22050)
    assert mel_fields(out, "vocoder")["mel_bins"] == 9


def test_weight_norm_is_folded(published, tmp_path):
    convert(published, tmp_path / "out")
    network = load_vocoder(tmp_path / "out", mel_grid(tmp_path / "out")).network
    with pytest.warns(FutureWarning, match="weight_norm"):
        theirs = generator()
    theirs.load_state_dict(torch.load(published.vocoder, weights_only=True)["generator"])
    for ours, layer in (
        (network.upsampler[1], theirs.ups[1]),
        (network.resblocks[2].convs2[1], theirs.resblocks[2].convs2[1]),
    ):
        length, direction = layer.weight_g, layer.weight_v
        expected = length * direction / direction.flatten(1).norm(dim=1)[:, None, None]
        torch.testing.assert_close(ours.weight, expected.detach(), rtol=1e-5, atol=1e-6)
    assert network(torch.randn(1, 5, 9)).shape == (1, 5 * 256)


def without(path, *keys, **more):
    table = torch.load(path, weights_only=True)
    torch.save({key: value for key, value in {**table, **more}.items() if key not in keys}, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda files: without(files.decoder, "pos_emb"), r"decoder\.pth lacks pos_emb"),
        (lambda files: without(files.decoder, extra=torch.zeros(1)), "has unexpected extra"),
        (lambda files: without(files.fusion, "gate.0.bias"), r"fusion\.pth lacks gate\.0\.bias"),
        (lambda files: without(files.vocoder, "generator", mpd={}), "has no generator"),
        (lambda files: torch.save(nn.Linear(1, 1), files.fusion), "more than weights"),
    ],
)
def test_other_weights_are_refused_by_name_and_nothing_is_written(published, tmp_path, change, words):
    change(published)
    with pytest.raises(CheckpointError, match=words):
        convert(published, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"resblock": "2"}, "V3 has other blocks"),
        ({"hop_size": 300}, "hop_size 300"),
        ({"win_size": 800}, "win_size 800"),
        (
            {"sampling_rate": 24000},
            "a vocoder with sample_rate 24000; expected the mel of its decoder: sample_rate 22050",
        ),
        ({"fmax": None}, "highest None"),
        ({"num_mels": 10}, "conv_pre"),
        ({"upsample_rates": None}, "lacks an option"),
    ],
)
def test_a_vocoder_that_does_not_fit_is_refused(published, tmp_path, wrong, words):
    (tmp_path / "config.json").write_text(json.dumps({**V1, **wrong}))
    with pytest.raises(CheckpointError, match=words):
        convert(published, tmp_path / "out")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"dim": 12}, r"linear\.0\.weight"), ({"normalisation": {"name": "min-max"}}, "the mel normalisation")],
)
def test_what_the_files_do_not_tell_is_checked(published, tmp_path, wrong, words):
    with pytest.raises(CheckpointError, match=words):
        convert(replace(published, **wrong), tmp_path / "out")

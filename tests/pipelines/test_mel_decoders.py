from __future__ import annotations

import json

import pytest
import torch

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.conditioning.plan import PlanModel
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.networks.bilstm import BiLstmDecoder
from art2mus_core.networks.mel_codec import CodecDecoder, CodecEncoder
from art2mus_core.networks.mel_transformer import MelTransformer
from art2mus_core.pipelines.mel_decoders import MelDecoder, check_mel_decoder, load_mel_decoder
from art2mus_core.pipelines.settings import Settings
from art2mus_core.types import Fused

MEL = {
    "sample_rate": 700,
    "hop": 20,
    "mel_bins": 9,
    "scale": "slaney",
    "lowest": 0.0,
    "highest": 300.0,
    "windows": [64],
    "floor": 1e-5,
}
SIZES = {"fused_dim": 5, "dim": 7, "hidden_dim": 3, "layers": 1, "max_frames": 13}
CONFIG = {"model_type": "bilstm", **SIZES, "mel": MEL, "normalisation": {"name": "range", "low": -11, "high": 3}}


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_component(tmp_path, "mel_decoder", BiLstmDecoder(CONFIG), CONFIG, half=False)
    (tmp_path / "vocoder").mkdir()
    (tmp_path / "vocoder" / "config.json").write_text(json.dumps({"mel": MEL}))
    return tmp_path


def change(folder, part, **values):
    path = folder / part / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@torch.no_grad()
def test_it_makes_log_mels_and_has_one_answer_for_all_seeds(folder):
    check_mel_decoder(folder)
    decoder, fused, settings = load_mel_decoder(folder), torch.randn(2, 5), Settings()
    assert isinstance(decoder, MelDecoder)
    assert (decoder.grid.mel_bins, decoder.grid.hop, decoder.max_frames) == (9, 20, 13)
    mel = decoder.decode(Fused(fused), 11, [1, 2], settings).values
    assert torch.equal(mel, decoder.decode(Fused(fused), 11, [3, 4], settings).values)
    torch.testing.assert_close(mel, 7 * decoder.network(fused, 11) - 4)
    with pytest.raises(SettingError, match="at most 13"):
        decoder.decode(Fused(fused), 14, [1, 2], settings)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"mel_bins": 10}, "a vocoder with mel_bins 10; expected the mel of its decoder: mel_bins 9"),
        ({"sample_rate": 800, "hop": 25}, "sample_rate 800, hop 25"),
        ({"floor": 1e-4}, "floor"),
    ],
)
def test_a_vocoder_of_another_mel_is_refused(folder, wrong, words):
    change(folder, "vocoder", mel={**MEL, **wrong})
    for function in (check_mel_decoder, load_mel_decoder):
        with pytest.raises(CheckpointError, match=words):
            function(folder)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"model_type": "mamba"}, "a mel decoder 'mamba'"),
        ({"normalisation": None}, r"mel_decoder.config\.json describes the mel normalisation None"),
        ({"mel": {**MEL, "hop": 0}}, "mel.hop 0"),
        ({"layers": 2}, "lacks lstm.*_l1"),
        ({"max_frames": 12}, "pos_emb of"),
    ],
)
def test_a_wrong_configuration_is_refused_by_what_is_wrong(folder, wrong, words):
    change(folder, "mel_decoder", **wrong)
    for function in (check_mel_decoder, load_mel_decoder):
        with pytest.raises(CheckpointError, match=words):
            function(folder)


def test_a_decoder_that_does_not_say_its_mel_is_refused(folder):
    path = folder / "mel_decoder" / "config.json"
    path.write_text(json.dumps({key: value for key, value in CONFIG.items() if key != "mel"}))
    with pytest.raises(CheckpointError, match="has no mel;"):
        check_mel_decoder(folder)


SCHEDULER = {"num_train_timesteps": 1000, "beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear"}
CODEC = {"model_type": "mel_codec", "latent_dim": 13, "dim": 6, "blocks": 1, "patch": 1, "halvings": 1, "mel": MEL}
DRAWN = {
    "model_type": "diffusion",
    "latent_dim": 13,
    "fused_dim": 5,
    "dim": 12,
    "layers": 1,
    "heads": 3,
    "bands": 2,
    "max_frames": 13,
    "scheduler": {**SCHEDULER, "prediction_type": "v_prediction"},
    "mel": MEL,
    "normalisation": {"name": "range", "low": -11, "high": 3},
}


@pytest.fixture
def drawing(folder):
    torch.manual_seed(0)
    network = MelTransformer(DRAWN)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    save_component(folder, "mel_decoder", network, DRAWN, half=False)
    save_component(folder, "codec_decoder", CodecDecoder(CODEC), CODEC, half=False)
    plan = PlanModel(1, 5, 0.2, ["folk", "jazz"])
    save_component(folder, "plan_model", plan, plan.config, half=False)
    return folder


@torch.no_grad()
def test_a_mel_is_drawn_by_its_own_seed_alone_and_guided_away_from_the_neutral(drawing):
    check_mel_decoder(drawing)
    decoder, settings = load_mel_decoder(drawing), Settings(steps=3, guidance=2.0)
    fused = Fused(torch.randn(2, 5), torch.randn(1, 5))
    both = decoder.decode(fused, 11, [1, 2], settings).values
    assert both.shape == (2, 11, 9)
    alone = decoder.decode(Fused(fused.values[1:], fused.neutral), 11, [2], settings).values
    torch.testing.assert_close(alone, both[1:], atol=1e-4, rtol=1e-4)
    other = decoder.decode(fused, 11, [1, 3], settings).values
    torch.testing.assert_close(other[0], both[0], atol=1e-4, rtol=1e-4)
    assert (other[1] - both[1]).abs().max() > 0.01
    unguided = decoder.decode(Fused(fused.values), 11, [1, 2], settings).values
    once = decoder.decode(fused, 11, [1, 2], Settings(steps=3, guidance=1.0)).values
    assert torch.equal(unguided, once)
    assert (unguided - both).abs().max() > 0.01


@torch.no_grad()
def test_the_codec_halves_what_it_doubles():
    encoder, decoder = CodecEncoder(CODEC), CodecDecoder(CODEC)
    mean, log_variance = encoder(torch.randn(2, 10, 9))
    assert mean.shape == log_variance.shape == (2, 5, 13)
    assert decoder(mean).shape == (2, 10, 9)


def test_a_plan_model_of_another_fusion_is_refused(drawing):
    plan = PlanModel(1, 4, 0.2, [])
    save_component(drawing, "plan_model", plan, plan.config, half=False)
    with pytest.raises(CheckpointError, match=r"\(1, 4\).*expected \(1, 5\)"):
        load_mel_decoder(drawing)

from __future__ import annotations

import json

import pytest
import torch

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.decoders.mels import check_mel_decoder, load_mel_decoder
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.interfaces import MelDecoder
from art2mus_core.networks.bilstm import BiLstmDecoder

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
    decoder, fused = load_mel_decoder(folder), torch.randn(2, 5)
    assert isinstance(decoder, MelDecoder)
    assert (decoder.grid.mel_bins, decoder.grid.hop, decoder.max_frames) == (9, 20, 13)
    mel = decoder.decode(fused, 11, [1, 2]).values
    assert torch.equal(mel, decoder.decode(fused, 11, [3, 4]).values)
    torch.testing.assert_close(mel, 7 * decoder.network(fused, 11) - 4)
    with pytest.raises(SettingError, match="at most 13"):
        decoder.decode(fused, 14, [1, 2])


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

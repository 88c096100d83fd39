from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from art2mus_core.checkpoints.folder import save_tensors
from art2mus_core.checkpoints.names import quoted
from art2mus_core.conditioning.constants import (
    Constants,
    blend,
    conditions,
    constants_file,
    load_constants,
    save_constants,
)
from art2mus_core.conditioning.language import fingerprint
from art2mus_core.errors import CheckpointError, OutputError, SettingError
from art2mus_core.types import LanguageOfAudio

TEXTS = {
    "text": torch.randn(1, 5, 7),
    "text_mask": torch.tensor([[True, True, False, True, True]]),
    "unconditional_text": torch.randn(1, 3, 7),
    "unconditional_text_mask": torch.tensor([[True, False, False]]),
}
NOTHING = torch.zeros(1, 8, 11)


def load(folder: Path, name: str = "model") -> Constants:
    return load_constants(folder, name, language=8, width=11)


@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["language", "language and text"])
def test_constants_come_back(tmp_path, texts):
    constants = Constants(torch.randn(1, 8, 11), **texts, support="A “quiet” wood", negative="")
    path = save_constants(tmp_path, constants, "wood_2")
    assert path == tmp_path / "constants" / "wood_2.safetensors"
    loaded = vars(load(tmp_path, "wood_2"))
    for name, value in vars(constants).items():
        same = torch.equal(loaded[name], value) if isinstance(value, torch.Tensor) else loaded[name] == value
        assert same, name


@pytest.mark.parametrize("name", ["", "../model", "a/b", "a\\b", "..", ".", "a.b", "C:x", "a\n", "/a"])
def test_a_name_is_no_path(tmp_path, name):
    for use in (load, lambda folder, name: save_constants(folder, Constants(NOTHING), name)):
        with pytest.raises(SettingError, match="letters, digits"):
            use(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_there_is_told_with_those_that_are(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    for name in ("period", "model"):
        save_constants(tmp_path / "mine", Constants(NOTHING), name)
    with pytest.raises(SettingError, match=r"one of model, period\..*has no text encoders") as caught:
        load(tmp_path / "mine", "emotion")
    assert "export-text" not in str(caught.value)
    (tmp_path / "mine" / "text_encoder").mkdir()
    with pytest.raises(SettingError, match=r"one of model, period\..*art2mus export-text mine --name emotion"):
        load(tmp_path / "mine", "emotion")


def test_a_fetched_checkpoint_says_how_its_constants_are_made(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    (tmp_path / "audioldm2" / "text_encoder").mkdir(parents=True)
    for name in ("model", "period"):
        with pytest.raises(CheckpointError, match="Run `art2mus export-text audioldm2`"):
            load(tmp_path / "audioldm2", name)


def test_a_checkpoint_given_by_its_path_is_told_by_its_path(tmp_path, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    folder = tmp_path / "my models" / "audioldm2"
    (folder / "text_encoder").mkdir(parents=True)
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert f"Run `art2mus export-text {quoted(folder)}`." in str(caught.value)


def test_constants_can_be_written_anew_while_they_are_held(tmp_path):
    path = save_constants(tmp_path, Constants(torch.ones(1, 8, 11), **TEXTS))
    held = load(tmp_path)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    assert torch.equal(held.unconditional_language, torch.ones(1, 8, 11))
    assert torch.equal(held.text, TEXTS["text"])
    assert torch.equal(held.text_mask, TEXTS["text_mask"])


def test_a_checkpoint_that_cannot_make_them_is_to_be_installed_again(tmp_path):
    with pytest.raises(CheckpointError, match=r"no text constants; .*Install"):
        load(tmp_path)


def test_constants_of_another_language_model_are_refused(pocket_like, talking_like, tmp_path):
    shutil.copytree(pocket_like / "language_model", tmp_path / "language_model")
    save_constants(tmp_path, Constants(NOTHING, language_model=fingerprint(tmp_path)))
    assert load(tmp_path).language_model == fingerprint(pocket_like)
    save_constants(tmp_path, Constants(NOTHING, language_model=fingerprint(talking_like)))
    with pytest.raises(CheckpointError, match=f"language model {fingerprint(talking_like)}.*art2mus export-text"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"unconditional_text": None}, "all together or not at all"),
        ({"unconditional_language": None}, "all together or not at all"),
        ({"more": torch.zeros(1)}, "all together or not at all"),
        ({"unconditional_language": torch.zeros(1, 8, 13)}, r"\[1, 8, 11\]"),
        ({"unconditional_language": torch.full((1, 8, 11), torch.inf)}, "not finite in unconditional_language"),
        ({"text": torch.full((1, 5, 7), torch.nan)}, "not finite in text"),
        ({"text": torch.zeros(1, 4, 7)}, r"text and text_mask.*\[1, length\]"),
        ({"text": torch.zeros(5, 7)}, r"\[1, length, width\]"),
        ({"unconditional_text_mask": torch.ones(1, 4).long()}, r"unconditional_text and unconditional_text_mask"),
        ({"unconditional_text_mask": torch.ones(1, 3)}, "unconditional_text_mask of float32; .*whole numbers"),
        ({"text": torch.zeros(1, 5, 7).to(torch.float8_e4m3fn)}, "text of float8_e4m3fn; expected float32"),
        ({"text": torch.zeros(1, 5, 7, dtype=torch.int8)}, "text of int8; expected float32"),
        ({"unconditional_language": NOTHING.to(torch.int16)}, "unconditional_language of int16; .*Export"),
        ({"text": torch.full((1, 5, 7), 1e300, dtype=torch.float64)}, "not finite in text"),
    ],
)
def test_what_does_not_hold_together_is_refused(tmp_path, changed, told):
    tensors = {"unconditional_language": NOTHING, **TEXTS, **changed}
    held = {key: value for key, value in tensors.items() if value is not None}
    save_tensors(constants_file(tmp_path, "model"), held)
    with pytest.raises(CheckpointError, match=told):
        load(tmp_path)


@pytest.mark.parametrize("numbers", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("marks", [torch.bool, torch.uint8, torch.int64])
def test_any_float_and_any_whole_number_is_read(tmp_path, numbers, marks):
    types = {key: marks if key.endswith("mask") else numbers for key in TEXTS}
    held = {"unconditional_language": NOTHING, **{key: value.to(types[key]) for key, value in TEXTS.items()}}
    save_tensors(constants_file(tmp_path, "model"), held)
    loaded = load(tmp_path)
    assert torch.equal(loaded.text, TEXTS["text"].to(numbers).float())
    assert torch.equal(loaded.text_mask, TEXTS["text_mask"])


def test_a_cut_file_is_refused(tmp_path):
    path = save_constants(tmp_path, Constants(NOTHING, **TEXTS))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="damaged"):
        load(tmp_path)


def test_a_place_that_takes_no_file_is_told(tmp_path):
    (tmp_path / "constants").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be created"):
        save_constants(tmp_path, Constants(NOTHING))


def test_a_batch_hears_its_own_language_and_the_constants(tmp_path):
    language = LanguageOfAudio(torch.randn(3, 8, 11))
    constants = Constants(torch.randn(1, 8, 11), **TEXTS)
    positive, negative = conditions(language, constants)
    assert positive.language is language.values
    for index in range(3):
        assert torch.equal(negative.language[index], constants.unconditional_language[0])
        assert torch.equal(positive.text[index], TEXTS["text"][0])
        assert torch.equal(positive.text_mask[index], TEXTS["text_mask"][0])
        assert torch.equal(negative.text[index], TEXTS["unconditional_text"][0])
        assert torch.equal(negative.text_mask[index], TEXTS["unconditional_text_mask"][0])


def test_strength_goes_from_no_artwork_to_all_of_it():
    language = LanguageOfAudio(torch.randn(2, 8, 11))
    positive, negative = conditions(language, Constants(torch.randn(1, 8, 11), **TEXTS))
    assert blend(positive, negative, 1.0) is positive
    assert torch.equal(blend(positive, negative, 0.0).language, negative.language)
    half = blend(positive, negative, 0.5)
    assert torch.allclose(half.language, (positive.language + negative.language) / 2, atol=1e-6)
    assert half.text is positive.text

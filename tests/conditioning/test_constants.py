from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.folder import save_tensors
from art2mus_core.conditioning.constants import FILE, Constants, blend, conditions, load_constants, save_constants
from art2mus_core.errors import CheckpointError
from art2mus_core.types import LanguageOfAudio

TEXTS = {
    "text": torch.randn(1, 5, 7),
    "text_mask": torch.tensor([[True, True, False, True, True]]),
    "unconditional_text": torch.randn(1, 3, 7),
    "unconditional_text_mask": torch.tensor([[True, False, False]]),
}


@pytest.mark.parametrize("texts", [{}, TEXTS], ids=["language", "language and text"])
def test_constants_come_back(tmp_path, texts):
    constants = Constants(torch.randn(1, 8, 11), **texts)
    save_constants(tmp_path, constants)
    loaded = vars(load_constants(tmp_path, language=8, width=11))
    for name, value in vars(constants).items():
        assert (loaded[name] is None) if value is None else torch.equal(loaded[name], value)


def test_half_a_text_is_refused(tmp_path):
    save_tensors(tmp_path / FILE, {"unconditional_language": torch.zeros(1, 8, 11), "text": TEXTS["text"]})
    with pytest.raises(CheckpointError, match="all together or not at all"):
        load_constants(tmp_path, language=8, width=11)


def test_another_width_is_refused(tmp_path):
    save_constants(tmp_path, Constants(torch.zeros(1, 8, 11)))
    with pytest.raises(CheckpointError, match=r"\[1, 8, 11\]"):
        load_constants(tmp_path, language=8, width=13)


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

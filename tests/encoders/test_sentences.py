from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.encoders.sentences import load_sentence_encoder, sentence_encoder_digest
from art2mus_core.errors import CheckpointError

from ..sentence_model import LONGEST, WIDTH, write_sentence_model

TEXTS = ["a sea", "storm", "so very blue", "a"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return write_sentence_model(tmp_path_factory.mktemp("sentences") / "tiny")


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "copy"))


@pytest.fixture
def library():
    return pytest.importorskip(
        "sentence_transformers", reason="sentence-transformers, of the extra texts, is not installed"
    )


@torch.no_grad()
def test_texts_become_the_mean_of_their_tokens(library, model: Path, capfd: pytest.CaptureFixture):
    from transformers import AutoTokenizer, BertModel

    encoder = load_sentence_encoder(model)
    assert capfd.readouterr() == ("", "")
    found = encoder.encode(TEXTS)
    assert (found.shape, found.dtype) == ((len(TEXTS), WIDTH), np.float32)
    tokens, network = AutoTokenizer.from_pretrained(model), BertModel.from_pretrained(model).eval()
    for text, vector in zip(TEXTS, found, strict=True):
        mean = network(**tokens(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        np.testing.assert_allclose(vector, (mean / mean.norm()).numpy(), atol=1e-5)


def test_tokens_are_counted_beyond_the_limit(library, model: Path):
    encoder = load_sentence_encoder(model)
    assert encoder.longest == LONGEST
    assert encoder.tokens(["a", "abc de", "a" * 40]) == [3, 7, 42]
    whole, cut = encoder.encode(["a" * (LONGEST - 2), "a" * 40])
    np.testing.assert_allclose(whole, cut, atol=1e-6)  # which is why they are counted


def test_the_models_own_prompt_is_counted(library, copy: Path):
    told = {"prompts": {"match": "say: "}, "default_prompt_name": "match"}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(told), encoding="utf-8")
    encoder = load_sentence_encoder(copy)
    assert encoder.tokens(["abc"]) == [2 + 3 + 1 + 3]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (shutil.rmtree, "is no sentence encoder"),
        (lambda folder: (folder / "modules.json").unlink(), "is no sentence encoder"),
        (lambda folder: (folder / "modules.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "modules.json").write_text('{"a": 1}'), "cannot be read"),
        (
            lambda folder: (folder / "config_sentence_transformers.json").write_text('{"model_type": "SparseEncoder"}'),
            "is a SparseEncoder; expected a SentenceTransformer",
        ),
    ],
    ids=["gone", "plain", "half", "other", "sparse"],
)
def test_other_folders_are_refused_before_anything_is_loaded(change, told: str, copy: Path):
    change(copy)
    with pytest.raises(CheckpointError, match=told):
        load_sentence_encoder(copy)
    with pytest.raises(CheckpointError, match=told):
        sentence_encoder_digest(copy)


def without_a_layer(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "intermediate" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})


def cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def without_words(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [(without_a_layer, "lacks weights"), (cut, "cannot be opened"), (without_words, "cannot be opened|one embedding")],
)
def test_incomplete_models_are_refused(library, change, told: str, copy: Path, capfd: pytest.CaptureFixture):
    change(copy)
    with pytest.raises(CheckpointError, match=told):
        load_sentence_encoder(copy)
    assert capfd.readouterr().out == ""


def test_the_digest_is_that_of_names_and_contents(model: Path, copy: Path):
    first = sentence_encoder_digest(model)
    assert sentence_encoder_digest(copy) == first
    (copy / "README.md").write_text("hello", encoding="utf-8")
    assert sentence_encoder_digest(copy) == first
    (copy / "1_Pooling" / "config.json").write_text("{}", encoding="utf-8")
    assert sentence_encoder_digest(copy) != first

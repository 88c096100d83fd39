from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from art2mus_core.encoders.text import check_text_encoders, load_clap_text, load_t5
from art2mus_core.errors import CheckpointError

from ..text_encoders import text_features

TEXTS = ["Music of this place", "Low quality."]


@pytest.fixture
def folder(talking_like: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(talking_like, tmp_path / "own"))


def clap(folder: Path):
    return load_clap_text(folder, dtype=torch.float32)


def t5(folder: Path):
    return load_t5(folder, dtype=torch.float32)


def rewrite(folder: Path, name: str, change) -> None:
    path = folder / name / "model.safetensors"
    state = {key: value.clone() for key, value in load_file(path).items()}
    change(state)
    save_file(state, path)


@torch.no_grad()
def test_clap_hears_a_text_as_published(talking_like, talking):
    expected = [text_features(talking, text, padding="max_length", truncation=True) for text in TEXTS]
    embedded = clap(talking_like).embed(TEXTS)
    assert torch.allclose(embedded, torch.cat(expected), atol=1e-5)
    assert torch.allclose(embedded.norm(dim=-1), torch.ones(2))
    assert (embedded[0] - embedded[1]).abs().max() > 0.1


@torch.no_grad()
def test_t5_reads_a_text_as_published(talking_like, talking):
    batch = talking.tokenizer_2(TEXTS, padding=True, return_tensors="pt")
    states, mask = t5(talking_like).read(TEXTS)
    assert torch.allclose(states, talking.text_encoder_2(**batch).last_hidden_state, atol=1e-5)
    assert torch.equal(mask, batch["attention_mask"].bool())
    assert mask.sum(1).tolist() == [5, 4]


@torch.no_grad()
def test_t5_cuts_and_fills_up_to_a_length(talking_like):
    encoder = t5(talking_like)
    states, mask = encoder.read(["Low quality."], 6)
    assert mask.tolist() == [[True] * 4 + [False] * 2]
    assert torch.allclose(states[:, :4], encoder.read(["Low quality."])[0], atol=1e-5)
    one, heard = encoder.read(["Low quality."], 1)
    assert heard.tolist() == [[True]]
    assert torch.allclose(one, encoder.read([""])[0], atol=1e-6)  # what is left is the end-of-text token


@torch.no_grad()
@pytest.mark.parametrize(("load", "name"), [(clap, "tokenizer"), (t5, "tokenizer_2")])
def test_a_tokenizer_is_what_is_stored(folder, load, name):
    path = folder / name / "tokenizer.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stored, "normalizer": {"type": "Lowercase"}}), encoding="utf-8")
    tokenizer = load(folder).tokenizer
    assert tokenizer("MUSIC")["input_ids"] == tokenizer("music")["input_ids"]


@pytest.mark.parametrize("pad", ["</s>", {"__type": "AddedToken", "content": "</s>", "lstrip": False}])
def test_texts_are_filled_up_with_the_token_of_the_configuration(folder, pad):
    path = folder / "tokenizer_2" / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**said, "pad_token": pad}), encoding="utf-8")
    ids = t5(folder).tokenizer(["Music of this", "Music"], padding=True)["input_ids"]
    assert ids[1][-3:] == [1, 1, 1]


def test_texts_longer_than_the_encoders_are_cut(talking_like):
    assert clap(talking_like).embed(["x y z " * 50]).shape == (1, 11)
    assert t5(talking_like).read(["x y z " * 50])[0].shape == (1, 14, 9)


ABSENT = object()


def say(path: Path, name: str, value: object) -> None:
    said = json.loads(path.read_text(encoding="utf-8"))
    said.pop(name, None)
    path.write_text(json.dumps(said if value is ABSENT else {**said, name: value}), encoding="utf-8")


@torch.no_grad()
@pytest.mark.parametrize("said", [ABSENT, None, "x", 0, -3, 7.5, True, int(1e30), 600])
def test_texts_are_cut_where_the_network_ends(folder, said):
    for name in ("tokenizer", "tokenizer_2"):
        say(folder / name / "tokenizer_config.json", "model_max_length", said)
    say(folder / "text_encoder_2" / "config.json", "n_positions", 17)
    encoder = clap(folder)
    assert encoder.tokenizer.model_max_length == 23  # 25 positions, of which 0 and 1 are the padding's
    assert encoder.embed(["x y z " * 50]).shape == (1, 11)
    assert t5(folder).read(["x y z " * 50])[0].shape == (1, 17, 9)


@pytest.mark.parametrize("said", [ABSENT, 0, int(1e30)])
def test_an_encoder_of_texts_without_end_is_refused(folder, said):
    say(folder / "tokenizer_2" / "tokenizer_config.json", "model_max_length", said)
    with pytest.raises(CheckpointError, match=r"tokenizer_2 has no limit for the length of a text; .*model_max_length"):
        t5(folder)


@pytest.mark.parametrize("names", [["shared"], ["encoder.embed_tokens"], ["shared", "encoder.embed_tokens"]])
def test_the_table_of_words_is_found_under_either_name(folder, names):
    expected = t5(folder).read(TEXTS)[0]

    def rename(state):
        words = state.pop("shared.weight")
        state.update({f"{name}.weight": words.clone() for name in names})

    rewrite(folder, "text_encoder_2", rename)
    assert torch.equal(t5(folder).read(TEXTS)[0], expected)


def test_a_table_of_words_that_is_not_there_is_missed(folder):
    rewrite(folder, "text_encoder_2", lambda state: state.pop("shared.weight"))
    with pytest.raises(CheckpointError, match=r"lacks encoder\.embed_tokens\.weight"):
        t5(folder)


def test_counters_may_be_among_the_weights_or_not(folder):
    expected = clap(folder).embed(TEXTS)

    def without(state):
        for key in [key for key in state if key.endswith(("position_ids", "token_type_ids"))]:
            del state[key]

    rewrite(folder, "text_encoder", without)
    assert torch.equal(clap(folder).embed(TEXTS), expected)


def test_only_the_text_half_of_clap_is_opened(talking_like):
    names = {name.split(".")[1] for name, _ in clap(talking_like).named_parameters()}
    assert names == {"text_model", "text_projection"}


def test_t5_is_opened_in_a_precision_that_holds_it(talking_like):
    assert load_t5(talking_like, dtype=torch.float16).network.dtype == torch.float32
    assert load_t5(talking_like, dtype=torch.bfloat16).network.dtype == torch.bfloat16
    assert load_clap_text(talking_like, dtype=torch.float16).network.dtype == torch.float16


def broken(state):
    state[next(key for key in state if key.endswith("weight") and "audio" not in key)].view(-1)[3] = torch.nan


def cut(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])


def tokenizer_of(name: str) -> str:
    return name.replace("text_encoder", "tokenizer")


@pytest.mark.parametrize(("load", "name"), [(clap, "text_encoder"), (t5, "text_encoder_2")])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder, name: rewrite(folder, name, broken), "not finite"),
        (lambda folder, name: cut(folder, f"{name}/model.safetensors"), "damaged"),
        (lambda folder, name: (folder / name / "model.safetensors").unlink(), "missing"),
        (lambda folder, name: shutil.rmtree(folder / name), "no text_encoder|is missing"),
        (lambda folder, name: rewrite(folder, name, lambda state: state.update(more=torch.ones(1))), "more"),
        (lambda folder, name: cut(folder, f"{tokenizer_of(name)}/tokenizer.json"), "no tokenizer that"),
        (lambda folder, name: cut(folder, f"{tokenizer_of(name)}/tokenizer_config.json"), "no tokenizer .*JSON"),
        (lambda folder, name: shutil.rmtree(folder / tokenizer_of(name)), "tokenizer.json is missing"),
    ],
)
def test_what_is_damaged_is_told(folder, load, name, damage, told):
    damage(folder, name)
    with pytest.raises(CheckpointError, match=told):
        load(folder)


def test_a_tokenizer_of_another_model_is_refused(folder):
    config = folder / "text_encoder" / "config.json"
    config.write_text(
        config.read_text(encoding="utf-8").replace('"vocab_size": 83', '"vocab_size": 30'), encoding="utf-8"
    )

    def fewer(state):
        key = "text_model.embeddings.word_embeddings.weight"
        state[key] = state[key][:30].clone()

    rewrite(folder, "text_encoder", fewer)
    with pytest.raises(CheckpointError, match="at most the 30"):
        clap(folder)


def test_a_checkpoint_that_cannot_read_says_so(pocket_like, folder):
    check_text_encoders(folder)
    with pytest.raises(CheckpointError, match="no text_encoder, no text_encoder_2, no tokenizer"):
        check_text_encoders(pocket_like)
    shutil.rmtree(folder / "tokenizer_2")
    with pytest.raises(CheckpointError, match="no tokenizer_2; "):
        check_text_encoders(folder)

"""Text encoders of a tiny AudioLDM2, as published: CLAP with its audio half, FLAN-T5, their tokenizers, the projection model."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2ProjectionModel
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import (
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    RobertaTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

CLAP_WIDTH = 11
WORDS = (
    "Music",
    "Low",
    "quality",
    "representing",
    "that",
    "evokes",
    "content",
    "emotion",
    "period",
    "place",
    "of",
    "this",
)
WORDS += ("artwork", "the", "and")
CLAP = {
    "projection_dim": CLAP_WIDTH,
    "projection_hidden_act": "gelu",
    "text_config": {
        "vocab_size": 83,
        "hidden_size": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 17,
        "max_position_embeddings": 25,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    "audio_config": {
        "spec_size": 32,
        "num_mel_bins": 8,
        "window_size": 2,
        "depths": [1, 1],
        "num_attention_heads": [1, 2],
        "patch_embeds_hidden_size": 4,
        "hidden_size": 8,
        "num_hidden_layers": 2,
    },
}
T5 = {
    "vocab_size": 79,
    "d_kv": 5,
    "d_ff": 19,
    "num_layers": 2,
    "num_heads": 2,
    "feed_forward_proj": "gated-gelu",
    "dropout_rate": 0.0,
    "tie_word_embeddings": False,
}
SALT = 29
"""Of the random weights: with it unlike texts stay unlike in CLAP, and bfloat16 stays near float32 in T5."""
ENDS = {"bos_token_id": 0, "eos_token_id": 0}


def write_text_encoders(folder: Path, *, width: int, text_width: int) -> None:
    """Add random text encoders to a checkpoint whose T5 slot has `text_width`, and words to its GPT-2 of `width`."""
    torch.manual_seed(1)
    _write_tokenizers(folder)
    projection = {"text_encoder_dim": CLAP_WIDTH, "text_encoder_1_dim": text_width, "langauge_model_dim": width}
    t5 = {**T5, "d_model": text_width}
    _write(folder / "text_encoder" / "model.safetensors", ClapModel(ClapConfig(**CLAP)), CLAP)
    _write(folder / "text_encoder_2" / "model.safetensors", T5EncoderModel(T5Config(**t5)), t5)
    _write(
        folder / "projection_model" / "diffusion_pytorch_model.safetensors",
        AudioLDM2ProjectionModel(**projection),
        projection,
    )
    gpt2 = json.loads((folder / "language_model" / "config.json").read_text(encoding="utf-8"))
    _write(folder / "language_model" / "model.safetensors", GPT2Model(GPT2Config(**gpt2, **ENDS)), gpt2)


def write_ears(folder: Path) -> Path:
    """Add the front end of CLAP's audio half to a checkpoint with text encoders, for sounds of 2 s at 1,600 hertz."""
    sizes = {"feature_size": 8, "sampling_rate": 1600, "hop_length": 32, "max_length_s": 2, "fft_window_size": 64}
    range_ = {"frequency_min": 0, "frequency_max": 800, "padding": "repeatpad", "truncation": "rand_trunc"}
    ClapFeatureExtractor(**sizes, **range_).save_pretrained(folder / "feature_extractor")
    return folder


def open_published(folder: Path) -> SimpleNamespace:
    """The same networks in the classes of the published pipeline, filled without any code of ours."""

    def config(name: str) -> dict:
        return json.loads((folder / name / "config.json").read_text(encoding="utf-8"))

    language_model = GPT2LMHeadModel(GPT2Config(**{**config("language_model"), **ENDS}))
    state = load_file(folder / "language_model" / "model.safetensors")
    language_model.transformer.load_state_dict({key: value.float() for key, value in state.items()}, strict=False)
    networks = {
        "text_encoder": (ClapModel(ClapConfig(**config("text_encoder"))), "model"),
        "text_encoder_2": (T5EncoderModel(T5Config(**config("text_encoder_2"))), "model"),
        "projection_model": (AudioLDM2ProjectionModel(**config("projection_model")), "diffusion_pytorch_model"),
    }
    for name, (network, file) in networks.items():
        left = network.load_state_dict(load_file(folder / name / f"{file}.safetensors"), strict=False)
        assert not left.unexpected_keys
    return SimpleNamespace(
        **{name: network.eval() for name, (network, _) in networks.items()},
        language_model=language_model.eval(),
        tokenizer=RobertaTokenizerFast.from_pretrained(folder / "tokenizer"),
        tokenizer_2=T5TokenizerFast.from_pretrained(folder / "tokenizer_2"),
    )


def _write(path: Path, network: torch.nn.Module, config: dict) -> None:
    for name, parameter in network.named_parameters():  # drawn by name: versions of transformers differ in the order
        seed = SALT + zlib.crc32(name.encode())
        parameter.data.normal_(std=0.7, generator=torch.Generator().manual_seed(seed))
    path.parent.mkdir(exist_ok=True)
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    state.pop("encoder.embed_tokens.weight", None)  # the same table as shared.weight, which is what is published
    save_file(state, path)
    (path.parent / "config.json").write_text(json.dumps(config), encoding="utf-8")


def text_features(published: SimpleNamespace, text: str, **padding: Any) -> Tensor:
    """What the published CLAP hears of a text, [1, D]; a tensor before transformers 5, an object since."""
    heard = published.text_encoder.get_text_features(**published.tokenizer([text], return_tensors="pt", **padding))
    return heard if isinstance(heard, Tensor) else heard.pooler_output


def _write_tokenizers(folder: Path) -> None:
    letters = sorted({letter for word in WORDS for letter in word} | set(".()xyz"))
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {token: index for index, token in enumerate([*special, *letters, "Ġ", "th", "Ġth", "Ġthe"])}
    roberta = Tokenizer(models.BPE(vocabulary, [("t", "h"), ("Ġ", "th"), ("Ġth", "e")], unk_token="<unk>"))
    roberta.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    _write_tokenizer(folder / "tokenizer", roberta, "RobertaTokenizer", 23, names)
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *(("▁" + word, -3.0) for word in WORDS)]
    unigram = Tokenizer(models.Unigram([*pieces, *((letter, -9.0) for letter in ["▁", *letters])], unk_id=2))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    unigram.post_processor = processors.TemplateProcessing("$A </s>", "$A </s> $B </s>", [("</s>", 1)])
    _write_tokenizer(
        folder / "tokenizer_2", unigram, "T5Tokenizer", 14, {"eos": "</s>", "pad": "<pad>", "unk": "<unk>"}
    )


def _write_tokenizer(folder: Path, tokenizer: Tokenizer, kind: str, longest: int, names: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": kind, "model_max_length": longest, "extra_ids": 0}
    config |= {f"{role}_token": token for role, token in names.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

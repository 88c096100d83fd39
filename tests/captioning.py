"""Captioners of random weights, in transformers' layout, and small enough to write in a moment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from art2mus_core.checkpoints.quiet import quietly

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(19))]
SIZES = {"intermediate_size": 17, "num_hidden_layers": 1, "num_attention_heads": 2}
SIGHT = {**SIZES, "hidden_size": 10, "image_size": 16, "patch_size": 8}
RATE = 16_000


def pillow(room: str, name: str) -> Any:
    """transformers' image processor that does without torchvision; older versions call it by the plain name."""
    from importlib import import_module

    module = import_module(f"transformers.models.{room}")
    return getattr(module, f"{name}Pil", None) or getattr(module, name)


def write_blip(folder: Path) -> Path:
    from transformers import BlipConfig, BlipForConditionalGeneration

    ends = {"bos_token_id": 5, "sep_token_id": 3, "eos_token_id": 3, "pad_token_id": 0}
    heard = {"vocab_size": len(WORDS), "hidden_size": 12, "encoder_hidden_size": 10, "max_position_embeddings": 64}
    torch.manual_seed(0)
    config = BlipConfig(
        text_config={**SIZES, **ends, **heard},
        vision_config={**SIGHT, "num_hidden_layers": 2},
        image_text_hidden_size=7,
        projection_dim=9,
    )
    _write(BlipForConditionalGeneration(config), folder)
    pillow("blip", "BlipImageProcessor")(size={"height": 16, "width": 16}).save_pretrained(folder)
    return _with_words(folder)


def write_git(folder: Path) -> Path:
    from transformers import GitConfig, GitForCausalLM

    ends = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    told = {"vocab_size": len(WORDS), "hidden_size": 12, "max_position_embeddings": 64}
    torch.manual_seed(0)
    _write(GitForCausalLM(GitConfig(vision_config=SIGHT, **SIZES, **ends, **told)), folder)
    sizes = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    pillow("clip", "CLIPImageProcessor")(**sizes).save_pretrained(folder)
    return _with_words(folder)


def write_encoder_decoder(folder: Path) -> Path:
    from transformers import GPT2Config, VisionEncoderDecoderConfig, VisionEncoderDecoderModel, ViTConfig

    ends = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    told = {"vocab_size": len(WORDS), "n_embd": 12, "n_layer": 1, "n_head": 2, "n_positions": 64}
    torch.manual_seed(1)
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(
        ViTConfig(**SIGHT), GPT2Config(**told, **ends, add_cross_attention=True)
    )
    config.decoder_start_token_id, config.pad_token_id = 2, 0
    network = VisionEncoderDecoderModel(config)
    network.generation_config.decoder_start_token_id = 2
    _write(network, folder)
    pillow("vit", "ViTImageProcessor")(size={"height": 16, "width": 16}).save_pretrained(folder)
    return _with_words(folder)


def write_whisper(folder: Path) -> Path:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    tokenizer = _tokenizer("<|startoftranscript|>")
    ends = {"decoder_start_token_id": 4, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    layers = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in _LAYERS.items()}
    torch.manual_seed(0)
    config = WhisperConfig(
        **{**ends, **layers, "vocab_size": len(tokenizer), "num_mel_bins": 8, "d_model": 10},
        max_source_positions=50,
        max_target_positions=150,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    _write(WhisperForConditionalGeneration(config), folder)
    _front_end().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_qwen2_audio(folder: Path) -> Path:
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

    tokenizer = _tokenizer("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
    layers = {f"encoder_{name}": n for name, n in _LAYERS.items()}
    hearing = {**layers, "num_mel_bins": 8, "d_model": 10, "max_source_positions": 50}
    torch.manual_seed(0)
    config = Qwen2AudioConfig(
        audio_config=hearing,
        text_config={"model_type": "qwen2", **_language(tokenizer)},
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    _write(Qwen2AudioForConditionalGeneration(config), folder)
    template = _TEMPLATE.format(kind="audio", shown="<|audio_bos|> <|AUDIO|> <|audio_eos|>")
    Qwen2AudioProcessor(_front_end(), tokenizer, chat_template=template).save_pretrained(folder)
    return folder


def write_llava(folder: Path) -> Path:
    from transformers import LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = _tokenizer("<image>")
    seeing = {"model_type": "clip_vision_model", **SIGHT, "num_hidden_layers": 2, "projection_dim": 7}
    token = tokenizer.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=seeing, text_config={"model_type": "llama", **_language(tokenizer)}, image_token_index=token
    )
    _write(LlavaForConditionalGeneration(config), folder)
    sizes = {"size": {"shortest_edge": 16}, "crop_size": {"height": 16, "width": 16}}
    eye = pillow("clip", "CLIPImageProcessor")(**sizes)
    strategy = {"patch_size": 8, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
    template = _TEMPLATE.format(kind="image", shown="<image>")
    LlavaProcessor(eye, tokenizer, chat_template=template, **strategy).save_pretrained(folder)
    return folder


_LAYERS = {"layers": 1, "attention_heads": 2, "ffn_dim": 17}
_TEMPLATE = (
    "{{% for m in messages %}} {{{{ m['role'] }}}} {{% for c in m['content'] %}}"
    "{{% if c['type'] == '{kind}' %}} {shown} {{% else %}} {{{{ c['text'] }}}} {{% endif %}}"
    "{{% endfor %}}{{% endfor %}} assistant"
)


def _write(network: torch.nn.Module, folder: Path) -> None:
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.7)  # as built, it says the same of everything
    with quietly():
        network.save_pretrained(folder)


def _with_words(folder: Path) -> Path:
    from transformers import BertTokenizerFast

    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder


def _tokenizer(*marks: str) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    ends = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    asked = ["Describe", "this", "music", "painting", "in", "one", "user", "assistant"]
    words = [*ends.values(), *marks, *asked, *(f"w{number}" for number in range(19))]
    model = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=model,
        **ends,
        additional_special_tokens=[*marks],
        model_input_names=["input_ids", "attention_mask"],
    )


def _language(tokenizer: Any) -> dict[str, Any]:
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    heads = {"num_key_value_heads": 2, "max_position_embeddings": 512}
    return {**SIZES, **ends, **heads, "vocab_size": len(tokenizer), "hidden_size": 12}


def _front_end() -> Any:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=8, sampling_rate=RATE, chunk_length=1, n_fft=400, hop_length=160)

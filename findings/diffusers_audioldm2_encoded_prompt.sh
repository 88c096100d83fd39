#!/usr/bin/env bash
# AudioLDM 2's documentation encodes a prompt in advance: encode_prompt with do_classifier_free_guidance=True, its three results
# passed to the pipeline, then .audios[0]. That piece is music for the empty negative prompt: encode_prompt returns the negative
# prompt's embeddings before the prompt's, the pipeline treats both as prompts, and it returns two pieces. The printed example
# also lacks a required argument, num_waveforms_per_prompt. (The classes are real, the weights random and small.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0 diffusers==0.42.1
"$folder/venv/bin/python" -W ignore - 2> /dev/null <<'PY'
import diffusers
import torch
import transformers
from diffusers import AudioLDM2Pipeline, AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL, DDIMScheduler
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    ClapConfig, ClapFeatureExtractor, ClapModel, GPT2Config, GPT2LMHeadModel, RobertaTokenizerFast, SpeechT5HifiGan,
    SpeechT5HifiGanConfig, T5Config, T5EncoderModel, T5TokenizerFast,
)

PROMPT, OTHER = "solo piano", "brass drums"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", *PROMPT.split(), *OTHER.split()]


def tokenizer(kind, template):
    vocabulary = {word: index for index, word in enumerate(SPECIAL)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(template, special_tokens=[("<s>", 0), ("</s>", 2)])
    return kind(tokenizer_object=words, model_max_length=16, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


torch.manual_seed(0)
layers = {"num_hidden_layers": 2, "num_attention_heads": 2}
text = {"vocab_size": 20, "hidden_size": 24, "intermediate_size": 32, "projection_dim": 16, **layers}
sound = {
    "spec_size": 256, "num_mel_bins": 64, "window_size": 8, "hidden_size": 48, "patch_embeds_hidden_size": 24, "depths": [1, 1],
    "num_attention_heads": [2, 2], "num_hidden_layers": 2, "projection_dim": 16,
}
blocks = {"down_block_types": ("DownEncoderBlock2D",) * 3, "up_block_types": ("UpDecoderBlock2D",) * 3}
pipeline = AudioLDM2Pipeline(
    vae=AutoencoderKL(1, 1, **blocks, block_out_channels=(8, 8, 8), latent_channels=4, norm_num_groups=4),
    text_encoder=ClapModel(ClapConfig(text_config=text, audio_config=sound, projection_dim=16)).eval(),
    text_encoder_2=T5EncoderModel(T5Config(vocab_size=20, d_model=24, d_kv=8, d_ff=32, num_layers=2, num_heads=2)).eval(),
    projection_model=AudioLDM2ProjectionModel(16, 24, 24),
    language_model=GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=64, n_embd=24, n_layer=2, n_head=2, max_new_tokens=8)),
    tokenizer=tokenizer(RobertaTokenizerFast, "<s> $A </s>"),
    tokenizer_2=tokenizer(T5TokenizerFast, "$A </s>"),
    feature_extractor=ClapFeatureExtractor(truncation="rand_trunc"),
    unet=AudioLDM2UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(24, 24), attention_head_dim=4,
    ),
    scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
    vocoder=SpeechT5HifiGan(SpeechT5HifiGanConfig(
        model_in_dim=16, sampling_rate=16000, upsample_initial_channel=16, upsample_rates=[4, 4], upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]], normalize_before=False,
    )),
)
pipeline.language_model.eval()
pipeline.set_progress_bar_config(disable=True)
settings = {"num_inference_steps": 2, "audio_length_in_s": 0.1, "guidance_scale": 3.5, "output_type": "pt"}
noise = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))


def encode_as_documented(prompt, **more):
    found = pipeline.encode_prompt(prompt=prompt, device="cpu", do_classifier_free_guidance=True, **more)
    return dict(zip(("prompt_embeds", "attention_mask", "generated_prompt_embeds"), found))


def compose(prompt):
    encoded = encode_as_documented(prompt, num_waveforms_per_prompt=1)
    return pipeline(**encoded, **settings, latents=noise.repeat(2, 1, 1, 1)).audios


def apart(one, other):
    return float((one - other).abs().max())


try:
    encode_as_documented(PROMPT)
except TypeError as error:
    missing = str(error)
pieces, others = compose(PROMPT), compose(OTHER)
words, other_words = (pipeline(prompt, **settings, latents=noise).audios[0] for prompt in (PROMPT, OTHER))
scale = apart(words, other_words)
print("transformers", transformers.__version__, "diffusers", diffusers.__version__, "torch", torch.__version__)
print("as printed:", missing)
print(f"with it: {len(pieces)} pieces for one prompt")
print(f".audios[0] of two prompts are {apart(pieces[0], others[0]):.1e} apart; music composed from their texts {scale:.1e}")
print(f"from the text and .audios[0]: {apart(words, pieces[0]):.1e} apart, and .audios[1]: {apart(words, pieces[1]):.1e}")
assert "num_waveforms_per_prompt" in missing
assert len(pieces) == 2
assert apart(pieces[0], others[0]) < 0.01 * scale
assert apart(words, pieces[1]) < 0.01 * scale < apart(words, pieces[0])
PY
echo "confirmed: the first piece from embeddings made as documented is music for the negative prompt"

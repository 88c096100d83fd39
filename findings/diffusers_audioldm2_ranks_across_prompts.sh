#!/usr/bin/env bash
# With num_waveforms_per_prompt=2, AudioLDM 2 composes two pieces for each prompt and ranks them by CLAP. It ranks all pieces of
# the batch for each prompt: a prompt can get the pieces made for another one, and one piece can be returned twice while others
# are lost. Here, four pieces of two prompts are identified by their samples. (The classes are real, the weights random and
# small.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0 diffusers==0.42.1 librosa==0.11.0
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

PROMPTS = ["solo piano", "brass and drums"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", *" ".join(PROMPTS).split()]


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
settings = {"num_inference_steps": 2, "audio_length_in_s": 0.1, "num_waveforms_per_prompt": 2, "output_type": "pt"}


def compose(**given):
    generators = [torch.Generator().manual_seed(seed) for seed in range(4)]
    return pipeline(generator=generators, guidance_scale=1.0, **settings, **given).audios


embedded, mask, generated = pipeline.encode_prompt(PROMPTS, "cpu", 1, do_classifier_free_guidance=False)
made = compose(prompt_embeds=embedded, attention_mask=mask, generated_prompt_embeds=generated)  # not ranked: no text is given
given = compose(prompt=PROMPTS)
places = [int((made - piece).abs().amax(1).argmin()) for piece in given]
apart = min(float((one - other).abs().max()) for index, one in enumerate(made) for other in made[:index])
exact = max(float((made[place] - piece).abs().max()) for place, piece in zip(places, given))
print("transformers", transformers.__version__, "diffusers", diffusers.__version__, "torch", torch.__version__)
print(f"pieces 0 and 1 were made for '{PROMPTS[0]}', 2 and 3 for '{PROMPTS[1]}'")
print(f"'{PROMPTS[0]}' gets {places[:2]}, '{PROMPTS[1]}' gets {places[2:]}; off by {exact:.1e}, pieces are {apart:.1e} apart")
assert exact < 0.01 * apart
assert set(places[:2]) != {0, 1} or set(places[2:]) != {2, 3}
PY
echo "confirmed: a prompt gets pieces that were made for another prompt of its batch"

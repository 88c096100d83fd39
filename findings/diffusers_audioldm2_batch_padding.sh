#!/usr/bin/env bash
# AudioLDM 2 encodes a prompt alone, and in a batch with a longer one. The shorter prompt is padded and masked, but GPT-2's
# positions count the padding, so the same prompt gets another language of audio and therefore other music from the same noise.
# The empty negative prompt is padded to the prompt's length as well, so guidance depends on the length of the prompt. (The
# classes are real, the weights random and small: this does not show how much the music changes with trained weights.)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0 diffusers==0.42.1
"$folder/venv/bin/python" -W ignore - 2> /dev/null <<'PY'
import diffusers
import torch
import transformers
from diffusers import AudioLDM2Pipeline, AudioLDM2ProjectionModel
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import ClapConfig, ClapModel, GPT2Config, GPT2LMHeadModel, RobertaTokenizerFast, T5Config, T5EncoderModel, T5TokenizerFast

SHORT, LONG = "solo piano", "a bright fast march for brass and drums"
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", *SHORT.split(), *LONG.split()]


def tokenizer(kind, template):
    vocabulary = {word: index for index, word in enumerate(SPECIAL)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(template, special_tokens=[("<s>", 0), ("</s>", 2)])
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return kind(tokenizer_object=words, model_max_length=16, **names)


torch.manual_seed(0)
layers = {"num_hidden_layers": 2, "num_attention_heads": 2}
text = {"vocab_size": 20, "hidden_size": 24, "intermediate_size": 32, "projection_dim": 16, **layers}
sound = {"hidden_size": 48, "patch_embeds_hidden_size": 24, "depths": [1, 1], "num_attention_heads": [2, 2], "num_hidden_layers": 2}
clap = ClapModel(ClapConfig(text_config=text, audio_config=sound, projection_dim=16))
t5 = T5EncoderModel(T5Config(vocab_size=20, d_model=24, d_kv=8, d_ff=32, num_layers=2, num_heads=2))
gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=64, n_embd=24, n_layer=2, n_head=2, max_new_tokens=8))
projection = AudioLDM2ProjectionModel(16, 24, 24)
for network in (clap, t5, gpt2, projection):
    network.eval()
    for weights in network.parameters():
        torch.nn.init.normal_(weights, std=0.3)
pipeline = AudioLDM2Pipeline(  # only what encodes text
    vae=None, text_encoder=clap, text_encoder_2=t5, projection_model=projection, language_model=gpt2,
    tokenizer=tokenizer(RobertaTokenizerFast, "<s> $A </s>"), tokenizer_2=tokenizer(T5TokenizerFast, "$A </s>"),
    feature_extractor=None, unet=None, scheduler=None, vocoder=None,
)


@torch.no_grad()
def language_of_audio(prompts):
    """Of the first prompt and of its empty negative prompt."""
    _, _, generated = pipeline.encode_prompt(prompts, "cpu", 1, do_classifier_free_guidance=True)
    negative, positive = generated.chunk(2)
    return positive[0], negative[0]


def cosine(one, other):
    return float(torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), 0))


alone, batched, other = (language_of_audio(prompts) for prompts in ([SHORT], [SHORT, LONG], [LONG]))
again = language_of_audio([SHORT, SHORT])
print("transformers", transformers.__version__, "diffusers", diffusers.__version__, "torch", torch.__version__)
print(f"language of audio of '{SHORT}', alone and with itself: cosine {cosine(alone[0], again[0]):.4f}")
print(f"alone and with a longer prompt: cosine {cosine(alone[0], batched[0]):.4f}")
print(f"of the empty negative prompt, for a short and for a long prompt: cosine {cosine(alone[1], other[1]):.4f}")
assert cosine(alone[0], again[0]) > 0.99999
assert cosine(alone[0], batched[0]) < 0.999
assert cosine(alone[1], other[1]) < 0.999
PY
echo "confirmed: a prompt's language of audio depends on the length of the longest prompt in its batch"

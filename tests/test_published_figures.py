"""Figures of the publications, written out once more: what is read from weights cannot show that one of these is wrong."""

from __future__ import annotations

from art2mus_core.aligners.projection import FACTS, SIZES
from art2mus_core.checkpoints.grid import AUDIOLDM2_MEL
from art2mus_core.diffusion.denoiser import HEADS
from art2mus_core.encoders.imagebind_files import HUGE
from art2mus_core.images.centre import CLIP_MEAN, CLIP_STD
from art2mus_core.pipelines.defaults import PUBLISHED
from art2mus_core.pipelines.texts import NEGATIVE, SUPPORTS


def test_imagebind_sees():
    """Girdhar et al. 2023, ImageBind-Huge: `imagebind_huge` in imagebind/models/imagebind_model.py of its authors' code."""
    assert HUGE["vision"] == {
        "model_type": "imagebind",
        "tower": "vision",
        "size": 224,
        "patch": 14,
        "frames": 2,
        "width": 1280,
        "layers": 32,
        "heads": 16,
        "hidden": 5120,
        "dim": 1024,
        "space": "imagebind",
    }


def test_imagebind_hears():
    """As above; rate, clips, mean and deviation: `load_and_transform_audio_data` in imagebind/data.py."""
    assert HUGE["audio"] == {
        "model_type": "imagebind",
        "tower": "audio",
        "sample_rate": 16000,
        "bins": 128,
        "frames": 204,
        "clips": 3,
        "seconds": 2.0,
        "mean": -4.268,
        "std": 9.138,
        "patch": 16,
        "stride": 10,
        "width": 768,
        "layers": 12,
        "heads": 12,
        "hidden": 3072,
        "dim": 1024,
        "space": "imagebind",
    }


def test_colours_are_normalised_as_clips():
    """Radford et al. 2021: `_transform` in clip/clip.py of its authors' code; ImageBind's data.py has the same."""
    assert CLIP_MEAN == (0.48145466, 0.4578275, 0.40821073)
    assert CLIP_STD == (0.26862954, 0.26130258, 0.27577711)


def test_the_projection_of_2024():
    """Rinaldi et al. 2024 (arXiv 2410.04906): art2mus_img_proj_layer.pt and the code beside it."""
    assert dict(SIZES) == {"dim": 1024, "hidden": 1536, "width": 768}
    assert (FACTS["kind"], FACTS["space"], FACTS["prior"]) == ("projection", "imagebind", "audioldm2")


def test_the_prompts_of_2024():
    """Rinaldi et al. 2024: the support prompts of its authors' code, the negative prompt of its test script."""
    assert SUPPORTS == {
        "model": "Music representing the content of this artwork",
        "period": "Music representing the period and place of this artwork",
        "emotion": "Music that evokes the emotion () of this artwork",
    }
    assert NEGATIVE == "Low quality."


def test_audioldm2s_mel():
    """Liu et al. 2024: `preprocessing` in `default_audioldm_config`; librosa's filters, Slaney's, and the clamp of its STFT."""
    assert AUDIOLDM2_MEL == {"scale": "slaney", "lowest": 0.0, "highest": 8000.0, "windows": (1024,), "floor": 1e-5}


def test_audioldm2s_heads():
    """Liu et al. 2024: `num_head_channels` 32 in `default_audioldm_config`; channels from unet/config.json of cvssp/audioldm2."""
    config = {"block_out_channels": [128, 256, 384, 640], "attention_head_dim": 8}
    assert HEADS["original"](config)["attention_head_dim"] == [4, 8, 12, 20]
    assert HEADS["config"](config)["attention_head_dim"] == 8


def test_audioldm2_is_sampled_as_in_2024():
    """`guidance_scale`, steps and scheduler of diffusers' AudioLDM2Pipeline and of the Art2Mus code after it; other presets are ours."""
    exact = PUBLISHED["exact"]
    assert (exact.guidance, exact.steps, exact.solver, exact.guided_below) == (3.5, 200, "ddim", 1)
    assert {settings.guidance for settings in PUBLISHED.values()} == {3.5}

"""Core nodes on the pack's MODEL, VAE, CONDITIONING and LATENT, in the host's process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.host

HERE = Path(__file__).parent
PACK = HERE.parents[1]


def run(module, script: str, *arguments: object) -> dict:
    """The answer of a script run inside the host's process."""
    command = [module.PYTHON, str(HERE / "start_host.py"), "--run", str(HERE / script), str(PACK)]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module", params=["pocket_like", "published_like"])
def facts(request, comfyui_module):
    return run(comfyui_module, "native.py", request.getfixturevalue(request.param))


def test_the_prediction_is_the_cores(facts):
    assert facts["prediction"] < 1e-5


def test_layers_can_be_streamed_in_one_by_one(facts):
    """What --lowvram does."""
    assert facts["streamed"]["streamed"] == facts["streamed"]["layers"] > 50
    assert facts["streamed"]["prediction"] < 1e-5


def test_every_sampler_and_scheduler_makes_finite_music(facts):
    assert facts["not sampled"] == []


def test_a_lora_is_heard_and_leaves_nothing_behind(facts):
    heard = facts["lora"]
    assert heard["heard"] > 1e-3
    assert [heard["spellings"], heard["strength 0"], heard["afterwards"]] == [0, 0, 0]


def test_a_noise_mask_keeps_what_it_covers(facts):
    assert facts["masks"]["kept"] < 1e-6
    assert facts["masks"]["new"] > 0.1


def test_less_denoise_stays_nearer_to_the_music(facts):
    near, farther, farthest = facts["masks"]["denoise"]
    assert near < farther < farthest


@pytest.mark.parametrize("sampler", ["core", "ours"])
def test_conditionings_are_averaged_and_joined(facts, sampler):
    """One artwork said twice is that artwork, which attention cannot tell; two are neither of them."""
    told = facts["conditionings"][sampler]
    assert told["all of one"] == 0
    assert told["said twice"] < 1e-5
    assert min(told["half"], told["both"]) > 1e-3


def test_other_conditioning_nodes_hand_on_what_the_aligner_said(facts):
    assert facts["conditionings"]["handed on"] == dict.fromkeys(["combine", "zero out", "timesteps", "strength"], True)


def test_empty_latents_of_the_host_fit_and_a_pictures_is_refused_in_words(facts):
    found = facts["latents"]
    assert found["shape"] == found["ours"]
    if found["compact disc"]:
        pieces, channels, frames, rows = found["compact disc"]
        assert [pieces, channels, rows] == [found["ours"][index] for index in (0, 1, 3)]
        assert abs(frames - found["ours"][2]) <= 2
    wanted = {"picture"} if found["compact disc"] else {"picture", "compact disc"}
    assert {name for name, said in found["said"].items() if "Connect Empty Art2Mus Latent" in said} == wanted


def test_sound_goes_in_and_out(facts):
    found = facts["sound"]
    assert found["latent"][0] == 2
    assert found["seconds"] == pytest.approx(1, abs=0.15)
    assert found["tiled"] == 0


def test_a_batch_of_artworks_is_a_batch_of_pieces(facts):
    assert facts["two artworks"][0] == 2


def test_the_hosts_preview_has_time_on_its_long_side_and_depends_on_the_latent(facts):
    width, height = facts["preview"]["size"]
    assert width > 2 * height
    assert min(facts["preview"]["apart"], facts["preview"]["contrast"]) > 5  # of 255


def test_the_hosts_preview_is_like_the_spectrogram_that_the_vae_decodes(comfyui_module):
    """Of the bundled model; the VAEs of the tiny ones decode nothing that is like what they encoded."""
    found = run(comfyui_module, "preview.py", PACK / "art2mus_core" / "pocket")
    assert found["alike"] > 0.9
    assert max(found["upside down"], found["backwards"]) < 0.5


def test_a_full_memory_is_said_with_the_way_out(comfyui_module, pocket_like):
    """In the host's own class, for which it unloads all models; music goes on afterwards."""
    found = run(comfyui_module, "shortage.py", pocket_like)
    assert found["said"].startswith("the memory is full; expected enough memory")
    assert "--lowvram" in found["said"]
    assert found["known to the host"]
    assert found["pieces afterwards"] == 64


def test_unloading_leaves_no_weight_alive(comfyui_module, pocket_like):
    """Load and offload device are both the CPU here, so it is the objects that are counted."""
    found = run(comfyui_module, "unload.py", pocket_like)
    assert found == {"loaded": 3, "after unloading": 0, "alive": 0}

"""The pack in a real ComfyUI, driven as its front end drives it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import torch
from PIL import Image

from .graphs import IDS, graph, heard

pytestmark = pytest.mark.host

HERE = Path(__file__).parent
PACK = HERE.parents[1]


def published_graph(**said: str) -> dict:
    """The same six nodes on a checkpoint in three folders; `said` goes to the aligner, `support` to the loader."""
    prompt = graph("prior", steps=2, seconds=1.0)
    prompt["2"]["inputs"]["support"] = said.pop("support", "model")
    prompt["3"]["inputs"]["encoder"] = "eyes"
    prompt["4"]["inputs"] |= {"aligner": "adapter", **said}
    return prompt


def shipped_workflow(model: str) -> dict:
    """workflows/1 Painting to music.json with another model in it, and short."""
    text = (PACK / "workflows" / "1 Painting to music.json").read_text(encoding="utf-8")
    workflow = json.loads(text.replace('"pocket"', f'"{model}"'))
    sampler = next(node for node in workflow["nodes"] if node["type"] == "Art2MusSampler")
    sampler["widgets_values"][:2] = [1.0, 2]
    sampler["widgets_values"][-1] = "custom"  # the preset
    return workflow


def through_core_nodes(model: str) -> dict:
    """KSampler, VAEDecodeAudio and SaveAudio of the host on our MODEL, VAE, CONDITIONING and LATENT."""
    prompt = graph(model)
    del prompt["6"]
    prompt["7"] = {
        "class_type": "KSampler",
        "inputs": {
            "model": ["2", 0],
            "positive": ["4", 0],
            "negative": ["4", 1],
            "latent_image": ["5", 1],
            "seed": 1,
            "steps": 3,
            "cfg": 3.0,
            "sampler_name": "dpmpp_2m",
            "scheduler": "karras",
            "denoise": 1.0,
        },
    }
    prompt["8"] = {"class_type": "VAEDecodeAudio", "inputs": {"samples": ["7", 0], "vae": ["2", 1]}}
    prompt["9"] = {"class_type": "SaveAudio", "inputs": {"audio": ["8", 0], "filename_prefix": "core"}}
    return prompt


def test_the_pack_loads_and_lists_its_nodes(server):
    info = server.get("/object_info")
    assert [name for name in IDS if name not in info] == []
    assert "(IMPORT FAILED)" not in server.log.read_text()
    assert {"pocket", "tiny", "published"} <= set(info["Art2MusLoadModel"]["input"]["required"]["model"][1]["options"])


def test_the_stand_in_is_like_the_host(comfyui_module):
    """Schemas read on the stand-in are those read on the real interface."""
    describe = PACK / "tests" / "nodes" / "describe.py"
    stand_in = subprocess.run(
        [sys.executable, str(describe), str(PACK), str(PACK / "tests" / "nodes" / "stand_in")],
        capture_output=True,
        check=True,
        text=True,
    )
    real = subprocess.run(
        [comfyui_module.PYTHON, str(HERE / "start_host.py"), "--run", str(describe), str(PACK)],
        capture_output=True,
        check=True,
        text=True,
    )
    expected, found = json.loads(stand_in.stdout)["nodes"], json.loads(real.stdout.splitlines()[-1])["nodes"]
    assert found == expected


@pytest.mark.parametrize("model", ["tiny", "published"])
def test_an_artwork_becomes_a_playable_file(server, model):
    entry = server.run(graph(model))
    (path,) = server.outputs(entry)
    rate, samples, tags = heard(path)
    assert path.parent == server.base / "output" / "out"
    assert len(samples) == pytest.approx(1.5 * rate, abs=1)
    assert max(map(abs, samples)) > 0.05
    assert json.loads(tags["prompt"])["5"]["inputs"]["seed"] == 0


def test_prior_encoder_and_aligner_are_chosen_by_name(server, published_parts):
    """The graph plays what the core plays, which finds the encoder by the aligner's header."""
    from art2mus_core.audio.reading import read_audio
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    info = server.get("/object_info")
    assert "eyes" in info[IDS[2]]["input"]["required"]["encoder"][1]["options"]
    assert "adapter" in info[IDS[3]]["input"]["required"]["aligner"][1]["options"]
    assert {"model", "period", "emotion"} <= set(info[IDS[1]]["input"]["optional"]["support"][1]["options"])
    (path,) = server.outputs(server.run(published_graph()))
    core = load(
        str(published_parts["prior"]), aligner=str(published_parts["adapter"]), encoder=str(published_parts["eyes"])
    )
    (expected,) = core.compose([read_artwork(samples()["silver_forest"])], seconds=1.0, steps=2, guidance=1.5)
    assert expected.samples.std() > 0.005
    assert torch.allclose(read_audio(path).samples, expected.samples, atol=2e-4)


def test_words_and_the_support_prompt_are_heard(server):
    said = [{}, {"text": "Music of this place"}, {"negative_text": "Music"}, {"support": "emotion"}]
    heard_each = [heard(server.outputs(server.run(published_graph(**words)))[0]) for words in said]
    pieces = [samples for _, samples, _ in heard_each]
    assert all(first != second for index, first in enumerate(pieces) for second in pieces[:index])


def test_parts_that_do_not_belong_together_are_named(server):
    wrong = published_graph()
    wrong["3"]["inputs"]["encoder"] = "tiny"
    said = server.error(server.run(wrong))
    assert "trained for the encoder eyes" in said
    unheard = published_graph(text="Music of this place")
    unheard["2"]["inputs"]["model"] = "published"
    assert "no text_encoder" in server.error(server.run(unheard))
    half = published_graph(text="Music of this place")
    half["4"]["inputs"]["strength"] = 0.5
    assert "strength of 0.5 with a text prompt" in server.error(server.run(half))


def test_a_batch_gives_a_file_each(server):
    prompt = graph("tiny")
    prompt["10"] = {"class_type": IDS[0], "inputs": {"artwork": "garden ablaze (sample)"}}
    prompt["11"] = {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["10", 0]}}
    prompt["3"]["inputs"] = {"image": ["11", 0], "encoder": "tiny"}
    paths = server.outputs(server.run(prompt))
    assert len(paths) == 2
    assert heard(paths[0])[1] != heard(paths[1])[1]


def test_the_shipped_workflow_runs(server):
    prompt = server.as_prompt(shipped_workflow("tiny"))
    assert sorted(node["class_type"] for node in prompt.values()) == sorted(IDS)
    (path,) = server.outputs(server.run(prompt))
    assert heard(path)[1]


BUNDLED = PACK / "art2mus_core" / "pocket" / "model_index.json"


@pytest.mark.skipif(not BUNDLED.is_file(), reason="the bundled model is not there")
def test_the_shipped_workflow_runs_on_the_bundled_model(server):
    (path,) = server.outputs(server.run(server.as_prompt(shipped_workflow("pocket"))))
    _, samples, tags = heard(path)
    assert max(map(abs, samples)) > 0.1
    assert tags["model"] == "pocket"


def test_the_same_music_as_from_the_core(server, pocket_like):
    """One loop, one schedule, one finish: the node adds nothing and leaves nothing out."""
    from art2mus_core.audio.reading import read_audio
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    (path,) = server.outputs(server.run(graph("tiny", seed=11)))
    expected = load(str(pocket_like)).compose([read_artwork(samples()["silver_forest"])], seconds=1.5, seeds=[11])
    assert torch.allclose(read_audio(path, mono=False).samples, expected[0].samples, atol=2e-4)


def test_the_file_says_where_it_comes_from(server):
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork

    _, _, tags = heard(server.outputs(server.run(graph("tiny", seed=12)))[0])
    expected = {"model": "tiny", "aligner": "model", "seed": "12", "steps": "3", "solver": "dpm++2m-karras"}
    assert {name: tags[name] for name in expected} == expected
    assert tags["artwork_sha256"] == read_artwork(samples()["silver_forest"]).sha256


@pytest.mark.parametrize("kind", ["WAV", "MP3", "Opus"])
def test_other_formats_play(server, kind):
    prompt = graph("tiny", seconds=1.0)
    prompt["6"]["inputs"]["format"] = kind
    (path,) = server.outputs(server.run(prompt))
    rate, values, _ = heard(path)
    assert path.suffix == f".{kind.lower()}"
    assert len(values) >= rate


def test_the_template_and_the_help_are_served(server):
    assert "1 Painting to music" in server.get("/workflow_templates")["art2mus"]
    pages = [f"/extensions/art2mus/docs/{name}.md" for name in IDS]
    for page in ["/api/workflow_templates/art2mus/painting_to_music.json", *pages]:
        with urllib.request.urlopen(server.address + page) as answer:
            assert answer.read()


def test_samples_can_be_seen_before_they_are_played(server):
    name = urllib.parse.quote("silver forest (sample)")
    with urllib.request.urlopen(f"{server.address}/api/view?filename={name}&type=input") as answer:
        assert answer.headers["Content-Type"] == "image/jpeg"
    with pytest.raises(urllib.error.HTTPError), urllib.request.urlopen(f"{server.address}/api/view?filename=Sample"):
        pass


@pytest.mark.parametrize("model", ["tiny", "published"])
def test_core_nodes_run_on_our_types(server, model):
    (path,) = server.outputs(server.run(through_core_nodes(model)))
    rate, samples, _ = heard(path)
    assert len(samples) == pytest.approx(1.5 * rate, rel=0.1)


def test_the_same_seed_gives_the_same_music(server):
    first, again, other = (
        heard(server.outputs(server.run(graph("tiny", seed=seed, seconds=seconds)))[0])[1]
        for seed, seconds in ((5, 1.0), (5, 1.0), (6, 1.0))
    )
    assert first == again
    assert first != other


def test_another_artwork_under_the_same_name_is_heard(server):
    results = []
    for colour in ("red", "navy"):
        Image.new("RGB", (40, 30), colour).save(server.base / "input" / "canvas.png")
        results.append(heard(server.outputs(server.run(graph("tiny", "canvas.png")))[0])[1])
    assert results[0] != results[1]


def test_what_cannot_be_is_refused_in_words(server, comfyui_module):
    missing = graph("tiny", "gone.png")
    with pytest.raises(comfyui_module.RefusedError, match=r"no artwork 'gone\.png'"):
        server.queue(missing)
    outside = graph("tiny")
    outside["6"]["inputs"]["name"] = "../../escaped"
    with pytest.raises(comfyui_module.RefusedError, match="inside ComfyUI's output folder"):
        server.queue(outside)


def test_what_goes_wrong_is_said_in_words(server):
    (server.base / "input" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "cut.png is" in server.error(server.run(graph("tiny", "cut.png")))
    mixed = graph("tiny")
    mixed["12"] = {"class_type": IDS[1], "inputs": {"model": "published"}}
    mixed["5"]["inputs"] |= {"positive": ["5", 1], "vae": ["12", 1]}
    with pytest.raises(Exception, match="mismatch"):
        server.queue(mixed)


def test_music_goes_on_after_unloading(server):
    server.run(graph("tiny", seed=9))
    server.post("/free", {"unload_models": True, "free_memory": True})
    assert server.run(graph("tiny", seed=10))["status"]["status_str"] == "success"

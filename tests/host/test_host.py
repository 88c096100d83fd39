"""How the pack behaves as a guest: memory, options of the host, prompts that wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .graphs import graph, heard

pytestmark = pytest.mark.host

PROBE = Path(__file__).with_name("probe")


@pytest.fixture(scope="module")
def watched(comfyui_module, tmp_path_factory, pocket_like, published_like):
    """A server that keeps no outputs, with a pack that counts weights; its checkpoints are named in a YAML file."""
    base, elsewhere = tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "music").mkdir()
    (elsewhere / "music" / "far").symlink_to(pocket_like, target_is_directory=True)
    paths = base / "paths.yaml"
    paths.write_text(f"shelf:\n  base_path: {elsewhere}\n  art2mus: music\n", encoding="utf-8")
    options = ("--cache-none", "--extra-model-paths-config", str(paths), "--preview-method", "latent2rgb")
    with comfyui_module.ComfyUI(base, {"published": published_like}, options, {"probe": PROBE}) as running:
        yield running


def test_the_pack_counts_no_weights_before_it_works_and_none_after_free(watched):
    assert watched.get("/probe")["weights"] == 0
    for model in ("far", "published"):
        watched.outputs(watched.run(graph(model)))
    watched.post("/free", {"unload_models": True, "free_memory": True})
    deadline = time.monotonic() + 30
    while watched.get("/probe")["weights"] and time.monotonic() < deadline:
        time.sleep(0.5)
    assert watched.get("/probe")["weights"] == 0


def test_folders_of_extra_model_paths_are_read(watched):
    """Beside, and not instead of, the base folder's own."""
    options = watched.get("/object_info/Art2MusLoadModel")["Art2MusLoadModel"]["input"]["required"]["model"][1]
    assert {"far", "published", "pocket"} <= set(options["options"])


def test_two_prompts_wait_while_one_runs(watched):
    waiting = [watched.queue(graph("far", seed=seed, seconds=4.0, steps=9)) for seed in (1, 2, 3)]
    entries = [watched.wait(prompt) for prompt in waiting]
    pieces = [heard(path)[1] for entry in entries for path in watched.outputs(entry)]
    assert len(pieces) == 3
    assert pieces[0] != pieces[1] != pieces[2]


def test_a_prompt_leaves_no_memory_behind(watched):
    """The benchmark counts 200; here weights are counted, which a leak would keep alive."""
    watched.run(graph("far", seed=1))
    alive = watched.get("/probe")["weights"]
    for seed in (2, 3, 4):
        watched.run(graph("far", seed=seed))
    assert watched.get("/probe")["weights"] <= alive

"""How the pack behaves as a guest: memory, folders elsewhere, prompts that wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .graphs import commented, graph, heard

pytestmark = pytest.mark.host

PROBE = Path(__file__).with_name("probe")


@pytest.fixture(scope="module")
def watched(comfyui_module, tmp_path_factory, pocket_like, published_like, in_words):
    """A server with a pack that counts weights; one of its checkpoints is named in a YAML file."""
    base, elsewhere = tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "music").mkdir()
    (elsewhere / "music" / "far").symlink_to(pocket_like, target_is_directory=True)
    paths = base / "paths.yaml"
    paths.write_text(f"shelf:\n  base_path: {elsewhere}\n  art2mus: music\n", encoding="utf-8")
    options = ("--extra-model-paths-config", str(paths))
    with comfyui_module.ComfyUI(
        base, {"published": published_like, "words": in_words}, options, {"probe": PROBE}
    ) as running:
        yield running


def weights(server) -> int:
    return server.get("/probe")["weights"]


def test_no_weight_is_alive_before_the_first_run_and_none_after_free(watched):
    """In the second round too, in which all is loaded again."""
    assert weights(watched) == 0
    far, others = graph("far"), (graph("published"), commented())
    for prompts in ((far, *others), (far,), (commented(),)):
        for prompt in prompts:
            watched.outputs(watched.run(prompt))
        assert weights(watched) > 0
        watched.post("/free", {"unload_models": True, "free_memory": True})
        deadline = time.monotonic() + 30
        while weights(watched) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert weights(watched) == 0


def test_folders_of_extra_model_paths_are_read(watched):
    """Beside, and not instead of, the base folder's own."""
    options = watched.get("/object_info/Art2MusLoadModel")["Art2MusLoadModel"]["input"]["required"]["model"][1]
    assert {"far", "published", "pocket"} <= set(options["options"])


def test_two_prompts_wait_while_one_runs(watched):
    """All three are heard, each with its own seed."""
    prompts = [watched.queue(graph("far", seed=seed, seconds=30.0, steps=50)) for seed in (1, 2, 3)]
    line = watched.get("/queue")
    running, pending = ([entry[1] for entry in sorted(line[f"queue_{state}"])] for state in ("running", "pending"))
    assert (running, pending) == (prompts[:1], prompts[1:])
    entries = [watched.wait(prompt) for prompt in prompts]
    pieces = [tuple(heard(path)[1]) for entry in entries for path in watched.outputs(entry)]
    assert len(set(pieces)) == 3


def test_a_prompt_leaves_no_weight_behind(watched):
    """Each has another artwork, for which an encoder is loaded; the benchmark measures the memory of 200."""
    counts = []
    for artwork in ("silver forest", "garden ablaze", "blue flowers on red", "silver forest"):
        watched.outputs(watched.run(graph("far", f"{artwork} (sample)", seed=len(counts))))
        counts.append(weights(watched))
    assert counts == counts[:1] * 4

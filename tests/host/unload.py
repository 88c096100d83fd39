"""Composes inside the host's process, unloads, and prints what is left as JSON; see start_host.py --run."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import types
import weakref

import comfy.cli_args

comfy.cli_args.args.cpu = True
import comfy.model_management as memory  # noqa: E402  reads the arguments
import torch  # noqa: E402


def main() -> None:
    pack = types.ModuleType("pack")
    pack.__path__ = [sys.argv[1]]
    sys.modules["pack"] = pack
    assembly = importlib.import_module("pack.nodes.assembly")
    types_ = importlib.import_module("pack.art2mus_core.types")
    settings = importlib.import_module("pack.art2mus_core.pipelines.settings").Settings(1.0, 2)
    artwork = types_.Artwork(torch.zeros(3, 20, 30, dtype=torch.uint8))
    with torch.inference_mode():
        model, vae, language = assembly.load_parts(sys.argv[2])
        seen = assembly.look([artwork], sys.argv[2], identities=[artwork.sha256])
        positive, negative = assembly.align(seen, language, "model", 1.0)
        assembly.compose(model, vae, positive, negative, settings=settings, seed=0)
    weights = [
        weakref.ref(weight) for part in (model, vae.patcher, language.patcher) for weight in part.model.parameters()
    ]
    gc.collect()
    memory.cleanup_models()
    loaded = len(memory.current_loaded_models)
    memory.unload_all_models()
    unloaded = len(memory.current_loaded_models)
    del model, vae, language, positive, negative
    gc.collect()
    alive = sum(weight() is not None for weight in weights)
    sys.stdout.write(json.dumps({"loaded": loaded, "after unloading": unloaded, "alive": alive}) + "\n")


main()

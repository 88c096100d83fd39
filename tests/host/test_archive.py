"""The registry's archive alone in a real server: every node that works with a checkpoint does its work."""

from __future__ import annotations

import pytest

from ..nodes.test_registry import unpacked
from .graphs import in_one_node

pytestmark = pytest.mark.host


def test_the_archive_composes_scores_and_saves(comfyui_module, tmp_path, pocket_like):
    prompt = in_one_node(seconds=1.2, steps=2)
    prompt["4"] = {
        "class_type": "Art2MusScoreMusic",
        "inputs": {"audio": ["2", 0], "image": ["1", 0], "encoder": "tiny"},
    }
    prompt["5"] = {"class_type": "PreviewAny", "inputs": {"source": ["4", 0]}}
    prompt["6"] = {"class_type": "Art2MusPreviewMusic", "inputs": {"audio": ["2", 0]}}
    pack = unpacked(tmp_path / "archive" / "art2mus")
    with comfyui_module.ComfyUI(tmp_path / "base", {"tiny": pocket_like}, ours=pack) as server:
        entry = server.run(prompt)
        assert len(server.outputs(entry)) == 2
        assert server.get("/workflow_templates")["art2mus"]
        assert "Traceback" not in server.log.read_text()

from __future__ import annotations

import json
import shutil

import pytest

from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.routes import ART2MUSIC, AUDIOLDM2, ROUTES


@pytest.mark.parametrize(("kind", "route"), [(kind, route) for kind, routes in ROUTES.items() for route in routes])
def test_every_row_opens(request, kind, route):
    others = {(ART2MUSIC, "artwork"): "commented", (AUDIOLDM2, "text"): "talking_like"}
    folder = request.getfixturevalue(others.get((kind, route), "published_like"))
    pipeline = load(str(folder), route=route, offload=True)
    assert type(pipeline) is ROUTES[kind][route]()


def test_a_route_that_a_checkpoint_does_not_have_is_refused_by_name(pocket_like, tmp_path):
    with pytest.raises(SettingError, match=r"no route from dance in .*; expected one of artwork, text, sound"):
        load(str(pocket_like), route="dance")
    folder = shutil.copytree(pocket_like, tmp_path / "other")
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8")) | {
        "_class_name": "StableAudioPipeline"
    }
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(
        SettingError, match=r"whose class is StableAudioPipeline; expected a checkpoint of one of AudioLDM2Pipeline"
    ):
        load(str(folder))


@pytest.mark.parametrize("kind", [None, ["a"], {}])
def test_a_class_that_is_no_name_is_refused_in_a_line(pocket_like, tmp_path, kind):
    folder = shutil.copytree(pocket_like, tmp_path / "other")
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8")) | {"_class_name": kind}
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"model_index\.json of .* with _class_name"):
        load(str(folder))


def test_a_device_is_where_networks_compute(pocket_like):
    pipeline = load(str(pocket_like), device="meta", offload=True)
    with pipeline.resident(pipeline.parts.unet) as network:
        assert network.conv_in.weight.device.type == "meta"


def test_a_precision_that_is_not_torchs_is_refused(pocket_like):
    with pytest.raises(SettingError, match=r"dtype 'float32'; expected a torch\.dtype"):
        load(str(pocket_like), dtype="float32")

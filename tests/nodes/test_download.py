"""The download node's work against a real server; inside a running ComfyUI it is in tests/host."""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

FILES = {"unet/model.safetensors": b"weights" * 1000, "model_index.json": b"{}"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def source(tmp_path):
    """An address that gives the files, and the folder it gives them from."""
    root = tmp_path / "source"
    for path, content in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=root)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", root
        server.shutdown()
        thread.join()


@pytest.fixture
def fetching(pack, host_folders, source, monkeypatch):
    """The module, with a card `small` in the table."""
    cards = pack("art2mus_core.checkpoints.cards")
    files = tuple(map(cards.CardFile, FILES))
    words = ("A test.", "CC BY-NC 4.0", False, "Nobody 2024")
    small = cards.Card("small", "prior", *words, files, url=source[0], about_bytes=7002)
    module = pack("nodes.fetching")
    monkeypatch.setenv("ART2MUS_HOME", str(host_folders / "home"))
    monkeypatch.setattr(module, "read_cards", lambda: {"small": small})
    monkeypatch.setattr(module, "card", {"small": small}.__getitem__)
    return module


def reporter(steps):
    return lambda total, amount=str: lambda step: steps.append((step.done, step.total, total, amount(step.total)))


def test_every_published_model_is_offered(nodes):
    names = nodes["Art2MusDownloadModel"].GET_SCHEMA().inputs[0].options
    assert {"audioldm2", "imagebind", "art2mus-2024"} <= set(names)
    assert "pocket" not in names


@pytest.mark.parametrize("name", ["audioldm2", "imagebind", "clip-vit-l-14", "art2mus-2024"])
def test_the_licence_is_read_before_anything_else(nodes, pack, host_folders, name, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(host_folders / "home"))
    node, card = nodes["Art2MusDownloadModel"], pack("art2mus_core.checkpoints.cards").card(name)
    said = node.validate_inputs(name, accept_licence=False)
    assert all(part in said for part in (card.terms, card.source, card.citation, "switch accept_licence on"))
    assert node.validate_inputs(name, accept_licence=True) is True
    with pytest.raises(pack("art2mus_core.errors").SettingError, match="is not accepted"):
        pack("nodes.fetching").check_licence(name, accepted=False)


def test_the_default_accepts_nothing(nodes):
    assert nodes["Art2MusDownloadModel"].GET_SCHEMA().inputs[1].default is False


def test_a_model_comes_into_the_hosts_first_folder_and_once(fetching, host_folders, source):
    place, steps = host_folders / "models" / "art2mus" / "small", []
    assert not fetching.is_ready("small")
    said = fetching.download("small", reporter(steps))
    assert str(place) in said
    assert "Press R" in said
    assert {path: (place / path).read_bytes() for path in FILES} == FILES
    assert steps[-1] == (7002, 7002, 7002, "0.1 MB")
    assert not (host_folders / "home").exists()
    (source[1] / "model_index.json").unlink()
    assert fetching.download("small", reporter([])) == f"small is installed: {place}"
    fetching.check_licence("small", accepted=False)


def test_a_model_in_another_folder_of_the_host_is_here(fetching, host_folders, source):
    import folder_paths

    roots = [str(host_folders / "first"), str(host_folders / "second")]
    folder_paths.folder_names_and_paths["art2mus"] = (roots, set())
    source[1].rename(host_folders / "small")
    (host_folders / "second").mkdir()
    (host_folders / "small").rename(host_folders / "second" / "small")
    assert fetching.download("small", reporter([])) == f"small is installed: {host_folders / 'second' / 'small'}"


def test_a_model_among_the_cores_own_is_here(fetching, host_folders, source):
    (host_folders / "home").mkdir()
    place = source[1].rename(host_folders / "home" / "small")
    assert fetching.download("small", reporter([])) == f"small is installed: {place}"


def test_the_node_runs_again_once_a_model_is_gone(nodes, fetching, source):
    node = nodes["Art2MusDownloadModel"]
    for name in ("small", None):
        assert node.fingerprint_inputs(name, accept_licence=True) == []
    fetching.download("small", reporter([]))
    for name in ("small", None):
        assert node.fingerprint_inputs(name, accept_licence=None) == ["small"]


@pytest.mark.usefixtures("fetching")
def test_a_linked_licence_is_asked_for_when_it_runs(pack, nodes, host_folders):
    node = nodes["Art2MusDownloadModel"]
    assert node.validate_inputs("small", accept_licence=None) is True
    with pytest.raises(pack("art2mus_core.errors").SettingError, match="is not accepted"):
        node.execute("small", accept_licence=False)
    assert not (host_folders / "models").exists()


def test_what_came_before_a_stop_is_kept(fetching, host_folders):
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetching.download("small", lambda total, amount=str: stop)
    assert list((host_folders / "models" / "art2mus" / "small").rglob("*.partial"))


def test_without_a_connection_the_way_by_hand_is_told(pack, fetching, host_folders, source):
    (source[1] / "model_index.json").unlink()
    with pytest.raises(pack("art2mus_core.errors").CheckpointError) as caught:
        fetching.download("small", reporter([]))
    assert source[0] in caught.value.remedy
    assert str(host_folders / "models" / "art2mus" / "small") in caught.value.remedy
    assert "unet/model.safetensors, model_index.json" in caught.value.remedy


@pytest.mark.parametrize(
    ("kind", "made", "wanted"),
    [("encoder", ("image_encoder/model.safetensors",), "weights.pth"), ("prior", (), "text_encoder")],
)
def test_what_comes_after_fetching_is_tried(pack, host_folders, kind, made, wanted):
    cards, errors = pack("art2mus_core.checkpoints.cards"), pack("art2mus_core.errors")
    files = (cards.CardFile("weights.pth"),)
    card = cards.Card("small", kind, "", "", None, "", files, url="http://nowhere/", converted=made, then="art2mus ...")
    (host_folders / "weights.pth").write_bytes(b"damaged")
    (host_folders / "model_index.json").write_text("{}")
    with pytest.raises(errors.CheckpointError, match=wanted):
        pack("art2mus_core.pipelines.finishing").finish_fetching(card, host_folders, lambda _: None)


def test_a_full_disk_is_told_with_the_hosts_way_out(pack, fetching, host_folders):
    place = host_folders / "models" / "art2mus"
    place.mkdir(parents=True)
    (place / "small").write_text("a file where the folder should be")
    with pytest.raises(pack("art2mus_core.errors").OutputError, match=r"extra_model_paths\.yaml"):
        fetching.download("small", reporter([]))


def test_a_full_disk_is_told_the_same_way_when_the_words_are_exported(
    pack, fetching, host_folders, talking_like, monkeypatch
):
    cards, place = pack("art2mus_core.checkpoints.cards"), host_folders / "models" / "art2mus" / "small"
    left_out = shutil.ignore_patterns("constants")
    shutil.copytree(talking_like, place, ignore=left_out)
    (place / "constants").write_text("a file where the folder should be")
    files = (cards.CardFile("model_index.json"),)
    card = cards.Card(
        "small", "prior", "", "", None, "", files, url="http://nowhere/", then="art2mus export-text small"
    )
    monkeypatch.setattr(fetching, "card", {"small": card}.__getitem__)
    with pytest.raises(pack("art2mus_core.errors").OutputError, match="constants") as caught:
        fetching.download("small", reporter([]))
    assert "extra_model_paths.yaml" in caught.value.remedy


def test_what_was_converted_may_be_deleted(pack, fetching, host_folders, monkeypatch):
    """The conversion itself takes ImageBind's whole file; tests/encoders has it."""
    cards, place = pack("art2mus_core.checkpoints.cards"), host_folders / "models" / "art2mus" / "eyes"
    place.mkdir(parents=True)
    (place / "eyes.pth").write_bytes(bytes(4_800_000))
    made, files = ("image_encoder/config.json",), (cards.CardFile("eyes.pth"),)
    card = cards.Card(
        "eyes", "encoder", "", "", None, "", files, url="http://nowhere/", converted=made, then="art2mus ..."
    )
    monkeypatch.setattr(fetching, "card", {"eyes": card}.__getitem__)

    def finish(card, folder, on_step):
        (folder / "image_encoder").mkdir()
        (folder / "image_encoder" / "config.json").write_text("{}")

    monkeypatch.setattr(pack("art2mus_core.pipelines.finishing"), "finish_fetching", finish)
    assert fetching.download("eyes", reporter([])).endswith(" You can delete the downloaded eyes.pth (4.8 MB).")
    (place / "eyes.pth").unlink()
    assert fetching.is_ready("eyes")


def test_captioners_are_left_to_the_command_line(pack):
    cards = pack("art2mus_core.checkpoints.cards").read_cards()
    names = pack("nodes.fetching").published_names()
    assert {cards[name].kind for name in names} >= {"prior", "encoder", "aligner"}
    fetched = {name: card for name, card in cards.items() if not card.bundled}
    assert {fetched[name].kind for name in fetched.keys() - set(names)} == {"captioner"}


def test_what_is_half_fetched_is_in_no_list(pack, tmp_path):
    """What makes a folder that which its card says comes last, or by conversion."""
    names = pack("art2mus_core.checkpoints.names")
    kinds = {kind.card: tells for tells, kind in names.KINDS.items()}
    for card in pack("art2mus_core.checkpoints.cards").read_cards().values():
        is_a, folder = kinds[card.kind], tmp_path / card.name
        for file in card.files:
            assert not is_a(folder), (card.name, file)
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            kind = {"judge": "clap", "captioner": "blip"}.get(card.kind, "clip")
            (folder / file.path).write_text(json.dumps({"model_type": kind, "_class_name": names.ART2MUSIC}))
        assert is_a(folder) != bool(card.converted), card.name


def test_stop_ends_the_waiting_for_another_fetch(fetching, pack, host_folders):
    class Stopped(Exception):  # noqa: N818  as the host's own
        pass

    said = []

    def stopped(total, amount=str):
        def on_step(step):
            said.append(step.stage)
            raise Stopped

        return on_step

    folder = fetching._place(fetching.card("small"))
    with pack("art2mus_core.locking").alone(folder, "fetch of small", print), pytest.raises(Stopped):
        fetching.download("small", stopped)
    assert said[0].startswith("another fetch of small is running")
    assert not folder.exists()

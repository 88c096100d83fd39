"""The commands that say and fetch what there is."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from art2mus_core.checkpoints import presence
from art2mus_core.checkpoints.cards import card
from art2mus_core.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path):
    """Runs `art2mus` with an empty home and no terminal; returns exit code, standard output and standard error."""
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as leaving:
            main(list(arguments))
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run


def test_models_are_listed_with_what_fetches_them(art2mus, tmp_path):
    code, out, err = art2mus("models")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "CC0" in lines["pocket"]
    assert "  here  " in lines["pocket"]
    assert "  here  " in lines["art2music"]
    assert "Apache-2.0 (commercial use allowed)" in lines["art2music"]
    assert "not here" in lines["audioldm2"]
    assert "4.5 GB" in lines["audioldm2"]
    assert "no commercial use" in lines["audioldm2"]
    assert lines["imagebind"].endswith("art2mus fetch imagebind")
    assert str(tmp_path / "home") in lines["Folder:"]


def test_the_persons_own_checkpoints_of_every_kind_are_listed(art2mus, tmp_path):
    for path in ("music/model_index.json", "eyes/image_encoder/config.json", "audioldm2/model_index.json", "a/a.pt"):
        (tmp_path / "home" / path).parent.mkdir(parents=True)
        (tmp_path / "home" / path).write_text("{}", encoding="utf-8")
    _, out, _ = art2mus("models")
    assert [line.split()[0] for line in out.splitlines() if "your own" in line] == ["a", "eyes", "music"]


def test_models_as_a_document(art2mus, tmp_path):
    (tmp_path / "home" / "mine").mkdir(parents=True)
    (tmp_path / "home" / "mine" / "model_index.json").write_text("{}", encoding="utf-8")
    code, out, _ = art2mus("models", "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 0
    assert told["own"] == ["mine"]
    rows = {row["name"]: row for row in told["models"]}
    assert rows["pocket"]["state"] == "here"
    assert rows["pocket"]["missing"] == []
    assert rows["imagebind"]["missing"] == ["imagebind_huge.pth"]
    assert rows["imagebind"]["known_bytes"] == 4803584173
    assert rows["art2mus-2024"]["needs"] == ["imagebind", "audioldm2"]
    assert rows["clip-vit-l-14"]["commercial"] is None


def test_a_licence_is_shown_and_not_taken_for_granted(art2mus, tmp_path):
    code, out, err = art2mus("fetch", "imagebind")
    assert code == 2
    assert "Licence:  CC BY-NC-SA 4.0 (no commercial use)" in out
    assert "4.8 GB in 1 file\n" in out
    assert "art2mus fetch imagebind --yes" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "home").exists()


def test_whoever_says_no_fetches_nothing(art2mus, tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    code, out, _ = art2mus("fetch", "imagebind")
    assert code == 0
    assert out.endswith("Nothing was fetched.\n")
    assert not (tmp_path / "home").exists()


def test_what_is_here_is_not_fetched_again(art2mus, tmp_path):
    folder = tmp_path / "home" / "imagebind" / "image_encoder"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes(b"{}")
    code, out, err = art2mus("fetch", "imagebind", "--yes")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"imagebind is installed in {folder.parent}"
    assert "4.8 GB in 1 file\n" in art2mus("fetch", "imagebind", "--again")[1]


@pytest.mark.parametrize(("name", "told"), [("pocket", "comes with the package"), ("audioldm3", "Check the name")])
def test_a_name_that_cannot_be_fetched_is_told(art2mus, name, told):
    code, out, err = art2mus("fetch", name, "--yes")
    assert (code, out) == (2, "")
    assert told in err


def test_the_doctor_says_what_is_usable_and_what_mends_the_rest(art2mus):
    code, out, err = art2mus("doctor")
    assert (code, err) == (0, "")
    verdicts = {line.split()[0]: line.split(maxsplit=1)[1] for line in out.split("\n\n")[1].splitlines()}
    assert verdicts["pocket"] == verdicts["art2music"] == "usable"
    assert verdicts["audioldm2"] == "not downloaded: art2mus fetch audioldm2"
    commands = [f"art2mus fetch {name}" for name in ("imagebind", "audioldm2", "art2mus-2024")]
    assert verdicts["art2mus-2024"] == f"not downloaded: {', then '.join(commands)}"


@pytest.fixture
def lay(tmp_path, monkeypatch):
    """Puts files of a checkpoint, all of its card if none are named, into a home with a space in its name; they are empty but for their size."""
    if sys.platform == "win32":
        pytest.skip("files of gigabytes without content take their place there")
    home = tmp_path / "my models"

    def put(name: str, *paths: str) -> Path:
        sizes = {file.path: file.size or 1 for file in card(name).files}
        for path in paths or sizes:
            (home / name / path).parent.mkdir(parents=True, exist_ok=True)
            with (home / name / path).open("wb") as file:
                file.truncate(sizes.get(path, 1))
        return home

    return put


def test_models_that_are_fetched_are_listed_with_what_comes_next(art2mus, lay, monkeypatch):
    monkeypatch.setenv("ART2MUS_HOME", str(lay("imagebind")))
    home = lay("audioldm2")

    def listed(*arguments: str) -> dict[str, str]:
        return {line.split()[0]: line for line in art2mus("models", *arguments)[1].splitlines()}

    convert = f"art2mus convert '{home / 'imagebind' / 'imagebind_huge.pth'}'"
    assert listed()["imagebind"].endswith(f"  {convert}")
    assert listed()["audioldm2"].endswith("  art2mus export-text audioldm2")
    rows = {row["name"]: row["next"] for row in json.loads(art2mus("models", "--json")[1])["models"]}
    assert rows["imagebind"] == convert
    assert rows["clip-vit-l-14"] == "art2mus fetch clip-vit-l-14"
    assert rows["pocket"] is None
    lay("imagebind", *card("imagebind").converted)
    lay("audioldm2", "constants/model.safetensors")
    assert listed()["imagebind"].endswith("(no commercial use)")
    assert listed()["audioldm2"].endswith("(no commercial use)")


@pytest.fixture
def verdicts(art2mus):
    """What the doctor says of each checkpoint."""

    def ask() -> dict[str, str]:
        _, out, _ = art2mus("doctor")
        return {line.split()[0]: line.split(maxsplit=1)[1] for line in out.split("\n\n")[1].splitlines()}

    return ask


def test_what_is_fetched_is_told_what_is_to_be_made_of_it(verdicts, lay, monkeypatch):
    for name in ("imagebind", "audioldm2", "art2mus-2024"):
        home = lay(name)
    monkeypatch.setenv("ART2MUS_HOME", str(home))
    fetched = verdicts()
    convert, export = f"art2mus convert '{home / 'imagebind' / 'imagebind_huge.pth'}'", "art2mus export-text audioldm2"
    assert fetched["imagebind"] == f"not usable: {convert}"
    assert fetched["audioldm2"] == f"not usable: {export}"
    assert fetched["art2mus-2024-4"] == f"not downloaded: art2mus fetch art2mus-2024-4, then {convert}, then {export}"


@pytest.fixture
def working(tmp_path, monkeypatch, published_like) -> Path:
    """A home of what composes and has other sizes than its cards: a tiny encoder and prior, one full projection."""
    home = tmp_path / "working"
    for name, parts in {"imagebind": "image_encoder", "audioldm2": "*"}.items():
        for part in published_like.glob(parts):
            target = home / name / part.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(part, target) if part.is_dir() else shutil.copy(part, target)
    shapes = {"projection1": (1536, 1024), "projection2": (768, 1536)}
    state = {f"{name}.weight": torch.zeros(shape) for name, shape in shapes.items()}
    state |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    (home / "art2mus-2024").mkdir()
    torch.save(state, home / "art2mus-2024" / "art2mus_img_proj_layer.pt")
    monkeypatch.setenv("ART2MUS_HOME", str(home))
    return home


def test_what_composes_is_usable_whatever_its_card_says(verdicts, working):
    told = verdicts()
    assert told["pocket"] == "usable"
    assert told["imagebind"] == "usable, with an aligner"
    assert told["audioldm2"] == "usable, not complete: art2mus fetch audioldm2"
    assert told["art2mus-2024"] == "usable, with imagebind and audioldm2"
    assert told["art2mus-2024-4"] == "not downloaded: art2mus fetch art2mus-2024-4"


def test_an_aligner_is_as_usable_as_what_it_was_made_for(art2mus, verdicts, working):
    (working / "audioldm2" / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    told = verdicts()
    assert told["audioldm2"] == told["art2mus-2024"] == "not usable: art2mus fetch audioldm2"
    rows = {row["name"]: row for row in json.loads(art2mus("doctor", "--json")[1].splitlines()[-1])["models"]}
    assert "unet" in rows["art2mus-2024"]["trouble"]
    assert rows["imagebind"]["trouble"] is None


def test_what_is_here_and_cannot_be_opened_says_why(verdicts, working):
    (working / "imagebind" / "image_encoder" / "model.safetensors").write_bytes(b"damaged")
    (working / "art2mus-2024" / "art2mus_img_proj_layer.pt").write_bytes(b"damaged")
    told = verdicts()
    for name in ("imagebind", "art2mus-2024"):
        assert told[name].startswith("not usable: ")
        assert str(working / name) in told[name]
        assert "expected" in told[name]


def test_a_damaged_installation_is_told_with_what_mends_it(art2mus, monkeypatch, tmp_path):
    monkeypatch.setattr(presence, "PACKAGED", tmp_path)
    code, out, _ = art2mus("doctor")
    assert code == 2
    assert "pocket           damaged: image_encoder/config.json" in out
    assert "art2music        damaged: text_encoder/config.json" in out
    assert "To repair: " in out


def test_the_doctor_as_a_document(art2mus, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    code, out, _ = art2mus("doctor", "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 0
    assert told["libraries"]["torch"]
    assert told["devices"][0]["name"] == "cpu"
    assert told["memory"]["total"] is None or told["memory"]["total"] > 1e8
    assert told["disk_free"] > 0
    assert told["home"] == str(tmp_path / "home")
    assert told["variables"]["HF_HUB_OFFLINE"] == "0"
    assert told["mend"] == []


def test_a_library_that_is_not_there_is_missed(art2mus, monkeypatch):
    doctor = importlib.import_module("art2mus_core.cli.doctor")
    monkeypatch.setattr(doctor, "LIBRARIES", ("torch", "no-such-library"))
    code, out, _ = art2mus("doctor")
    assert code == 2
    assert "no-such-library  missing" in out
    assert out.endswith("\nTo repair: python -m pip install no-such-library\n")
    assert "pocket           not usable: libraries are missing" in out


def test_listing_and_refusing_need_neither_torch_nor_the_hub():
    code = "import sys\nfrom art2mus_core.cli import main\n"
    code += "for words in (['models'], ['fetch', 'pocket'], ['--help']):\n"
    code += "    try:\n        main(words)\n    except SystemExit:\n        pass\n"
    code += "print(sorted({'torch', 'huggingface_hub', 'numpy', 'diffusers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

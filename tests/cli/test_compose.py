from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.checkpoints.folder import weights_file

from .saying import one_line, written

ROOT = Path(__file__).parents[2]


def test_an_artwork_becomes_a_file_of_its_name(art2mus, paintings):
    code, out, err = art2mus("compose", paintings / "dawn.png", "--seconds", "1.5")
    assert (code, err) == (0, "")
    assert written() == ["dawn.flac"]
    assert "dawn.flac" in out
    assert read_audio(Path("dawn.flac")).samples.shape == (1, 1, 12000)


def test_the_tempo_key_and_band_of_the_plan_are_told(art2mus, paintings):
    _, out, _ = art2mus("compose", paintings / "dawn.png", "--model", "pocket", "--seconds", "1", "--steps", "1")
    tags = read_tags(Path("dawn.flac"))
    planned = f"  {float(tags['bpm']):.0f} bpm, {tags['key']}, {tags['band']}"
    assert out.splitlines()[0].endswith(f"dawn.flac  1 s  from {paintings / 'dawn.png'}{planned}")


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".WAV"])
def test_the_suffix_is_the_format(art2mus, paintings, suffix):
    assert art2mus("compose", paintings / "dawn.png", "-o", f"my piece{suffix}", "--seconds", "1")[0] == 0
    assert written() == [f"my piece{suffix}"]
    magic = Path(f"my piece{suffix}").read_bytes()[:4]
    assert magic == (b"fLaC" if suffix == ".flac" else b"RIFF")


def test_the_file_says_where_it_comes_from(art2mus, paintings):
    art2mus(
        "compose",
        paintings / "dawn.png",
        "--seconds",
        "1",
        "--seed",
        "7",
        "--steps",
        "2",
        "--guidance",
        "3",
        "--reprise",
        "0.4",
        "--precision",
        "float32",
    )
    tags = read_tags(Path("dawn.flac"))
    expected = {
        "artwork": "dawn",
        "seed": "7",
        "steps": "2",
        "guidance": "3.0",
        "seconds": "1.0",
        "title": "dawn",
        "precision": "float32",
        "shared_noise": "False",
        "level": "True",
        "reprise": "0.4",
    }
    assert tags.items() >= expected.items()
    assert tags["solver"] == "dpm++2m-karras"
    assert re.fullmatch("[0-9a-f]{64}", tags["artwork_sha256"])
    assert b"image/jpeg" in Path("dawn.flac").read_bytes()


def test_a_folder_becomes_a_folder(art2mus, paintings):
    code, out, err = art2mus("compose", paintings, "-o", "a/b", "--seconds", "1", "--json")
    assert (code, err) == (0, "")
    assert written() == ["a/b/dawn.flac", "a/b/dusk.flac", "a/b/noon.flac"]
    document = json.loads(out.splitlines()[-1])
    assert [Path(piece["file"]).name for piece in document["pieces"]] == ["dawn.flac", "dusk.flac", "noon.flac"]
    settings = {"seconds": 1.0, "steps": 3, "guidance": 1.5, "solver": "dpm++2m-karras"}
    more = {"shared_noise": False, "level": True, "reprise": 0.9, "guided_below": 1.0, "preset": "balanced"}
    assert document["settings"] == settings | more
    assert document["failed"] == []


def test_a_batch_plays_what_each_artwork_plays_alone(art2mus, paintings):
    art2mus("compose", paintings, "-o", "together", "--seconds", "1", "--seed", "3")
    art2mus("compose", paintings / "noon.png", "--seconds", "1", "--seed", "3")
    together, alone = (read_audio(Path(name)).samples for name in ("together/noon.flac", "noon.flac"))
    assert (together - alone).abs().max() < 1e-3


def test_artworks_start_from_one_noise_on_request(art2mus, paintings):
    chosen = ("--seconds", "1", "--guidance", "0", "--shared-noise")
    assert art2mus("compose", paintings, "-o", "shared", *chosen)[0] == 0
    assert art2mus("compose", paintings / "dawn.png", "-o", "own.flac", *chosen[:-1])[0] == 0
    dawn, noon, own = (read_audio(Path(name)).samples for name in ("shared/dawn.flac", "shared/noon.flac", "own.flac"))
    assert (dawn - noon).abs().max() < 1e-3
    assert (dawn - own).abs().max() > 1e-2
    assert read_tags(Path("shared/dawn.flac"))["shared_noise"] == "True"


def test_a_piece_is_levelled_by_the_gain_in_its_tags_unless_unwanted(art2mus, paintings):
    _, out, _ = art2mus("compose", paintings / "dawn.png", "-o", "own.flac", "--seconds", "1", "--json")
    assert art2mus("compose", paintings / "dawn.png", "-o", "raw.flac", "--seconds", "1", "--no-level")[0] == 0
    own, raw = (read_audio(Path(name)).samples for name in ("own.flac", "raw.flac"))
    tags, plain = (read_tags(Path(name)) for name in ("own.flac", "raw.flac"))
    gain = float(tags["gain_db"])
    assert json.loads(out.splitlines()[-1])["pieces"][0]["gain_db"] == gain != 0
    assert (own - raw).abs().max() > 1e-2
    assert (tags["level"], plain["level"], "gain_db" in plain) == ("True", "False", False)


def test_in_a_folder_the_good_ones_are_composed_and_the_bad_ones_listed(art2mus, paintings):
    (paintings / "dusk.png").write_bytes((paintings / "dusk.png").read_bytes()[:99])
    (paintings / "empty.png").write_bytes(b"")
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--json")
    assert code == 2
    assert one_line(err)
    assert "2 of 4" in err
    assert "dusk.png" in err
    assert "empty.png" in err
    assert written() == ["out/dawn.flac", "out/noon.flac"]
    failed = json.loads(out.splitlines()[-1])["failed"]
    assert [Path(entry["artwork"]).name for entry in failed] == ["dusk.png", "empty.png"]


def test_equal_stems_do_not_overwrite_one_another(art2mus, paintings):
    other = paintings.parent / "others"
    other.mkdir()
    shutil.copy(paintings / "dusk.png", other / "Dawn.png")
    shutil.copy(paintings / "dusk.png", other / "dawn-2.png")
    artworks = (paintings / "dawn.png", other / "Dawn.png", other / "dawn-2.png")
    assert art2mus("compose", *artworks, "--seconds", "1")[0] == 0
    assert len(written()) == len({name.casefold() for name in written()}) == 3


def test_more_artworks_than_a_batch_holds(art2mus, paintings):
    for index in range(7):
        shutil.copy(paintings / "dawn.png", paintings / f"copy {index}.png")
    code, out, _ = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1", "--json")
    assert code == 0
    assert len(json.loads(out.splitlines()[-1])["pieces"]) == len(written()) == 10


WRONG = {
    "no such file": ("compose", "nowhere.png"),
    "nonsense suffix": ("compose", "{art}", "-o", "a.mus"),
    "no suffix": ("compose", "{art}", "-o", "music"),
    "one file for several": ("compose", "{folder}", "-o", "a.flac"),
    "too short": ("compose", "{art}", "--seconds", "0.5"),
    "too long": ("compose", "{art}", "--seconds", "121"),
    "not a number": ("compose", "{art}", "--seconds", "nan"),
    "infinite guidance": ("compose", "{art}", "--guidance", "inf"),
    "no steps": ("compose", "{art}", "--steps", "0"),
    "negative seed": ("compose", "{art}", "--seed", "-1"),
    "words for a number": ("compose", "{art}", "--seconds", "long"),
    "unknown solver": ("compose", "{art}", "--solver", "plms"),
    "unknown preset": ("compose", "{art}", "--preset", "slow"),
    "a preset that the model lacks": ("compose", "{art}", "--preset", "instant"),
    "unknown aligner": ("compose", "{art}", "--aligner", "nobody"),
    "unknown device": ("compose", "{art}", "--device", "abacus"),
    "unknown precision": ("compose", "{art}", "--precision", "float8"),
    "unknown option": ("compose", "{art}", "--sconds", "3"),
    "no artwork": ("compose",),
    "unknown command": ("play", "{art}"),
    "not a picture": ("compose", "{script}"),
    "an empty folder": ("compose", "{empty}"),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_one_line_and_nothing_is_written(art2mus, paintings, tmp_path, arguments):
    empty = tmp_path / "empty"
    empty.mkdir()
    places = {"art": paintings / "dawn.png", "folder": paintings, "script": __file__, "empty": empty}
    code, out, err = art2mus(*(argument.format(**places) for argument in arguments))
    assert code == 2
    assert out == ""
    assert one_line(err)
    assert written() == []


def test_an_unknown_model_is_one_line(art2mus, paintings):
    code, _, err = art2mus("compose", paintings / "dawn.png", model="nobody")
    assert code == 2
    assert one_line(err)
    assert "pocket" in err


def test_damaged_weights_are_one_line_and_nothing_is_written(art2mus, paintings, own_checkpoint):
    path = weights_file(own_checkpoint, "unet")
    path.write_bytes(path.read_bytes()[:-100])
    code, _, err = art2mus("compose", paintings, "-o", "out", model=own_checkpoint)
    assert code == 2
    assert one_line(err)
    assert "damaged" in err
    assert not Path("out").exists()


def test_an_existing_folder_takes_the_file(art2mus, paintings):
    Path("music").mkdir()
    assert art2mus("compose", paintings / "dawn.png", "-o", "music", "--seconds", "1")[0] == 0
    assert written() == [str(Path("music/dawn.flac"))]


@pytest.fixture
def interrupted(monkeypatch):
    """Presses Ctrl-C at the end of the second denoising step; what was told until then."""
    told = []

    def on_step(step):
        told.append((step.stage, step.done))
        if told[-1] == ("denoise", 2):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("art2mus_core.cli.compose.reporting", lambda *_: nullcontext(on_step))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield told
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_one_line_and_leaves_nothing_half_written(art2mus, paintings, interrupted):
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "5")
    assert (code, out) == (130, "")
    assert one_line(err)
    assert interrupted[-1] == ("denoise", 2)
    assert written() == []


def test_help_and_version_are_no_mistakes(art2mus):
    for arguments in (["--help"], ["compose", "--help"], ["--version"], []):
        code, out, err = art2mus(*arguments, model=None)
        assert (code, err) == (0, "")
        assert out


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_help_imports_neither_tensors_nor_other_commands():
    script = (
        "import sys; from art2mus_core.cli import main\n"
        "try: main(['compose', '--help'])\n"
        "except SystemExit: print(sorted({'torch', 'numpy', 'diffusers', 'PIL', 'art2mus_core.cli.train'} & set(sys.modules)), len(sys.modules))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), timeout=200, check=True
    )
    heavy, count = finished.stdout.splitlines()[-1].rsplit(" ", 1)
    assert heavy == "[]"
    assert int(count) < 700
    assert "Compose music" in finished.stdout


def imported_by_torch():
    """Modules that torch imports for a tensor without memory; in 2.4 sympy is one of them."""
    script = "import sys, torch; torch.zeros(2, device='meta'); print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


OTHER_ROUTES = (
    *("art2mus_core.encoders.clip", "art2mus_core.encoders.text", "art2mus_core.pipelines.texts"),
    *("art2mus_core.evaluation", "art2mus_core.training", "art2mus_core.datasets", "art2mus_core.figures"),
    *("transformers", "diffusers", "torch._dynamo", "sympy", "scipy", "huggingface_hub"),
    *("librosa", "pandas", "pyarrow", "aiohttp", "openai", "torchvision", "torchaudio"),
)
"""What composing with the bundled model's parts has no need of."""


def test_a_process_of_its_own(tmp_path, paintings, checkpoint):
    """Nothing but the document on standard output, nothing at all on standard error, and no import of another route."""
    listed = tmp_path / "modules.txt"
    script = (
        "import atexit, sys; from pathlib import Path; from art2mus_core.cli import main\n"
        f"atexit.register(lambda: Path({str(listed)!r}).write_text(chr(10).join(sys.modules)))\nmain()"
    )
    command = [sys.executable, "-c", script, "compose"]
    arguments = [paintings / "dawn.png", "-o", tmp_path / "Größe 1.flac", "--seconds", "1", "--json"]
    finished = subprocess.run(
        [*command, *arguments, "--model", checkpoint],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert json.loads(finished.stdout)["pieces"][0]["seconds"] == 1.0
    assert (tmp_path / "Größe 1.flac").stat().st_size > 1000
    imported = set(listed.read_text().split())
    assert "art2mus_core.pipelines.diffusion" in imported
    assert not [name for name in OTHER_ROUTES if name in imported - imported_by_torch()]


def test_a_tree_of_artworks_becomes_a_tree_of_music(art2mus, paintings, tmp_path):
    tree = tmp_path / "tree"
    for place in ("", "spring", "spring/early"):
        (tree / place).mkdir(exist_ok=True)
        shutil.copy(paintings / "dawn.png", tree / place / "dawn.PNG")
    (tree / "notes.txt").write_text("none")
    code, out, err = art2mus("compose", tree, "-r", "-o", "music", "--seconds", "1", "--steps", "1")
    assert (code, err) == (0, "")
    assert written() == ["music/dawn.flac", "music/spring/dawn.flac", "music/spring/early/dawn.flac"]
    assert out.splitlines()[-1] == "skipped 1 of 4 files: notes.txt (not a picture)"


def test_what_a_folder_holds_beside_artworks_is_told(art2mus, paintings, tmp_path):
    mixed = tmp_path / "mixed"
    (mixed / "inner").mkdir(parents=True)
    shutil.copy(paintings / "dawn.png", mixed)
    (mixed / "scan.cr2").write_bytes(b"x")
    code, out, err = art2mus("compose", mixed, "-o", "music", "--seconds", "1", "--steps", "1", "--json")
    assert (code, err) == (0, "")
    skipped = json.loads(out.splitlines()[-1])["skipped"]
    assert [Path(each["file"]).name for each in skipped] == ["scan.cr2", "inner"]
    (mixed / "dawn.png").unlink()
    code, _, err = art2mus("compose", mixed, "-o", "music", "--seconds", "1")
    assert code == 2
    assert one_line(err)
    assert "scan.cr2 (a camera's raw file" in err


def test_what_was_guessed_of_a_picture_is_told(art2mus, paintings, tmp_path):
    from PIL import Image

    with Image.open(paintings / "dawn.png") as image:
        image.save(tmp_path / "odd.png", icc_profile=b"none")
    code, out, err = art2mus("compose", tmp_path / "odd.png", "--seconds", "1", "--steps", "1")
    assert (code, err) == (0, "")
    assert "odd.png: its colour profile is damaged" in out
    _, out, _ = art2mus("compose", tmp_path / "odd.png", "--seconds", "1", "--steps", "1", "--json")
    assert "damaged" in json.loads(out.splitlines()[-1])["pieces"][0]["notes"][0]

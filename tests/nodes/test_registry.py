"""The archive that ComfyUI's registry gets: what is in it, what its scanner stops at, and that the nodes need nothing else.

The registry hides a version in which its scanner finds anything at all, until a person has looked at it. The scanner
compares text: it knows no language and reads comments and documents too. Its rules are not published; RULES holds what it
was seen to stop at in packs of others (Comfy-Org/registry-backend, issues 180 to 237; findings name their rules), each taken
widely. Every hit is written down in registry_hits.toml with its reason. A new one is mended in this order: the file isn't
needed by a node and goes into .comfyignore; there is a plainer way; or it gets its line. Nothing is spelled differently so
that the scanner misses it.
"""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pathspec
import pytest

from ..test_house import ROOT, TEXTS, own_files
from .describe import load_nodes

RULES = {
    "network": r"\.(?:connect|bind|listen|login|create_connection|send(?:all|to)?|recv(?:from|_into)?)\s*\("
    r"|\baiohttp\s*\.\s*ClientSession|\bsocket\.socket|\burllib\.request|\burlopen\b|\burlretrieve\b|\bhttp\.client\b"
    r"|\brequests\.(?:get|post|put|patch|delete|head|request|Session)\b|\bhttpx\b|\bftplib\b|\bsmtplib\b|\bgettempdir\b",
    "environment": r"\bos\.(?:environ|getenv|putenv|unsetenv)\b",
    "command": r"\bsubprocess\b|\bPopen\b|\bos\.(?:system|popen|spawn\w*|exec\w+)\s*\(",
    "execution": r"(?<![\w.])(?:eval|exec|compile)\s*\(|\.eval\s*\(|\bnew\s+Function\s*\(",
    "bytecode": r"\bimportlib\b|\b__import__\s*\(|\bmarshal\b|\bsys\.modules\b|\bimport_module\b",
    "pickle": r"\bpickle\.|\btorch\.load\b",
    "raw content": r"://raw\.|\bpastebin\.com|\bgist\.github|://cdn\.discordapp|\bngrok\b",
    "deletion": r"\brm\s+-(?:rf|fr)\b",
    "installation": r"\bpip3?\s+install\b|\bgit\+https?:|\.whl\b|--(?:extra-)?index-url",
    "download by command": r"\b(?:curl|wget|ffmpeg|ffprobe|yt-dlp)\b",
    "privileges": r"\b(?:sudo|doas|pkexec|runas|setuid)\b",
    "processes": r"\bkernel32\b|\bOpenProcess\b|\bwinreg\b|\bos\.kill\b",
    "databases": r"\b(?:sqlite3|psycopg2?|pymysql|pymongo)\b",
    "personal files": r"\bPath\.home\b|\bexpanduser\b|/etc/passwd|\.ssh/|\bPath\([^)]*\)\.read_(?:bytes|text)\(",
    "obfuscation": r"\bb64decode\b|\bzlib\.decompress\b|\bcodecs\.decode\b|\bbytes\.fromhex\b|\batob\s*\(",
    "cryptography": r"\b(?:import|from)\s+(?:cryptography|Crypto|nacl)\b",
}
"""What is searched for in every text of the archive, by a name of ours."""

TRAPS = {
    "network": "node.connect (0, other)",
    "environment": "os.environ['HF_TOKEN']",
    "command": "subprocess.run(words)",
    "execution": "network.eval()",
    "bytecode": "__import__('sys')",
    "pickle": "pickle.loads(data)",
    "raw content": "see https://raw.githubusercontent.com/a/b",
    "deletion": "RUN rm -rf /var/lib",
    "installation": "python -m pip install x",
    "download by command": "the tool ffmpeg does it",
    "privileges": "sudo reboot",
    "processes": "windll.kernel32.Sleep",
    "databases": "import sqlite3",
    "personal files": "Path.home() / '.config'",
    "obfuscation": "base64.b64decode(text)",
    "cryptography": "from cryptography import x509",
}
HARMLESS = "re.compile(r'a') pattern.exec(text) bindings connected Path(folder).glob('*') resend(it) evaluate(x)"


def archived() -> list[Path]:
    """Files of the archive, as comfy-cli chooses them: what is tracked, without what `.comfyignore` names."""
    left_out = pathspec.GitIgnoreSpec.from_lines((ROOT / ".comfyignore").read_text(encoding="utf-8").splitlines())
    return [path for path in own_files() if not left_out.match_file(path.relative_to(ROOT).as_posix())]


@cache
def hits() -> set[tuple[str, str]]:
    """File and rule of everything that the scanner stops at."""
    contents = {path: path.read_text(encoding="utf-8") for path in archived() if path.suffix in TEXTS | {".svg"}}
    both = ((path, rule) for path in contents for rule in RULES)
    return {(path.relative_to(ROOT).as_posix(), rule) for path, rule in both if re.search(RULES[rule], contents[path])}


def committed() -> list[dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("registry_hits.toml").read_text(encoding="utf-8"))["hit"]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_sees_what_it_is_for(rule):
    assert re.search(RULES[rule], TRAPS[rule])
    assert not re.search(RULES[rule], HARMLESS)


def test_every_hit_of_the_scanner_has_its_reason():
    listed = committed()
    assert all(len(hit["why"].split()) >= 4 for hit in listed)
    assert len({(hit["file"], hit["rule"]) for hit in listed}) == len(listed)
    assert hits() == {(hit["file"], hit["rule"]) for hit in listed}


def test_what_the_browser_gets_to_run_is_clean():
    assert not [file for file, _ in hits() if file.startswith(("web/js/", "locales/", "workflows/", "subgraphs/"))]


def test_what_only_a_clone_needs_is_left_out():
    rooms = {path.relative_to(ROOT).parts[0] for path in archived()}
    assert rooms.isdisjoint({"tests", "benchmarks", "docs", ".ci", ".github"})
    assert {"nodes", "web", "locales", "workflows", "subgraphs", "art2mus_core"} <= rooms
    core = {path.relative_to(ROOT).parts[1] for path in archived() if path.parent != ROOT}
    assert core.isdisjoint({"cli", "training", "datasets"})


def wanted(path: Path) -> Iterator[tuple[Path, str]]:
    """Every module that a file imports from the pack, wherever in the file it stands, and the name taken from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            yield from ((base, alias.name) for alias in node.names)


def test_nothing_in_the_archive_imports_what_was_left_out():
    """Lazy imports included."""
    there, missing = set(archived()), []
    programs = [path for path in there if path.suffix == ".py"]
    for path in programs:
        for base, name in wanted(path):
            modules = [base.with_suffix(".py"), base / "__init__.py", (base / name).with_suffix(".py")]
            if not there.intersection(modules) or (
                (base / name).with_suffix(".py").is_file() and modules[2] not in there
            ):
                missing.append((path.relative_to(ROOT).as_posix(), base.relative_to(ROOT).as_posix(), name))
    assert len(programs) > 100
    assert missing == []


def unpacked(folder: Path) -> Path:
    """The archive in a folder."""
    for path in archived():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def test_the_nodes_load_from_the_archive_alone(nodes, tmp_path):
    """All of them, with their lists of models and samples."""
    loaded = load_nodes(unpacked(tmp_path / "custom_nodes" / "art2mus"))
    found = {node.GET_SCHEMA().node_id: node for node in loaded}
    assert list(found) == list(nodes)
    for name, socket in {"Art2MusLoadArtwork": "artwork", "Art2MusLoadModel": "model"}.items():
        lists = [
            [each.options for each in node.GET_SCHEMA().inputs if each.id == socket]
            for node in (found[name], nodes[name])
        ]
        assert lists[0] == lists[1] != [[]]

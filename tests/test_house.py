"""Rules of the house that no other check sees."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import art2mus_core

ROOT = Path(__file__).parents[1]
MODULES = sorted(module.name for module in pkgutil.walk_packages(art2mus_core.__path__, "art2mus_core."))
TEXTS = {".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
NOT_OURS = {"__pycache__", "node_modules", "build", "dist", "runs", "data"}
HOSTS = re.compile(r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|download\.pytorch\.org)")
MACHINE = re.compile(r"(?<![\w.~<{}/-])/(work|root|home/\w+|Users/\w+|mnt)/|[A-Z]:\\Users")


def own_files() -> list[Path]:
    """The files of the project, without environments, caches and what is built from it."""
    found = []
    for folder, names, files in os.walk(ROOT):
        hidden = {name for name in names if name.startswith(".") and name != ".ci"}
        names[:] = sorted(set(names) - hidden - NOT_OURS - {name for name in names if name.endswith(".egg-info")})
        found += [Path(folder) / name for name in sorted(files)]
    return found


def texts() -> list[Path]:
    return [path for path in own_files() if path.suffix in TEXTS and path.name != ".git"]


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_there_are_modules_and_texts_to_look_at():
    assert len(MODULES) > 50
    assert ROOT / "README.md" in texts()
    assert ROOT / ".ci" / "run" in texts()


def test_requirements_repeat_the_dependencies():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert required == project()["project"]["dependencies"]


def test_nothing_that_the_host_ships_is_pinned():
    assert not [line for line in project()["project"]["dependencies"] if not re.fullmatch(r"[\w-]+>=[\d.]+", line)]


def test_the_version_is_in_the_changelog():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {project()['project']['version']}\n" in changes


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_exists(name: str):
    module = importlib.import_module(name)
    public = getattr(module, "__all__", [])
    assert len(public) == len(set(public))
    assert not [member for member in public if not hasattr(module, member)]


def test_the_command_line_starts_without_torch():
    heavy = {"torch", "diffusers", "transformers", "numpy", "av", "PIL", "pydantic", "accelerate", "pyarrow"}
    code = f"import sys, art2mus_core.cli; print(sorted({heavy} & set(sys.modules)))"
    assert run(code).strip() == "[]"
    asked = "import sys\nfrom art2mus_core.cli import main\ntry:\n    main(['compose', '--help'])\n"
    asked += "except SystemExit as left:\n    print('\\n', left.code, 'torch' in sys.modules)"
    assert run(asked).splitlines()[-1].split() == ["0", "False"]


def test_the_pipelines_are_named_without_torch():
    assert run("import sys, art2mus_core.pipelines; print('torch' in sys.modules)").strip() == "False"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "art2mus_core" / "configs").rglob("*.yaml")), ids=lambda p: f"{p.parent.name}-{p.name}"
)
def test_packaged_yaml_is_a_table(path: Path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_no_text_names_a_registry_or_a_folder_of_one_machine():
    found = {}
    for path in texts():
        text = path.read_text(encoding="utf-8")
        if match := HOSTS.search(text) or MACHINE.search(text):
            found[str(path.relative_to(ROOT))] = match.group()
    assert found == {}


def test_the_checks_would_see_what_they_look_for():
    assert HOSTS.search("https://" + "pypi" + ".org/simple")
    for place in ("work/main", "root/x", "home/ada/x"):
        assert MACHINE.search(f'open("/{place}")')
    assert not MACHINE.search("tests/home/x ~/work/ https://host/work/a")


@pytest.mark.parametrize("path", [p for p in own_files() if p.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(path: Path):
    """Help pages in a folder of their node are read as if they lay beside the English one."""
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)
    base = path.parent.parent if path.parent.parent == ROOT / "web" / "docs" else path.parent
    assert not [target for target in targets if not (base / target).exists()]


def test_texts_end_with_one_line_end_and_no_line_with_blanks():
    """As .gitattributes and `git diff --check` want them; what ComfyUI saved itself stays as it is."""
    untidy = re.compile(rb"[ \t\r]\n|[^\n]\Z|\n\n\Z")
    own = [path for path in texts() if path.parent != ROOT / "tests" / "nodes" / "released"]
    assert not [str(path.relative_to(ROOT)) for path in own if untidy.search(path.read_bytes())]
    assert all(untidy.search(text) for text in (b"a \n", b"a\r\n", b"a", b"a\n\n"))
    assert not untidy.search(b"a\n")


def test_files_of_the_core_fit_in_the_head():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in texts() if path.suffix == ".py"}
    long = {str(path.relative_to(ROOT)): n for path, n in lengths.items() if "art2mus_core" in path.parts and n > 260}
    assert long == {}


def test_the_core_keeps_quiet():
    loud = re.compile(r"^\s*(print\(|import logging|from logging)", re.MULTILINE)
    core = [path for room in ("art2mus_core", "nodes") for path in (ROOT / room).rglob("*.py")]
    core.remove(ROOT / "nodes" / "extension.py")  # a node that cannot be there has no other place to say so
    assert not [str(path) for path in core if loud.search(path.read_text(encoding="utf-8"))]


def test_one_folder_of_workflows():
    """ComfyUI serves these names under one address; the first one found would hide the others."""
    others = {"example", "examples", "example_workflows", "workflow"}
    assert not others & {path.name for path in ROOT.iterdir()}
    assert any((ROOT / "workflows").glob("*.json"))

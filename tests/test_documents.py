"""What the documents show is run or read as its reader would: a block that falls behind the code fails here.

Python is executed with the bundled model. Of shell code every line of `art2mus` goes through its real parser, and the names in
it through the real tables; other programs are asked whether what they are given is there. YAML is read by what reads it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import shutil
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
import yaml

from art2mus_core.checkpoints.cards import read_cards
from art2mus_core.cli.app import app_for
from art2mus_core.diffusion.schedules import SOLVERS
from art2mus_core.evaluation.config import EvaluationConfig
from art2mus_core.pipelines.presets import PRESETS
from art2mus_core.training.config import TrainingConfig

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *(page for folder in ("docs", "findings", "web/docs") for page in sorted((ROOT / folder).rglob("*.md"))),
]
HISTORY = {"LOG.md"}
"""Pages whose words in a line tell of commands as they once were; their blocks are checked all the same."""

DRAWINGS = {
    (
        "ARCHITECTURE.md",
        "file -images-> Artwork[3,H,W] -encoders-> Embedding[B,D] -aligners-> PromptTokens[B,n,W] + mask",
    )
}
"""Blocks that are checked by nobody, by page and first line: arrows between types."""

PLACEHOLDER = re.compile(r"^[A-Z][A-Z_/.0-9]*$")
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORDS = re.compile(r"`(art2mus [^`\n]+)`")
FILES = re.compile(r"`((?:[a-z_.][\w.-]*/)+[a-z_]\w*\.py)`")
DOTTED = re.compile(
    r"`(?:art2mus_core\.)?((?:types|[a-z]+(?:\.[a-z_]+)+))\.([A-Z]\w+)`|`art2mus_core\.([\w.]+)\.(\w+)\("
)


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(page, text.count("\n", 0, each.start()) + 1, each[1], each[2]) for each in CODE.finditer(text)]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
NAMING = [page for page in PAGES if page.name not in HISTORY and FILES.search(page.read_text(encoding="utf-8"))]
TELLING = [page for page in PAGES if page.name not in HISTORY and WORDS.search(page.read_text(encoding="utf-8"))]


def lines_of(text: str) -> list[list[str]]:
    """The commands of shell code, each as its words, without variables that are set for one command."""
    commands: list[list[str]] = []
    for line in text.replace("\\\n", "").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            command, words = words[:end], words[end + 1 :]
            while "=" in command[0]:
                command = command[1:]
            commands.append(command)
    return commands


def follow(command: list[str]) -> None:
    """Check one command; raises what its reader would meet."""
    program, *arguments = command
    PROGRAMS[Path(program).name](arguments)


@cache
def command_line() -> Any:
    return typer.main.get_command(app_for("--help"))


def art2mus(arguments: list[str], *, whole: bool = True) -> None:
    name, *rest = arguments
    if name.startswith("--"):
        return
    command = command_line().commands[name]
    try:
        given = command.make_context(name, rest).params
    except Exception as error:
        if whole or type(error).__name__ != "MissingParameter":
            raise
        return
    for parameter, table in NAMES.get(name, {}).items():
        value = given[parameter]
        for each in value if isinstance(value, (list, tuple)) else [value]:
            assert each is None or PLACEHOLDER.match(each) or each.endswith(".yaml") or each in table, (each, [*table])


NAMES = {
    "compose": {"solver": SOLVERS, "preset": PRESETS},
    "evaluate": {"config": EvaluationConfig.packaged()},
    "export-text": {"model": read_cards()},
    "fetch": {"name": read_cards()},
    "train": {"name": TrainingConfig.packaged()},
}
"""Of a command's arguments the names of what there is."""


def pip(arguments: list[str]) -> None:
    assert arguments[0] == "install"
    extras = {extra for word in arguments for extra in re.findall(r"^(?:art2mus|\.)\[([\w,]+)\]$", word)}
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert not {name for extra in extras for name in extra.split(",")} - set(known)
    for word in arguments:
        assert not word.endswith(".txt") or (ROOT / word.rpartition("/")[2]).is_file(), word


def python(arguments: list[str]) -> None:
    first, *rest = arguments
    if first == "-m":
        module, *given = rest
        PROGRAMS.get(module, lambda _: importlib.import_module(module))(given)
    elif first == "-c":
        imports(rest[0])
    else:
        source = (ROOT / first).read_text(encoding="utf-8")
        options = {word for word in rest if word.startswith("--")}
        assert not {option for option in options if f'"{option}"' not in source}, (first, options)


def imports(code: str) -> None:
    """Every name that the code imports is there."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)


def paths(arguments: list[str]) -> None:
    """What is no option is a place in the tree, or a word of the program's own."""
    given = [word for word in arguments if not word.startswith("-") and word not in {"check", "format", "install"}]
    assert not [word for word in given if not (ROOT / word).exists()]


def torchrun(arguments: list[str]) -> None:
    follow(arguments[arguments.index("--") + 1 :])


def accelerate(arguments: list[str]) -> None:
    from accelerate.commands.launch import launch_command_parser

    assert arguments[0] == "launch"
    given = launch_command_parser().parse_args(arguments[1:])
    assert given.no_python
    follow([given.training_script, *given.training_script_args])


def tensorboard(arguments: list[str]) -> None:
    """Its options are read in its source: importing it warns of its own packages."""
    [folder] = importlib.util.find_spec("tensorboard").submodule_search_locations
    source = (Path(folder) / "plugins" / "core" / "core_plugin.py").read_text(encoding="utf-8")
    options = {word for word in arguments if word.startswith("--")}
    assert not {option for option in options if f'"{option}"' not in source}


def cp(arguments: list[str]) -> None:
    """What is copied is a place in the tree."""
    paths(arguments[:-1])


PROGRAMS = {
    "accelerate": accelerate,
    "art2mus": art2mus,
    "cp": cp,
    "tensorboard": tensorboard,
    "torchrun": torchrun,
    "pip": pip,
    **dict.fromkeys(("python", "python3"), python),
    **dict.fromkeys(("bash", "lint-imports", "mypy", "pre-commit", "pytest", "ruff"), paths),
}


def run_python(block: Block) -> None:
    shutil.copytree(ROOT / "art2mus_core" / "samples", "art2mus_core/samples")
    exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})
    written = re.findall(r"write_\w+\(\"([^\"]+)\"", block.text)
    assert written
    assert all(Path(name).stat().st_size > 1000 for name in written)


def run_shell(block: Block) -> None:
    commands = lines_of(block.text)
    assert commands
    for command in commands:
        follow(command)


def read_yaml(block: Block) -> None:
    """A configuration of a training stage, or of an evaluation."""
    Path("config.yaml").write_text(block.text, encoding="utf-8")
    content = yaml.safe_load(block.text)
    if "stage" in content or content.get("base") in TrainingConfig.packaged():
        assert TrainingConfig.load("config.yaml").options
        return
    assert set(EvaluationConfig.load("config.yaml").systems) == set(content["systems"])


def look_at(block: Block) -> None:
    """A drawing of the tree, whose names are there; or one that is excused."""
    first = block.text.splitlines()[0]
    if (block.page.name, first) in DRAWINGS:
        return
    folders = [ROOT]
    for line in block.text.splitlines()[1:]:
        branch, name = re.match(r"([│├└─ ]+)(\S+)", line).groups()
        depth = len(branch) // 4
        folders[depth:] = [folders[depth - 1] / name]
        assert folders[depth].exists(), line


LANGUAGES = {"python": run_python, "bash": run_shell, "console": run_shell, "yaml": read_yaml, "": look_at}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_are_followed(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    LANGUAGES[block.language](block)


@pytest.mark.parametrize("page", TELLING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_in_a_line_are_there(page: Path) -> None:
    for words in WORDS.findall(page.read_text(encoding="utf-8")):
        art2mus(shlex.split(re.sub(r"\[|\]|\.\.\.", "", words))[1:], whole=False)


@pytest.mark.parametrize("page", NAMING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_and_names_in_a_line_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    roots = (ROOT, ROOT / "art2mus_core", page.parent)
    assert not [place for place in FILES.findall(text) if not any((root / place).is_file() for root in roots)]
    for groups in DOTTED.findall(text):
        module, name = (group for group in groups if group)
        assert hasattr(importlib.import_module(f"art2mus_core.{module}"), name), (module, name)


def test_there_is_something_to_follow() -> None:
    assert {block.language for block in BLOCKS} >= {"bash", "python", "yaml"}
    assert sum(len(WORDS.findall(page.read_text(encoding="utf-8"))) for page in TELLING) > 30
    assert {(block.page.name, block.text.splitlines()[0]) for block in BLOCKS} >= DRAWINGS


@pytest.mark.parametrize(
    "line",
    [
        "art2mus compose a.png --sedd 3",
        "art2mus compose",
        "art2mus sing a.png",
        "art2mus fetch audioldm3",
        "art2mus train singer --data a --out b",
        "art2mus fetch audioldm2 && art2mus compose a.png --solver euler",
        "pip install 'art2mus[evil]'",
        "pip install -r ComfyUI/custom_nodes/art2mus/needed.txt",
        "python -m pytest tests/gone",
        "python benchmarks/gone.py",
        "python benchmarks/imagebind.py A --paintings B",
        "python -c 'from art2mus_core.training.previewing import draw_preview'",
        "ruff check gone",
        "curl example",
    ],
)
def test_what_has_fallen_behind_fails(line: str) -> None:
    with pytest.raises(BaseException):  # noqa: B017, PT011  each program has its own
        [follow(command) for command in lines_of(line)]

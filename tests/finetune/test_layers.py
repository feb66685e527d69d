import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
LAYERS = (
    {"errors", "files", "picture_tokens", "vocabulary"},
    {"forms", "model_folder"},
    {"config", "answers"},
    {"modeling", "data"},
    {"evaluation"},
    {"inspection"},
    {"loading"},
    {"training"},
    {"new_models", "bench"},
    {"arms"},
    {"cli"},
)
"""Each layer may import those before it; within a layer nobody imports another."""
MODULES = sorted((SOURCE / "finetune").rglob("*.py"))


def _imported(path, package):
    """Names of the modules and subpackages of `package` that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[1] if "." in name else "" for name in names if name.split(".")[0] == package}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_layer_imports_only_what_stands_before_it(path):
    own = path.relative_to(SOURCE / "finetune").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    level = next(number for number, layer in enumerate(LAYERS) if own in layer)
    allowed = set().union(*LAYERS[:level], {own})

    assert _imported(path, "finetune") <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_finetune_takes_only_public_names_of_samplegen(path):
    assert _imported(path, "samplegen") <= {""}


def test_the_documentation_has_these_layers():
    text = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = text.split("## The companion: finetune")[1].split("```")[1].removeprefix("text")

    assert [{name.strip() for name in layer.split("|")} for layer in drawn.split("→")] == [*LAYERS]


def test_every_module_has_its_layer():
    parts = {path.relative_to(SOURCE / "finetune").parts[0].removesuffix(".py") for path in MODULES}

    assert parts - {"__init__"} == set().union(*LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_modules_stay_below_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


def test_samplegen_imports_nothing_of_finetune():
    files = (SOURCE / "samplegen").rglob("*.py")

    assert [str(path) for path in files if _imported(path, "finetune")] == []


def _texts(tree):
    """Give the texts that a module holds, docstrings left out."""
    documented = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented
    ]


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if "cli" not in path.parts and path.name != "sharding.py"],  # a launcher's own
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_a_library_does_not_speak_of_the_commands_options(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert [text for text in _texts(tree) if re.search(r"(?<![\w-])--[a-z]", text)] == []

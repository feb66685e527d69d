import ast
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
    {"new_model", "bench"},
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


def test_samplegen_imports_nothing_of_finetune():
    files = (SOURCE / "samplegen").rglob("*.py")

    assert [str(path) for path in files if _imported(path, "finetune")] == []

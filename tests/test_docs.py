import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import samplegen

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "samplegen"
DOCS = ROOT / "docs"
LAYERS = (
    "domain",
    "templates",
    "sampling",
    "rendering",
    "export",
    "engines",
    "realdata",
    "fidelity",
    "pipeline",
    "cli",
)
DOMAIN_ONLY = ("rendering", "export")
HEAVY = (
    "datasets",
    "torch",
    "pandas",
    "faker",
    "cv2",
    "pyarrow",
    "httpx",
    "sklearn",
    "matplotlib",
    "sdmetrics",
)


@pytest.fixture(scope="module")
def make_cli():
    sys.path.insert(0, str(DOCS))
    try:
        import make_cli
    finally:
        sys.path.remove(str(DOCS))
    return make_cli


def test_every_command_and_option_has_help(make_cli):
    without = [words for words, command in make_cli.commands() if not command.help]
    without += [
        f"{words} {parameter.name}"
        for words, command in make_cli.commands()
        for parameter in command.params
        if not parameter.help
    ]

    assert without == []


def test_every_command_is_documented(make_cli):
    page = (DOCS / "cli.md").read_text(encoding="utf-8")

    assert [words for words, _ in make_cli.commands() if f"## {words}\n" not in page] == []


def test_command_page_is_current():
    # Renewed by: python docs/make_cli.py
    done = subprocess.run(
        [sys.executable, str(DOCS / "make_cli.py"), "--check"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_every_page_is_in_the_table_of_contents():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.glob("**/*.md")}
    pages = {page for page in pages if not page.startswith("_build/")} - {"index"}

    assert {page for page in pages if not re.search(rf"^{re.escape(page)}$", index, re.MULTILINE)} == set()


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_layer_imports_nothing_to_its_right(path):
    layer = _layer(path.relative_to(SOURCE).parts[0])
    if layer is None:  # errors, the public names
        return
    allowed = {"domain", layer} if layer in DOMAIN_ONLY else set(LAYERS[: LAYERS.index(layer) + 1])

    assert _imported_layers(path) <= allowed


def test_importing_samplegen_loads_nothing_heavy():
    code = f"import samplegen, samplegen.cli, sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def _layer(name):
    name = name.removesuffix(".py")
    return name if name in LAYERS else None


def _imported_layers(path):
    layers = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the module in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "samplegen" and len(parts) > 1 and _layer(parts[1]):
                layers.add(parts[1])
    return layers


def test_every_documented_function_is_in_the_package_itself():
    page = (DOCS / "api.md").read_text("utf-8")
    named = re.findall(r"^\.\. autofunction:: \S*\.(\w+)$", page, re.MULTILINE)

    assert [name for name in named if name not in samplegen.__all__] == []
    for name in samplegen.__all__:
        assert getattr(samplegen, name).__doc__
        assert name == "SamplegenError" or f".{name}\n" in page, name


class _PathLike:
    """A path that is neither text nor `pathlib`'s."""

    def __init__(self, path):
        self._path = str(path)

    def __fspath__(self):
        return self._path


@pytest.mark.parametrize("kind", [str, Path, _PathLike])
def test_paths_of_every_form_lead_from_a_recipe_to_a_pack_that_is_learned(tiny_pack, tmp_path, kind):
    made, again, pack = (kind(tmp_path / name) for name in ("made", "again", "pack"))

    samplegen.make(30, template=kind(tiny_pack), image_size=64).write(made)
    samplegen.collect(made, again, image_column="image")
    learned = samplegen.fit_template(again, pack, samplegen.FitOptions(min_count=1, base=kind(tiny_pack)))
    compared = samplegen.compare(made, again, max_pictures=0)

    assert samplegen.load_template(pack).name == learned.folder.name == "pack"
    assert samplegen.check_dataset(again)[0] == 30
    assert compared.value("rows_copied") == 1
    with samplegen.Shop(again) as shop:
        assert len(shop.rows) == 30

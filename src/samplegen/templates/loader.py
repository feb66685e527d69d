"""Finds template packs and loads them; whatever is wrong with one is reported at once."""

import os
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from samplegen.errors import TemplateError
from samplegen.templates.checks import check_template
from samplegen.templates.model import Catalog, Garment, Lexicon, Material, Name, Palette, Settings
from samplegen.templates.pack_yaml import PackYamlError, read_yaml
from samplegen.templates.problems import Problems
from samplegen.templates.template import FILES, SHAPES, PackOrigin, Template

ENTRY_POINTS: Final = "samplegen.templates"
DEFAULT_TEMPLATE: Final = "burberry"

_FIELDS: Final[dict[str, tuple[str, TypeAdapter[Any]]]] = {
    "template.yaml": ("settings", TypeAdapter(Settings)),
    "catalog.yaml": ("catalog", TypeAdapter(Catalog)),
    "lexicon.yaml": ("lexicon", TypeAdapter(Lexicon)),
    "palette.yaml": ("palette", TypeAdapter(Palette)),
    "materials.yaml": ("materials", TypeAdapter(dict[Name, Material])),
    "garments.yaml": ("garments", TypeAdapter(dict[Name, Garment])),
}


def find_templates() -> dict[str, Path]:
    """Find every installed pack: name to folder, in alphabetical order.

    Packs are found in samplegen itself and through the entry points `samplegen.templates` of other packages,
    each of which names a folder, or a package or function that leads to one.
    """
    found = {name: _folder_of(entry) for name, entry in _installed().items()} | _built_in()
    return dict(sorted(found.items()))


def load_template(
    name_or_path: str | os.PathLike[str] = DEFAULT_TEMPLATE, *, check_shapes: bool = False
) -> Template:
    """Load and check a pack.

    Args:
        name_or_path: The name of an installed pack, or the path of a pack's folder.
        check_shapes: Whether to read every drawing too; otherwise each is read when it is first drawn.

    Raises:
        TemplateError: If there is no such pack; or with everything that is wrong with it, one line each.
    """
    root, origin = _find(os.fspath(name_or_path))
    problems = Problems()
    _check_paths(root, problems)
    problems.raise_any()
    parts: dict[str, Any] = {}
    for file in FILES:
        field, adapter = _FIELDS[file]
        try:
            parts[field] = adapter.validate_python(read_yaml(root / file))
        except PackYamlError as error:
            problems.add_line(root / file, error.line, error.problem)
        except ValidationError as error:
            problems.add_invalid(root / file, error)
    problems.raise_any()
    template = Template(root, origin, **parts)
    check_template(template, problems, shapes=check_shapes)
    problems.raise_any()
    return template


def _find(name: str) -> tuple[Path, PackOrigin]:
    if os.sep in name:
        if not Path(name).is_dir():
            raise TemplateError(f"{name}: no such folder; give the folder of a template pack")
        return Path(name), "folder"
    built_in, installed = _built_in(), _installed()
    if name in built_in:  # before a folder that happens to have this name
        return built_in[name], "samplegen"
    if name in installed:
        return _folder_of(installed[name]), "installed"
    if Path(name).is_dir():
        return Path(name), "folder"
    known = sorted({*built_in, *installed})
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise TemplateError(
        f"no template is called {name!r}. {hint}Installed: {', '.join(known)}; "
        "for a template of your own give the path of its folder."
    )


def _built_in() -> dict[str, Path]:
    """Find samplegen's own packs: inside the wheel, or in a checkout beside src."""
    packed = Path(str(files("samplegen"))) / "packs"
    folder = packed if packed.is_dir() else Path(__file__).parents[3] / "templates"
    return {path.name: path for path in folder.iterdir() if (path / "template.yaml").is_file()}


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _folder_of(entry: EntryPoint) -> Path:
    """Load the entry point of one pack; another package's fault is told with its name."""
    try:
        target = entry.load()
        target = target() if callable(target) else target
        folder = getattr(target, "__path__", None)
        return Path(next(iter(folder))) if folder else Path(str(target))
    except Exception as error:
        raise TemplateError(
            f"entry point {entry.name!r} ({entry.value}): {error!r}; mend or uninstall its package"
        ) from error


def _check_paths(root: Path, problems: Problems) -> None:
    for file in FILES:
        if not (root / file).is_file():
            problems.add_line(root / file, 0, "missing; a pack has the files " + ", ".join(FILES))
    inside = root.resolve()
    for path in [*root.iterdir(), *(root / SHAPES).glob("*")]:
        if not path.resolve().is_relative_to(inside):
            problems.add_line(
                path, 0, f"leads out of the pack, to {path.resolve()}; copy the file into the pack"
            )

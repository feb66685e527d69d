"""Croissant: the dataset described as JSON-LD, after version 1.0 of the MLCommons specification."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from samplegen.export.csv_images import SPLITS
from samplegen.export.failures import FAILURES
from samplegen.export.files import WrittenFile, write_file
from samplegen.export.manifest import Manifest
from samplegen.export.schema import IMAGE_TYPE
from samplegen.export.settings import CollectSettings

CROISSANT = "croissant.json"
_MEDIA_TYPES = {
    ".parquet": "application/x-parquet",
    ".csv": "text/csv",
    ".tar": "application/x-tar",
    ".sha256": "text/plain",
}
_LICENSES = {"mit": "https://spdx.org/licenses/MIT.html"}
# The context that the specification gives; readers compare it word by word.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write_croissant(root: Path, manifest: Manifest, schema: pa.Schema) -> None:
    """Write ``croissant.json`` for a finished dataset."""
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        **_naming(manifest),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "url": "https://samplegen.example/",
        "version": "1.0.0",
        "isLiveDataset": False,
        "distribution": _distribution(manifest.files),
        "recordSet": _record_sets(manifest, schema),
    }
    write_file(root, CROISSANT, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _naming(manifest: Manifest) -> dict[str, str]:
    settings = manifest.settings
    if isinstance(settings, CollectSettings):
        # Whose rows and pictures these are, and under which licence, nobody told.
        text = f"{manifest.rows} rows of a price list with their pictures. Collected by: {settings.command()}"
        return {"name": f"collected-{settings.source}", "description": text}
    return {
        "name": f"samplegen-{settings.template}",
        "description": f"{settings.rows} synthetic rows of a product price list. Made by: {settings.command()}",
        **({"license": _LICENSES[settings.license]} if settings.license else {}),
    }


def _distribution(files: tuple[WrittenFile, ...]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": file.path,
            "name": file.path,
            "contentUrl": file.path,
            "contentSize": f"{file.bytes} B",
            "encodingFormat": _MEDIA_TYPES[Path(file.path).suffix],
            "sha256": file.sha256,
        }
        for file in files
    ]


def _record_sets(manifest: Manifest, schema: pa.Schema) -> list[dict[str, Any]]:
    """Return a record set for each table file that Croissant can read columns of."""
    sets = []
    for file in manifest.files:
        if Path(file.path).suffix in (".parquet", ".csv") and file.path not in (SPLITS, FAILURES):
            name = file.path.replace("/", "_").rsplit(".", 1)[0]
            # Only the shards of format parquet hold pictures; other tables name their files.
            inside = manifest.settings.format == "parquet"
            fields = [
                _field(name, file, field)
                for field in schema
                if (inside if field.type == IMAGE_TYPE else not pa.types.is_struct(field.type))
            ]
            sets.append({"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields})
    return sets


def _field(record_set: str, file: WrittenFile, field: pa.Field) -> dict[str, Any]:
    source: dict[str, Any] = {"fileObject": {"@id": file.path}, "extract": {"column": field.name}}
    # A cell of CSV holds the text of a list.
    text = file.path.endswith(".csv") and pa.types.is_nested(field.type)
    described: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record_set}/{field.name}",
        "name": f"{record_set}/{field.name}",
        "dataType": "sc:Text" if text else _data_type(field.type),
        "source": source,
    }
    if field.type == IMAGE_TYPE:
        source["transform"] = {"jsonPath": "bytes"}
    if pa.types.is_fixed_size_list(field.type) and not text:
        described["repeated"] = True
    return described


def _data_type(arrow: pa.DataType) -> str:
    if arrow == IMAGE_TYPE:
        return "sc:ImageObject"
    if pa.types.is_fixed_size_list(arrow):
        return _data_type(arrow.value_type)
    if pa.types.is_integer(arrow):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(arrow) else "sc:Text"

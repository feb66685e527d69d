"""The price list's rules: what share of rows keeps each of those that can be checked."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from samplegen.domain.pricelist import CODE_COLUMN, COLUMNS, PRICE_COLUMNS, arrow_schema, check_rules
from samplegen.errors import ExportError
from samplegen.export.manifest import read_manifest
from samplegen.export.settings import RunSettings
from samplegen.fidelity.scores import NotMeasurable, Outcome

EURO_RULE = "euros are the price times the currency's rate, cut off at cents"
RULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "product codes are unique": (CODE_COLUMN,),
        "prices are above 0": PRICE_COLUMNS,
        "prices have whole cents": PRICE_COLUMNS,
        "flg_discount is 0 or 1": ("flg_discount",),
        "a discount means price below full_price": ("full_price", "price", "flg_discount"),
        "euro prices are discounted alike": ("full_price_eur", "price_eur", "flg_discount"),
        EURO_RULE: PRICE_COLUMNS,
        "itemurl holds the title's slug and the product code": ("title", "itemurl", CODE_COLUMN),
    }
)
"""Rules on rows, as `check_rules` names them, and the columns that each one ties. Prices may be in part there."""
_ANY_OF = ("prices are above 0", "prices have whole cents")
_NULLS, _EMPTY, _TYPES, _ORDER = "no value is missing", "no text is empty", "column types", "column order"


def rule_adherence(table: pa.Table, euro_rate: Fraction | None) -> Outcome:
    """Give the smallest share of rows that keep a rule; rules that need a column which is not there are left out.

    Args:
        table: The price list as it was read.
        euro_rate: Euros for one unit of the currency; without it the euro rule is left out.
    """
    present = [name for name in COLUMNS if name in table.column_names]
    if not present:
        raise NotMeasurable("there is no price list")
    if not table.num_rows:
        raise NotMeasurable("there are no rows")
    usable, mistyped = _cast(table, present)
    shares: dict[str, float] = {_TYPES: 0.0 if mistyped else 1.0}
    if len(present) == len(COLUMNS):
        shares[_ORDER] = float([name for name in table.column_names if name in COLUMNS] == present)
    nulls = {name: int(table[name].null_count) for name in present}
    shares[_NULLS] = 1 - max(nulls.values()) / table.num_rows
    whole = _completed(usable, table.num_rows)
    broken = {_EMPTY: 0} | dict.fromkeys(RULES, 0)
    examples: dict[str, str] = {}
    with np.errstate(invalid="ignore"):  # infinite prices
        violations = check_rules(whole, euro_rate=euro_rate)
    for violation in violations:
        rule = EURO_RULE if violation.rule.startswith("euros are") else violation.rule
        rows = violation.rows - (nulls.get(violation.example, 0) if rule == _EMPTY else 0)
        if rows > broken.get(rule, 0):
            broken[rule] = rows
            examples[rule] = violation.example
    for rule, rows in broken.items():
        if rule == EURO_RULE and euro_rate is None:
            continue
        needed = [name in usable for name in RULES.get(rule, ())]
        if any(needed) if rule in _ANY_OF else all(needed):
            shares[rule] = 1 - rows / table.num_rows
    details = {
        "rules": shares,
        "examples": {rule: text for rule, text in examples.items() if shares.get(rule, 1) < 1},
        "absent_columns": [name for name in COLUMNS if name not in present],
        "mistyped_columns": mistyped,
        "rows": table.num_rows,
    }
    return Outcome(value=min(shares.values()), details=details)


def euro_rate_of(path: Path) -> Fraction | None:
    """Return the rate that a dataset was made with; None where samplegen did not make it."""
    try:
        manifest = read_manifest(path) if path.is_dir() else None
    except ExportError:
        return None
    if manifest is None or not isinstance(manifest.settings, RunSettings):
        return None
    return Fraction(manifest.settings.euro_rate)


def _cast(table: pa.Table, present: list[str]) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Give the columns in the schema's types, nulls filled so that they break the rules, and those that cannot."""
    usable, mistyped = {}, []
    for name in present:
        column = table[name]
        text = name == CODE_COLUMN and not pa.types.is_integer(column.type)
        kind = pa.string() if text else arrow_schema().field(name).type
        try:
            column = column.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            mistyped.append(name)
            continue
        if pa.types.is_string(kind) and not _is_text(table[name].type):
            mistyped.append(name)
            continue
        filler = {"string": "", "int64": -1, "double": float("nan")}[str(kind)]
        usable[name] = pc.fill_null(column, pa.scalar(filler, kind))
    return usable, mistyped


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def _completed(usable: Mapping[str, pa.ChunkedArray], rows: int) -> pa.Table:
    """Add the columns that are not there, with values that keep every rule, for `check_rules` takes whole tables."""
    prices = [usable[name] for name in ("full_price", "price") if name in usable]
    columns = {}
    for name, kind in COLUMNS.items():
        if name in usable:
            columns[name] = usable[name]
        elif name == CODE_COLUMN:
            columns[name] = pa.array(range(rows), pa.int64())
        elif name in PRICE_COLUMNS:
            columns[name] = prices[0] if prices and "eur" not in name else pa.array([1.0] * rows)
        elif kind == "int64":
            columns[name] = pa.array([0] * rows, pa.int64())
        else:
            columns[name] = pa.array(["-"] * rows)
    return pa.table(columns)

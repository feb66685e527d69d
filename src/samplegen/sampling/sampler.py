"""Draws rows of a template: columns for many at once, or everything about one."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.pricelist import CATEGORY_COLUMNS, CONSTANT_COLUMNS, arrow_schema
from samplegen.domain.sample import Listing, SampleSpec
from samplegen.errors import SamplingError
from samplegen.sampling.codes import Codes
from samplegen.sampling.places import Places
from samplegen.sampling.prices import PricePoints, Prices, Pricing
from samplegen.sampling.products import ProductMaker
from samplegen.sampling.splits import Splits
from samplegen.sampling.streams import normals, normals_at, stream_key, uniforms
from samplegen.sampling.styles import StyleLine
from samplegen.sampling.titles import Title, TitleGrammar
from samplegen.sampling.urls import guids, join_urls, url_codes
from samplegen.templates import Template

if TYPE_CHECKING:
    import pyarrow as pa

MAX_SEED = 2**63 - 1
_COMMON = 0.05
"""Share of a line from which titles share prices; rarer ones hardly repeat, and prices of their own are more even."""


class Sampler:
    """All rows of a template and seed: row i is the same, whichever rows are drawn with it.

    Args:
        template: What to draw from.
        seed: 0 to 2**63 - 1.
        splits: Split names with shares that sum to 1; by default the template's.

    Raises:
        SamplingError: If the seed or the splits are not allowed.
    """

    def __init__(self, template: Template, seed: int = 0, splits: Mapping[str, float] | None = None) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
            raise SamplingError(f"seed: found {seed!r}; allowed are whole numbers from 0 to {MAX_SEED}")
        settings = template.settings
        self.template, self.seed = template, seed
        self.splits = Splits(seed, splits or settings.splits)
        self.style_line = StyleLine(seed, settings.colourways)
        self.places = Places(template)
        self.titles = TitleGrammar(template)
        tables, self.price_table = line_price_points(template)
        self.points = PricePoints(tables)
        self.pricing = Pricing(seed, euro_rate=settings.euro_rate, discounts=settings.discounts)
        codes = settings.codes
        self.string_codes = codes.type == "string"
        self.codes = Codes(
            seed,
            codes.prefixes,
            digits=codes.digits,
            suffix=codes.suffix,
            integer=not self.string_codes,
            marks=codes.marks,
        )

    @property
    def schema(self) -> "pa.Schema":
        """The 17 columns, product_code as the template has it."""
        return arrow_schema(string_codes=self.string_codes)

    @property
    def euro_rate(self) -> Fraction:
        """Euros for one unit of the currency."""
        return Fraction(self.template.settings.euro_rate)

    @cached_property
    def products(self) -> ProductMaker:
        """Makes the product of one row."""
        return ProductMaker(self.template, self.seed)

    def draw(self, rows: range) -> "Draw":
        """Draw consecutive rows.

        Raises:
            SamplingError: If the rows are not consecutive, begin below 0 or end beyond the last code.
        """
        if rows.step != 1 or rows.start < 0:
            raise SamplingError(f"rows: found {rows}; allowed are consecutive rows from 0 on")
        if rows.stop > self.codes.capacity:
            capacity = f"{self.codes.capacity:,}"
            raise SamplingError(
                f"rows: found {rows.stop:,}; the template's product codes end after {capacity} rows"
            )
        return Draw(self, range(rows.start, max(rows.start, rows.stop)))


class Draw:
    """Some consecutive rows, decided."""

    def __init__(self, sampler: Sampler, rows: range) -> None:
        self.rows = rows
        self._sampler = sampler
        self._style = sampler.style_line.styles(rows)
        styles, self._which = np.unique(self._style, return_inverse=True)
        self._styles = styles
        self._place, self._price_at = sampler.places.draw(sampler.seed, styles)
        numbers = sampler.titles.draw(sampler.seed, sampler.places.line[self._place], styles)
        distinct, self._title = np.unique(numbers, return_inverse=True)
        self._numbers = distinct
        self._titles: list[Title] = [sampler.titles.title(number) for number in distinct.tolist()]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def split(self) -> NDArray[np.int8]:
        """The place of each row's split in the sampler's `splits.names`."""
        of_titles = self._sampler.splits.of_titles([title.text for title in self._titles])
        return of_titles[self._title[self._which]]

    @cached_property
    def _prices(self) -> Prices:
        """Prices of the styles."""
        sampler, places, styles = self._sampler, self._sampler.places, self._styles
        effects = np.asarray([title.price_effect for title in self._titles])[self._title]
        common = np.asarray([title.chance >= _COMMON for title in self._titles], bool)[self._title]
        alone = uniforms(stream_key(sampler.seed, "price of its own"), styles)
        shared = common & (alone < sampler.template.settings.title_keeps_price)
        of_titles = normals(stream_key(sampler.seed, "price of a title"), self._numbers)[self._title]
        noise = np.where(shared, of_titles, normals_at(self._price_at))
        log_price = places.log_price[self._place] + effects + places.spread[self._place] * noise
        tables = sampler.price_table[places.line[self._place]]
        cents = sampler.points.snap(tables, log_price)
        return sampler.pricing.prices(cents, styles)

    def table(self) -> "pa.Table":
        """Give the rows as a table of the 17 columns."""
        return self._table

    @cached_property
    def _table(self) -> "pa.Table":
        import pyarrow as pa

        constants = self._sampler.template.settings.columns
        columns = {name: _repeated(getattr(constants, name), len(self)) for name in CONSTANT_COLUMNS}
        place = self._place[self._which]
        for level, name in enumerate(CATEGORY_COLUMNS):
            columns[name] = _taken([triple[level] for triple in self._sampler.places.triples], place)
        title = self._title[self._which]
        rows = np.arange(self.rows.start, self.rows.stop)
        codes = self._sampler.codes.draw(rows)
        columns["product_code"] = codes
        columns["title"] = _taken([title.text for title in self._titles], title)
        parts = {
            "slug": lambda: _taken([title.slug for title in self._titles], title),
            "code": lambda: url_codes(codes),
            "guid": lambda: guids(self._sampler.seed, rows),
        }
        urls = self._sampler.template.settings.urls
        columns["itemurl"] = join_urls(urls.item, parts)
        columns["imageurl"] = join_urls(urls.image, parts)
        prices = self._prices
        columns["full_price"] = prices.full[self._which] / 100
        columns["price"] = prices.paid[self._which] / 100
        columns["full_price_eur"] = prices.full_eur[self._which] / 100
        columns["price_eur"] = prices.paid_eur[self._which] / 100
        columns["flg_discount"] = (prices.paid < prices.full).astype(np.int64)[self._which]
        schema = self._sampler.schema
        return pa.table([columns[name] for name in schema.names], schema=schema)

    def listing(self, k: int) -> Listing:
        """Give the k-th drawn row's line of the price list."""
        row = self.table().slice(range(len(self))[k], 1).to_pylist()[0]
        return Listing(**row)

    def spec(self, k: int) -> SampleSpec:
        """Decide everything about the k-th drawn row, its picture included."""
        from samplegen.sampling.scenes import draw_scene

        k = range(len(self))[k]
        sampler, index, which = self._sampler, self.rows[k], self._which[k]
        place = self._place[which]
        first, second, third = sampler.places.triples[place]
        product = sampler.products.make(
            index=index,
            style=int(self._style[k]),
            line=sampler.places.line_names[sampler.places.line[place]],
            categories=(first, second, third),
            title=self._titles[self._title[which]].text,
        )
        scene = draw_scene(product, sampler.seed, index, sampler.template)
        return SampleSpec(index, product, self.listing(k), scene)


def line_price_points(template: Template) -> tuple[list[Mapping[str, float]], NDArray[np.intp]]:
    """Give tables of price points, and every line's table: its own, or the list that it names."""
    catalog = template.catalog
    tables: list[Mapping[str, float]] = list(catalog.price_points.values())
    named = {name: number for number, name in enumerate(catalog.price_points)}
    of_line = []
    for line in catalog.lines.values():
        of_line.append(len(tables) if line.prices else named[line.points])
        if line.prices:
            tables.append(line.prices)
    return tables, np.asarray(of_line)


def _repeated(value: str, count: int) -> "pa.Array":
    import pyarrow as pa

    return pa.repeat(pa.scalar(value), count)


def _taken(values: list[str], places: NDArray[np.integer]) -> "pa.Array":
    import pyarrow as pa

    return pa.array(values, pa.string()).take(pa.array(places))

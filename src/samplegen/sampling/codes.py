"""Product codes that cannot meet: row number -> prefix, serial, scrambled digits; one to one at every step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from samplegen.errors import SamplingError
from samplegen.sampling.streams import bits, stream_key
from samplegen.templates.model import MAX_INTEGER_DIGITS

if TYPE_CHECKING:
    import pyarrow as pa

_ROUNDS = 6
MAX_DIGITS = 17  # serials are computed in 64 bits


class Codes:
    """The code of every row.

    Rows go in cycles of as many rows as the prefixes' weights sum to; a fixed shuffle of the cycle gives the prefix.
    The n-th row of a prefix has serial n, scrambled by a bijection on numbers of so many digits. Once a prefix has used
    all its numbers, codes of all prefixes have one digit more (a generation). No prefix begins with another (the
    template is checked), so codes of two prefixes differ, and codes of two generations of one prefix differ in length.
    """

    def __init__(
        self,
        seed: int,
        prefixes: Mapping[str, float],
        *,
        digits: int,
        suffix: str,
        integer: bool,
        marks: Mapping[str, str] | None = None,
    ) -> None:
        quotas = np.asarray([int(weight) for weight in prefixes.values()], np.int64)
        self.cycle = int(quotas.sum())
        self._prefixes, self._quotas = tuple(prefixes), quotas
        self._digits, self._suffix, self._integer = digits, suffix, integer
        self._marks = sorted(((int(place), text) for place, text in (marks or {}).items()), reverse=True)
        order = np.argsort(bits(stream_key(seed, "code prefixes"), np.arange(self.cycle)), kind="stable")
        self._prefix = np.repeat(np.arange(len(quotas)), quotas)[order]
        self._rank = np.concatenate([np.arange(quota) for quota in quotas])[order]
        self._keys = [stream_key(seed, f"code digits {prefix}") for prefix in prefixes]
        longest = max(map(len, prefixes)) + len(suffix)
        most = min(MAX_DIGITS, MAX_INTEGER_DIGITS - longest) if integer else MAX_DIGITS
        cycles = [10**d // int(quotas.max()) for d in range(digits, most + 1)]
        self._first_cycle = np.cumsum([0, *(min(count, 2**60 // self.cycle) for count in cycles)])

    @property
    def capacity(self) -> int:
        """How many rows can have a code."""
        return int(self._first_cycle[-1]) * self.cycle

    def draw(self, rows: NDArray[np.int64]) -> "pa.Array":
        """Give the codes of rows, as int64 or string.

        Raises:
            SamplingError: If a row lies beyond the last code.
        """
        import pyarrow as pa

        if rows.size and int(rows.max()) >= self.capacity:
            raise SamplingError(
                f"row {rows.max():,} has no code: the template's codes end after {self.capacity:,} rows"
            )
        cycle, place = np.divmod(rows, self.cycle)
        prefix = self._prefix[place]
        generation = np.searchsorted(self._first_cycle, cycle, "right") - 1
        serial = (cycle - self._first_cycle[generation]) * self._quotas[prefix] + self._rank[place]
        scrambled = np.empty_like(serial)
        for number in np.unique(generation).tolist():
            for which in range(len(self._prefixes)):
                mine = (generation == number) & (prefix == which)
                scrambled[mine] = scramble(serial[mine], self._digits + number, self._keys[which])
        if self._integer:
            return pa.array(self._integers(prefix, generation, scrambled))
        return pa.array(self._strings(prefix, generation, scrambled), pa.string())

    def _integers(
        self, prefix: NDArray[np.int64], generation: NDArray[np.int64], scrambled: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        heads = np.asarray([int(name) for name in self._prefixes], np.int64)
        powers = np.asarray(
            [10**d for d in range(self._digits, self._digits + len(self._first_cycle))], np.int64
        )
        tail = int(self._suffix) if self._suffix else 0
        codes: NDArray[np.int64] = heads[prefix] * powers[generation] + scrambled
        return codes * np.int64(10 ** len(self._suffix)) + tail

    def _strings(
        self, prefix: NDArray[np.int64], generation: NDArray[np.int64], scrambled: NDArray[np.int64]
    ) -> list[str]:
        entries = zip(prefix.tolist(), generation.tolist(), scrambled.tolist(), strict=True)
        names, digits, suffix = self._prefixes, self._digits, self._suffix
        if self._marks:
            return [
                f"{names[p]}{self._marked(f'{number:0{digits + g}d}')}{suffix}" for p, g, number in entries
            ]
        return [f"{names[p]}{number:0{digits + g}d}{suffix}" for p, g, number in entries]

    def _marked(self, digits: str) -> str:
        """Put the marks between the digits, from the right, so that places stay what they are."""
        for place, text in self._marks:
            digits = digits[:place] + text + digits[place:]
        return digits


def scramble(serial: NDArray[np.int64], digits: int, key: np.uint64) -> NDArray[np.int64]:
    """Permute the numbers from 0 to 10**digits - 1.

    A Feistel network over unequal halves with addition (Black and Rogaway, "Ciphers with arbitrary finite
    domains"): each round adds a hash of one half to the other, which can always be undone.
    """
    low = 10 ** (digits - digits // 2)
    high = 10 ** (digits // 2)
    left, right = np.divmod(serial, low)
    for number, round_key in enumerate(bits(key, np.arange(_ROUNDS))):
        if number % 2 == 0:
            left = (left + _below(high, round_key, right)) % high
        else:
            right = (right + _below(low, round_key, left)) % low
    permuted: NDArray[np.int64] = left * low + right
    return permuted


def _below(limit: int, key: np.uint64, index: NDArray[np.int64]) -> NDArray[np.int64]:
    return (bits(key, index) % np.uint64(limit)).astype(np.int64)

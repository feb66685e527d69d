"""What a collection may ask of the hosts, of this machine and of a picture."""

from dataclasses import dataclass

from samplegen.errors import CollectError

MOST_PIXELS = 89_478_485
"""Pillow's own limit against decompression bombs, written out because options are read without Pillow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How hard hosts are asked, how long is waited, and how large a picture may be.

    Raises:
        CollectError: If a value is out of range.
    """

    concurrency: int = 32
    """Requests under way at a time, all hosts together."""
    per_host: int = 8
    """Requests under way at a time at one host."""
    rate: float | None = None
    """Requests a second at one host; None for as many as the two above allow."""
    connect_s: float = 10.0
    read_s: float = 20.0
    """Longest silence of a server."""
    total_s: float = 60.0
    """Longest transfer of one picture: all tries and redirects together, without waits between tries."""
    retries: int = 4
    """Tries after the first."""
    backoff_s: float = 0.5
    """Upper end of the first random wait; it doubles with each try."""
    longest_wait_s: float = 60.0
    """Upper end of every wait, whatever a server asks for."""
    redirects: int = 5
    picture_bytes: int = 20_000_000
    pixels: int = 50_000_000

    def __post_init__(self) -> None:
        for name in ("concurrency", "per_host", "picture_bytes", "pixels"):
            if getattr(self, name) < 1:
                raise CollectError(f"{_words(name)} is {getattr(self, name)}; give a whole number above 0.")
        for name in ("connect_s", "read_s", "total_s", "backoff_s", "longest_wait_s"):
            if not 0 < getattr(self, name) < float("inf"):
                raise CollectError(
                    f"{_words(name)} is {getattr(self, name):g}; give a number of seconds above 0."
                )
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise CollectError(f"rate is {self.rate:g}; give a number of requests a second above 0.")
        if self.retries < 0 or self.redirects < 0:
            raise CollectError("retries and redirects are 0 or above.")
        if self.pixels > MOST_PIXELS:
            raise CollectError(f"pixels is {self.pixels:,}; at most {MOST_PIXELS:,} are allowed.")


def _words(name: str) -> str:
    return {"total_s": "timeout"}.get(name, name.removesuffix("_s").replace("_", " "))

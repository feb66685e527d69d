"""Why a picture was not collected."""

from samplegen.realdata.pacing import HostGate

_LONGEST = 300
"""Characters of a reason; servers may have a word in it."""


class PictureFailure(Exception):
    """One row's picture failed; the row is left out and the reason kept.

    Attributes:
        reason: One sentence for ``failures.csv``.
        lasting: False where another try, later or with other options, may well succeed.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        self.reason = _plain(reason)
        super().__init__(self.reason)
        self.lasting = lasting


class DamagedPicture(PictureFailure):
    """A picture that does not decode to its end; one whose length was not declared may have been cut off."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, lasting=False)


class TryAgain(Exception):  # not an error yet
    """A try failed in a way that often passes: 429, 5xx, a broken connection.

    Attributes:
        reason: What happened.
        wait_s: How long the server asks to be left alone, in seconds; None where it does not say.
        refused_by: Of the host that said that it is asked too often; after redirects, the last.
    """

    def __init__(
        self, reason: str, *, wait_s: float | None = None, refused_by: HostGate | None = None
    ) -> None:
        self.reason = _plain(reason)
        super().__init__(self.reason)
        self.wait_s = wait_s
        self.refused_by = refused_by


def _plain(reason: str) -> str:
    """Return a reason that is short and moves nothing on a terminal."""
    text = "".join(sign if sign.isprintable() else "?" for sign in reason[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."

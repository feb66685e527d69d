"""Why a picture was not collected."""


class PictureFailure(Exception):
    """One row's picture failed; the row is left out and the reason kept.

    Attributes:
        reason: One sentence for ``failures.csv``.
        lasting: False where another try, later, may well succeed.
    """

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


class TryAgain(Exception):  # not an error yet
    """A try failed in a way that often passes: 429, 5xx, a broken connection.

    Attributes:
        reason: What happened.
        wait_s: How long the server asks to be left alone, in seconds; None where it does not say.
        refused: Whether the server said that it is asked too often.
    """

    def __init__(self, reason: str, *, wait_s: float | None = None, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s
        self.refused = refused

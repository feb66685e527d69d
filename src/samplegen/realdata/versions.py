"""Which version of a picture is here already."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server told about the version of a picture, for asking whether there is another."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the conditions of a request."""
        if self.etag:
            return {"If-None-Match": self.etag}
        return {"If-Modified-Since": self.last_modified} if self.last_modified else {}

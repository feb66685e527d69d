"""Which addresses may be asked: http(s) only, and no machine of a private network unless that is allowed."""

import ipaddress
import re
from urllib.parse import urlsplit

from samplegen.realdata.failures import PictureFailure

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Private = bool | frozenset[str]
"""Whether hosts may have private addresses: all, none, or those with these names (or addresses) only."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_CARRIER_NAT = ipaddress.IPv4Network("100.64.0.0/10")
_NO_NAME = re.compile(r"[\x00-,/:-@\[-^`{-\x7f]")
"""Signs of ASCII that no host's name has; of others, the encoding of names decides."""
_SHOWN = 200
"""Characters of an address that a message repeats."""


def check_url(text: str) -> str:
    """Return an address that may be asked, without spaces around it; ``//host/...`` becomes https.

    Raises:
        PictureFailure: If it is empty, no http(s) address, holds credentials, or names no host or port.
    """
    url = text.strip()
    if not url:
        raise PictureFailure("the row names no address")
    if url.startswith("//"):
        url = f"https:{url}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise PictureFailure(f"{url[:_SHOWN]!r} is no address: {error}") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise PictureFailure(f"{url[:_SHOWN]!r} is no http(s) address")
    if "@" in parts.netloc:
        raise PictureFailure("the address holds a user name or a password, which are not sent")
    if not host or port == 0:
        raise PictureFailure(f"{url[:_SHOWN]!r} names no host")
    if ":" not in host and (sign := _NO_NAME.search(host)):
        raise PictureFailure(f"host {host[:_SHOWN]!r} is no host name: it holds {sign[0]!r}")
    return url


def host_of(url: str) -> str:
    """Return host and port of an address, as the key of what is limited for each host."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    return f"{(parts.hostname or '').lower()}:{port}"


def is_reserved(address: str) -> bool:
    """Tell whether an address leads to a host of the names that are kept for examples, such as ``shop.example``."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    return host.endswith((".example", ".invalid", ".test"))


def may_be_private(host: str, private: Private) -> bool:
    """Tell whether a host may have a private address."""
    return private if isinstance(private, bool) else host.lower() in private


def is_public(address: IPAddress) -> bool:
    """Tell whether an IP address belongs to the public internet, whatever it is wrapped in.

    Private, loopback, link-local, carrier-NAT, multicast, reserved and unspecified addresses do not, nor do
    IPv6 addresses that carry such an IPv4 address (mapped, 6to4, NAT64), nor Teredo, whose servers may be anywhere.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.teredo is not None or address.is_site_local or address in _NAT64_LOCAL:
            return False
        carried = address.ipv4_mapped or address.sixtofour or _of_nat64(address)
        if carried is not None:
            return is_public(carried)
    elif address in _CARRIER_NAT:
        return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


def _of_nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None

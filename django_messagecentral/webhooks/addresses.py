"""Where a webhook may go: only to public addresses, and to the very address that was looked at.

An operator's URL is a request that this site makes from inside its own network. So the name is resolved
once, every address it has must be public (or in ``OUTGOING_ALLOWED_NETWORKS``), and the connection is made to
such an address and not to the name, which might have another one a moment later.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from django_messagecentral.conf import app_settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, deprecated


class Unreachable(ValueError):
    """Nothing is sent to this address. The text says why, without naming inner addresses."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in the parts that a request needs. ``path`` begins with a slash and has the query."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def check_url(url: str) -> Target:
    """The parts of ``url``. Raises :class:`Unreachable`; no name is resolved here."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise Unreachable(_("The address holds characters that do not belong in one."))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unreachable(_("This is no address.")) from None
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.DEBUG):
        raise Unreachable(_("The address must begin with https://."))
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise Unreachable(_("Write an address like https://example.com/path, without a user or a fragment."))
    is_tls = parts.scheme == "https"
    path = parts.path or "/"
    target = Target(
        is_tls,
        parts.hostname,
        port if port is not None else (443 if is_tls else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )
    try:
        literal = ipaddress.ip_address(target.host)
    except ValueError:
        return target
    require_allowed(literal)
    return target


def resolve(target: Target) -> list[str]:
    """The addresses of ``target``, all of them allowed. Raises :class:`Unreachable`."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(_("The name has no address.")) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        require_allowed(ipaddress.ip_address(address.partition("%")[0]))
    if not addresses:
        raise Unreachable(_("The name has no address."))
    return addresses


def require_allowed(address: Address) -> None:
    """Raises :class:`Unreachable` unless ``address`` is public, or in ``OUTGOING_ALLOWED_NETWORKS``."""
    networks = [
        ipaddress.ip_network(network, strict=False) for network in app_settings.OUTGOING_ALLOWED_NETWORKS
    ]
    for each in (address, *_embedded(address)):
        if not (_is_public(each) or any(each in network for network in networks)):
            raise Unreachable(_("The address is not a public one (OUTGOING_ALLOWED_NETWORKS)."))


def _is_public(address: Address) -> bool:
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


def _embedded(address: Address) -> Iterator[Address]:
    """IPv4 addresses that an IPv6 one leads to."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)

"""The visitor's network address, believed only as far as it can be."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from django_messagecentral.conf import app_settings


def client_ip(request: HttpRequest | None) -> str:
    """The address the request came from; empty if unknown.

    ``X-Forwarded-For`` counts only from a trusted proxy, read from the right: the first address that is
    not a trusted proxy is the visitor's. What a visitor writes further left changes nothing.
    """
    if request is None:
        return ""
    address = _parse(str(request.META.get("REMOTE_ADDR", "")))
    trusted = [ipaddress.ip_network(network, strict=False) for network in app_settings.TRUSTED_PROXIES]
    hops = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",") if trusted else []
    while address is not None and hops and any(address in network for network in trusted):
        hop = _parse(hops.pop())
        if hop is None:
            break
        address = hop
    return str(address) if address is not None else ""


def network_of(ip: str) -> str:
    """What is counted: the IPv4 address, or the /64 of an IPv6 one."""
    address = _parse(ip)
    if address is None:
        return ""
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address

"""Which network addresses may be reached: data must not open what a firewall keeps shut.

The author of a pipeline may name internal servers. Nobody may name link-local addresses, where
clouds hand out credentials; and whoever only answered a request, by a redirect from a public
server, may not name private addresses either.
"""

from __future__ import annotations

import functools
import ipaddress
import socket

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
    )
)
"""Metadata services of clouds; most others are at link-local addresses."""
_SHARED = ipaddress.ip_network("100.64.0.0/10")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(OSError):
    """An address may not be reached. An `OSError`, because it is raised where a socket would be."""


@functools.lru_cache(maxsize=1024)
def parse_address(text: str) -> IPAddress | None:
    """The address that a host name spells, or none for a name that has to be looked up."""
    try:
        return _unwrapped(ipaddress.ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return None


def is_private(address: IPAddress) -> bool:
    """Whether an address lies inside: on this host or in a network that is not the internet."""
    address = _unwrapped(address)
    return address.is_private or address.is_loopback or (address.version == 4 and address in _SHARED)


@functools.lru_cache(maxsize=1024)
def refusal(address: IPAddress, allow_private: bool) -> str | None:
    """Why an address may not be reached; none if it may."""
    address = _unwrapped(address)
    if address in _METADATA or address.is_link_local:
        return f"{address} is an address of cloud metadata or link-local services"
    if address.is_multicast or address.is_unspecified or (address.is_reserved and not address.is_loopback):
        return f"{address} is not the address of a server"
    if not allow_private and is_private(address):
        return f"{address} is a private address"
    return None


def checked_socket(info: tuple[int, int, int, str, tuple[str | int, ...]], allow_private: bool) -> socket.socket:
    """A socket to connect to an address: the last look at it before a packet leaves.

    Raises:
        AddressRefusedError: the address may not be reached.
    """
    family, kind, protocol, _, target = info
    address = parse_address(str(target[0]))
    if address is None:  # "2130706433" and "127.1" are addresses to the system, and to nobody else
        raise AddressRefusedError(f"{target[0]} is not spelt as an address or a name")
    reason = refusal(address, allow_private)
    if reason is not None:
        raise AddressRefusedError(reason)
    return socket.socket(family, kind, protocol)


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address inside of an IPv6 one, where that is what it stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address

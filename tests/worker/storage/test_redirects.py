"""Redirects are followed as far as it is safe, and addresses that must not be reached are not."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from otter.storage.http.addresses import parse_address, refusal
from otter.storage.storage_context import storage_context
from otter.storage.synchronous.handle import StorageHandle
from otter.util.errors import DownloadError, StorageError
from tests.support.http_server import Site, serving


@pytest.fixture
def other() -> Iterator[Site]:
    """Another web server."""
    with serving() as site:
        yield site


def redirect(site: Site, path: str, target: str, status: int = 302) -> str:
    return site.put(path, b"moved", status=status, headers={"Location": target})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int, site: Site) -> None:
    """Absolute and relative targets, for HEAD as for GET."""
    site.put("/end", b"data")
    redirect(site, "/middle", "end", status)
    url = redirect(site, "/start", f"{site.url}/middle", status)
    assert b"data" == StorageHandle(url).read()[0]
    assert 4 == StorageHandle(url).stat().size


def test_a_redirect_leaves_no_connection_behind(site: Site) -> None:
    """One whose body nobody reads is closed, or used again."""
    site.put("/end", b"data")
    for body in (b"", b"moved", b"moved" * 1_000_000):
        url = site.put("/start", body, status=302, headers={"Location": "/end"})
        assert [b"data"] * 5 == [StorageHandle(url).read()[0] for _ in range(5)]


def test_five_redirects_are_enough(site: Site) -> None:
    """A sixth is an error that names the first URL."""
    for number in range(6):
        redirect(site, f"/{number}", f"/{number + 1}")
    site.put("/6", b"data")
    assert b"data" == StorageHandle(f"{site.url}/1").read()[0]
    with pytest.raises(DownloadError, match=rf"{site.url}/0: more than 5 redirects"):
        StorageHandle(f"{site.url}/0").read()


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "gopher://host/x"])
def test_a_redirect_to_another_scheme_is_refused(target: str, site: Site) -> None:
    """Only HTTP leads to HTTP."""
    url = redirect(site, "/x", target)
    with pytest.raises(StorageError, match=rf"redirected to {target}.*only http and https"):
        StorageHandle(url).read()


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "http://[fd00:ec2::254]/", "http://0.0.0.0/x"])
def test_a_redirect_to_metadata_is_refused(target: str, site: Site) -> None:
    """So is a URL that names it at once."""
    for url in (redirect(site, "/x", target), target):
        with pytest.raises(StorageError, match="refused: "):
            StorageHandle(url).read()


def test_headers_stay_with_the_server_they_were_meant_for(site: Site, other: Site) -> None:
    """A redirect to another host or port gets none of them; one to the same gets all."""
    other.put("/end", b"data")
    redirect(site, "/away", f"{other.url}/end")
    url = redirect(site, "/start", "/away")
    with storage_context(headers={"Authorization": "secret", "X-Key": "secret"}):
        assert b"data" == StorageHandle(url).read()[0]
    assert ["secret"] * 2 == [headers.get("X-Key") for *_, headers in site.requests]
    assert "secret" not in str(other.requests)


def test_private_addresses_can_be_refused(site: Site) -> None:
    """By a setting; the message says which address it was."""
    url = site.put("/x", b"")
    with (
        storage_context(allow_private=False),
        pytest.raises(StorageError, match=r"refused: 127\.0\.0\.1 is a private address"),
    ):
        StorageHandle(url).read()
    assert [] == site.requests


def test_a_name_that_resolves_to_a_private_address_is_refused(site: Site) -> None:
    """The address is looked at when the connection is made, whatever it was called."""
    url = site.put("/x", b"").replace("127.0.0.1", "localhost")
    with storage_context(allow_private=False), pytest.raises(StorageError, match="private address"):
        StorageHandle(url).read()
    assert [] == site.requests


def test_a_public_server_cannot_redirect_to_a_private_address(
    site: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A private one can: then the author of the URL is inside already."""
    from otter.storage.http import client, response

    other.put("/end", b"data")
    url = redirect(site, "/x", f"{other.url}/end")
    assert b"data" == StorageHandle(url).read()[0]
    port = int(site.url.rpartition(":")[2])

    class AsIfPublic(response.Response):
        def on_connected(self, peer: str, own: str, peer_port: int, own_port: int) -> int:
            return super().on_connected("8.8.8.8" if peer_port == port else peer, own, peer_port, own_port)

    monkeypatch.setattr(client, "Response", AsIfPublic)

    async def main() -> None:
        from otter.storage.asynchronous.handle import AsyncStorageHandle

        await AsyncStorageHandle(url).read()

    import asyncio

    other.requests.clear()
    with pytest.raises(StorageError, match=r"redirected to .*private address"):
        asyncio.run(main())
    assert [] == other.requests


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1",
        "255.255.255.255", "240.0.0.1",
    ],
)  # fmt: skip
def test_addresses_that_nobody_may_reach(address: str) -> None:
    """Link-local ones, those of cloud metadata however they are spelt, and those of no server."""
    parsed = parse_address(address)
    assert parsed is not None
    assert refusal(parsed, allow_private=True) is not None


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd12::1",
     "::ffff:10.0.0.1"],
)  # fmt: skip
def test_addresses_that_only_authors_may_reach(address: str) -> None:
    """Those of this host and of internal networks."""
    parsed = ipaddress.ip_address(address)
    assert refusal(parsed, allow_private=True) is None
    assert refusal(parsed, allow_private=False) is not None


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_addresses_that_anybody_may_reach(address: str) -> None:
    """Those of the internet."""
    assert refusal(ipaddress.ip_address(address), allow_private=False) is None


def test_a_proxy_of_the_environment_is_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a private one even where targets may not, because the operator chose it."""
    site.put("http://example.org/x", b"from the proxy")
    monkeypatch.setenv("http_proxy", site.url)
    monkeypatch.setenv("no_proxy", "direct.invalid")
    with storage_context(allow_private=False):
        assert b"from the proxy" == StorageHandle("http://example.org/x").read()[0]
        with pytest.raises(StorageError, match="private address"):
            StorageHandle("http://10.0.0.1/x").read()
    with pytest.raises(DownloadError, match=r"direct\.invalid"):
        StorageHandle("http://direct.invalid/x").read()


@pytest.mark.parametrize("spelling", ["2130706433", "127.1", "0x7f000001", "0177.0.0.1"])
def test_numbers_that_spell_an_address_are_no_way_around(spelling: str, site: Site) -> None:
    """The system would take them for the address, so they are refused or looked at as what they mean."""
    assert "127.0.0.1" == socket.gethostbyname(spelling)
    url = site.put("/x", b"").replace("127.0.0.1", spelling)
    with storage_context(allow_private=False), pytest.raises(StorageError):
        StorageHandle(url).read()
    assert [] == site.requests

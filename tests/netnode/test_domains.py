"""Domains: the document, fetching it over TLS on loopback, and what is kept of a look."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, abc, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from netnode import wellknown
from netnode.api.wellknown import PublicDocument
from netnode.operations import models
from netnode.problems import Problem
from netnode.web import HttpsFetcher
from protocol.identity import id_text
from tests.netnode.services_home import OpenHome, opened
from tests.protocol.author import Author

BEN = Author("ben", "inx")
DOMAIN = "shop.example"
GOOD = msgspec.json.encode({"id": id_text(BEN.id), "network": "inx", "more": [1]})


# -- the document --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD, None),
        (b"", "no JSON object"), (b"[]", "no JSON object"), (b'{"id":1,"network":"inx"}', "no JSON object"),
        (b"\xff", "no JSON object"), (b"[" * 10_000, "no JSON object"),
        (b'{"id":"nx1","network":"inx"}', "no networker"),
        (msgspec.json.encode({"id": id_text(BEN.id), "network": "other"}), "another network"),
        (msgspec.json.encode({"id": id_text(bytes(32)), "network": "inx"}), "another networker"),
    ],
)  # fmt: skip
def test_what_a_document_says(data: bytes, said: str | None) -> None:  # [R-REACH-9] [R-REACH-11]
    found = wellknown.fault(data, BEN.id, "inx")
    assert found is None if said is None else found is not None and said in found


# -- fetching ------------------------------------------------------------------------------------------------
class Names(abc.AbstractResolver):
    """Every name leads to one address."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        self.asked.append(host)
        if self.host == "nowhere":
            raise OSError("no such name")
        return [
            {"hostname": host, "host": self.host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        ]  # fmt: skip

    async def close(self) -> None:
        return


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate for DOMAIN, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName(DOMAIN), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            False,
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(certificate: Path, handler: Handler) -> AsyncIterator[int]:
    """An https server on loopback; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def trusting(certificate: Path, port: int, **options: object) -> HttpsFetcher:
    context = ssl.create_default_context(cafile=str(certificate))
    return HttpsFetcher(Names(), port=port, allow_private=True, context=context, **options)  # type: ignore[arg-type]


async def test_a_document_is_fetched_over_tls(certificate: Path) -> None:  # [R-REACH-10]
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.path == wellknown.PATH and request.headers["Host"].startswith(DOMAIN)
        return web.Response(body=GOOD, content_type="application/json")

    async with served(certificate, handler) as port:
        assert await trusting(certificate, port).fetch(DOMAIN, wellknown.PATH) == GOOD
        with pytest.raises(OSError, match="certificate"):
            await trusting(certificate, port).fetch("other.example", wellknown.PATH)
        with pytest.raises(OSError, match="certificate"):
            await HttpsFetcher(Names(), port=port, allow_private=True).fetch(DOMAIN, wellknown.PATH)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"]
)
async def test_private_addresses_are_never_called(host: str) -> None:  # [R-REACH-10]
    names = Names(host)
    with pytest.raises(OSError, match="private network"):
        await HttpsFetcher(names).fetch(DOMAIN, wellknown.PATH)
    assert names.asked == [DOMAIN]
    with pytest.raises(OSError, match="no domain"):
        await HttpsFetcher(names).fetch("127.0.0.1", wellknown.PATH)


async def test_a_name_that_leads_nowhere_is_told() -> None:
    with pytest.raises(OSError, match="leads nowhere"):
        await HttpsFetcher(Names("nowhere")).fetch(DOMAIN, wellknown.PATH)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda port: web.Response(status=404), "HTTP 404"),
        (lambda port: web.Response(body=b"x" * (wellknown.MAX_BYTES + 1)), "longer than 16 KiB"),
        (lambda port: web.HTTPFound("https://other.example/"), "another address"),
        (lambda port: web.HTTPFound(f"http://{DOMAIN}:{port}/"), "another address"),
        (lambda port: web.HTTPFound(f"https://{DOMAIN}:1/"), "another address"),
        (lambda port: web.HTTPFound(wellknown.PATH), "circles"),
    ],
)
async def test_what_is_no_document_is_refused(  # [R-REACH-10]
    certificate: Path, answer: Callable[[int], web.Response], said: str
) -> None:
    ports: list[int] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        told = answer(ports[0])
        if isinstance(told, web.HTTPException):
            raise told
        return told

    async with served(certificate, handler) as port:
        ports.append(port)
        with pytest.raises(OSError, match=said):
            await trusting(certificate, port).fetch(DOMAIN, wellknown.PATH)


async def test_a_redirect_within_the_host_is_followed_and_a_slow_one_given_up(certificate: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/slow":
            await asyncio.sleep(30)
        if request.path == wellknown.PATH:
            raise web.HTTPMovedPermanently("/moved.json")
        return web.Response(body=GOOD)

    async with served(certificate, handler) as port:
        assert await trusting(certificate, port).fetch(DOMAIN, wellknown.PATH) == GOOD
        with pytest.raises(OSError, match="no answer within"):
            await trusting(certificate, port, seconds=0.2).fetch(DOMAIN, "/slow")


# -- looking at a domain -------------------------------------------------------------------------------------
class FakeWeb:
    def __init__(self, answer: bytes | OSError) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    async def fetch(self, host: str, path: str) -> bytes:
        self.asked.append((host, path))
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def document(node: OpenHome, network: str = "inx") -> bytes:
    return msgspec.json.encode({"id": node.id, "network": network})


async def test_the_own_domain_is_verified_failed_or_unverified(tmp_path: Path) -> None:  # [R-REACH-11]
    async with opened(tmp_path) as node:
        domains = node.services.domains
        web_ = FakeWeb(document(node))
        domains._web = lambda: web_
        with pytest.raises(Problem, match="profile edit --domain") as caught:
            await domains.verify(None)
        assert (int(caught.value.exit_code), caught.value.code) == (3, "no_domain")
        edited = await node.services.identity.edit_profile(
            models.ProfileEdit(name="Ada", domain="Shop.Example.")
        )
        assert (edited.domain, edited.domain_state) == (DOMAIN, "unverified") and web_.asked == []
        found = await domains.verify(None)
        assert (found.state, found.checked, found.note) == ("verified", node.clock.now, None)
        assert web_.asked == [(DOMAIN, wellknown.PATH)]
        assert (await node.services.identity.profile()).domain_state == "verified"
        web_.answer = document(node, "other")
        found = await domains.verify(node.id)
        assert found.state == "failed" and "another network" in (found.note or "")
        web_.answer = OSError("its name leads nowhere")
        found = await domains.verify(None)
        assert found.state == "failed" and "leads nowhere" in (found.note or "")
        (listed,) = (await domains.list(models.Listed())).items
        assert (listed.id, listed.state) == (node.id, "failed")
        await node.services.identity.edit_profile(models.ProfileEdit(domain="other.example"))
        assert (await node.services.identity.profile()).domain_state == "unverified"
        assert (await domains.list(models.Listed())).items[0].state == "unverified"
        cleared = await node.services.identity.edit_profile(models.ProfileEdit(domain=""))
        assert (cleared.domain, cleared.domain_state) == (None, None)


async def test_nobody_elses_domain_is_called_unless_its_profile_is_here(
    tmp_path: Path,
) -> None:  # [R-REACH-10]
    async with opened(tmp_path) as node:
        web_ = FakeWeb(GOOD)
        node.services.domains._web = lambda: web_
        with pytest.raises(Problem, match="names no domain"):
            await node.services.domains.verify(id_text(BEN.id))
        assert web_.asked == []


# -- serving it ----------------------------------------------------------------------------------------------
async def test_the_document_is_public_cacheable_and_for_own_names_only(tmp_path: Path) -> None:  # [R-REACH-9]
    async with opened(tmp_path) as node:
        await node.services.identity.edit_profile(models.ProfileEdit(name="Ada", domain=DOMAIN))
        await node.services.config.set("public_address", "wss://node.example/inx/1")
        app = web.Application()
        app.add_routes(
            [PublicDocument(node.services.domains, node.services.identity, ["extra.example:8080"]).route()]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{wellknown.PATH}"
        try:
            async with ClientSession() as client:
                for host in (
                    DOMAIN,
                    f"{DOMAIN}:4747",
                    "node.example",
                    "extra.example",
                    "localhost",
                    "127.0.0.1:1",
                    "[::1]",
                ):
                    async with client.get(url, headers={"Host": host}) as answer:
                        assert answer.status == 200, host
                        assert answer.headers["Cache-Control"] == "public, max-age=300"
                        assert "Access-Control-Allow-Origin" not in answer.headers
                        found = await answer.json()
                assert (found["id"], found["name"]) == (node.id, "Ada")
                assert found["addresses"] == ["wss://node.example/inx/1"]
                assert wellknown.fault(msgspec.json.encode(found), node.me.id, "inx") is None
                for host in ("evil.example", f"{DOMAIN}.evil.example", "", "local host"):
                    async with client.get(url, headers={"Host": host}) as answer:
                        assert answer.status in (400, 403), host
        finally:
            await runner.cleanup()

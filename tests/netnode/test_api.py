"""The HTTP API: guard, transport, client; every operation over both transports."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
import socket

import aiohttp
import msgspec
import pytest
from aiohttp import http_parser, web

from netnode.api import client as api_client
from netnode.api.admission import Admission
from netnode.api.client import ApiClient
from netnode.api.guard import allowed_hosts
from netnode.api.server import ApiServer, check_parser
from netnode.failures import SERVING, Failures
from netnode.operations import blobs, listings, logs, models, node, peers
from netnode.operations.calling import DirectCaller
from netnode.operations.operation import MAX_FEED, PREFIX, Download, Operation, Upload
from netnode.operations.registry import OPERATIONS
from netnode.problems import ExitCode, Problem
from tests.netnode.api_calls import CALLS, LISTING
from tests.netnode.fake_services import ME, OTHER, FakeServices
from tests.netnode.patience import patience

TOKEN = "5e" * 32


async def greet(request):
    return web.Response(text="hello peer")


@pytest.fixture
def services(tmp_path):
    return FakeServices(tmp_path)


@pytest.fixture
def failures():
    return Failures()


@pytest.fixture
async def served(services, failures):
    """The port of a server on loopback."""
    server = ApiServer(
        services,
        TOKEN,
        version="1.2.3",
        extra_routes=[web.get("/inx/1", greet)],
        allow_hosts=("shop.example", "other.example:8080"),
        allow_origins=("https://page.example",),
        body_seconds=0.3,
        failures=failures,
    )
    _, port = await server.start("127.0.0.1", 0)
    yield port
    await server.close()


@pytest.fixture
async def http(served):
    async with aiohttp.ClientSession(f"http://127.0.0.1:{served}") as session:
        yield session


@pytest.fixture
async def client(served):
    async with ApiClient(f"http://127.0.0.1:{served}", TOKEN) as client:
        yield client


def bearer(**more):
    return {"Authorization": f"Bearer {TOKEN}", **more}


async def pieces(*parts):
    for part in parts:
        yield part


async def read(answer):
    body = json.loads(await answer.read())
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    return body


# -- who may call ----------------------------------------------------------------------------------------------
def routes_of(services):
    app = ApiServer(services, TOKEN).app
    return [(route.method, route.resource.canonical) for route in app.router.routes()]


def changing(services):
    return [(method, path) for method, path in routes_of(services) if method not in ("GET", "HEAD")]


async def test_every_state_changing_route_refuses_without_token(http, services):
    routes = changing(services)
    assert len(routes) >= 15
    for method, path in routes:
        for headers in (
            {},
            {"Authorization": f"Bearer {'0' * 64}"},
            {"Authorization": TOKEN},
            {"Cookie": TOKEN},
        ):
            headers["Content-Type"] = "application/json"
            async with http.request(method, path, headers=headers, data=b"{}") as answer:
                assert answer.status == 401, (method, path, headers)
                assert (await read(answer))["error"]["code"] == "token"
    assert services.listings.known == {}
    assert not services.node.stopped


async def test_reading_and_unknown_paths_need_the_token_too(http, services):
    paths = [path for method, path in routes_of(services) if method == "GET"]
    for path in [*paths, "/", "/api/v1/nothing"]:
        async with http.get(path) as answer:
            assert answer.status == 401, path


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:{port}", True),
        ("localhost:{port}", True),
        ("[::1]:{port}", True),
        ("shop.example", True),
        ("shop.example:{port}", True),
        ("other.example:8080", True),
        ("other.example", False),
        ("other.example:{port}", False),
        ("evil.example:{port}", False),
        ("localhost.:{port}", False),
        ("127.0.0.1.:{port}", False),
        ("LOCALHOST:{port}", False),
        ("localhost:1", False),
        ("localhost", False),
        ("127.0.0.1.nip.example:{port}", False),
        ("evil.example:{port}@127.0.0.1:{port}", False),
        (" ", False),
        ("", False),
    ],
)
async def test_the_host_table(served, host, allowed):
    status = await raw_status(served, f"Host: {host.format(port=served)}\r\n")
    assert status == (200 if allowed else 403)


async def raw(port, head, body=b"", target="/api/v1/status", method="GET"):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = (
        f"{method} {target} HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n{head}\r\n"
    )
    writer.write(request.encode() + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def raw_status(port, head, **more):
    answer = await raw(port, head, **more)
    return int(answer.split(b" ")[1])


async def test_no_host_and_two_hosts_are_refused(served):
    good = f"Host: localhost:{served}\r\n"
    assert await raw_status(served, "") in (400, 403)
    assert await raw_status(served, good + "Host: evil.example\r\n") in (400, 403)
    assert await raw_status(served, good) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost:{port}"}, 200),
        ({"Origin": "https://page.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost:{port}", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_requests_from_other_sites_are_refused(http, served, headers, status):
    sent = {name: value.format(port=served) for name, value in headers.items()}
    async with http.get("/api/v1/status", headers=bearer(**sent)) as answer:
        assert answer.status == status


async def test_the_peer_route_needs_neither_host_nor_token(http):
    async with http.get("/inx/1", headers={"Host": "behind.a.proxy", "Origin": "http://x.example"}) as answer:
        assert (answer.status, await answer.text()) == (200, "hello peer")


async def test_a_strange_token_is_compared_without_failing(served):
    assert await raw_status(served, f"Host: localhost:{served}\r\nAuthorization: Bearer \xff\r\n") == 401


def test_port_80_needs_no_port_in_the_name():
    assert "localhost" in allowed_hosts(80, ["localhost"])
    assert "localhost" not in allowed_hosts(8080, ["localhost"])


# -- requests --------------------------------------------------------------------------------------------------
async def post(http, path, body, **headers):
    sent = bearer(**{"Content-Type": "application/json", **headers})
    async with http.post(f"{PREFIX}{path}", data=body, headers=sent) as answer:
        return answer.status, await read(answer)


async def test_deep_json_is_a_bad_request(http):
    for deep in (b'{"fields":' * 100_000, b'{"fields":{"a":' + b"[" * 200_000):
        status, body = await post(http, "/listings/add", deep)
        assert (status, body["error"]["code"]) == (400, "request")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"field":{}}', b'{"fields":{},"x":1}', b'{"fields":[]}', b'{"fields":"\xff"}'],
)
async def test_wrong_json_is_a_bad_request(http, body):
    status, answer = await post(http, "/listings/add", body)
    assert (status, answer["error"]["code"]) == (400, "request")
    assert "Traceback" not in answer["error"]["text"]


async def test_a_body_is_at_most_one_mebibyte(http):
    big = b'{"fields":{"a":"' + b"x" * (1024 * 1024) + b'"}}'
    status, answer = await post(http, "/listings/add", io.BytesIO(big))
    assert (status, answer["error"]["code"]) == (413, "too_large")


async def test_other_content_types_and_encodings_are_refused(http):
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Encoding": "gzip"},
    ):
        status, _ = await post(http, "/listings/add", b'{"fields":{}}', **headers)
        assert status == 415


async def test_a_dripping_body_is_cut(served):
    head = f"Host: localhost:{served}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
    answer = await raw(served, head, b'{"fie', "/api/v1/listings/add", "POST")
    assert b" 408 " in answer.split(b"\r\n")[0]


async def test_wrong_paths_and_methods_answer_json(http):
    async with http.get("/api/v1/nothing", headers=bearer()) as answer:
        assert (answer.status, (await read(answer))["error"]["code"]) == (404, "no_route")
    async with http.post("/api/v1/status", headers=bearer(), json={}) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET")
        assert (await read(answer))["error"]["details"] == {"allowed": ["GET"]}


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "bogus=1", "limit=1&limit=2"])
async def test_wrong_queries_are_bad_requests(http, query):
    async with http.get(f"/api/v1/listings?{query}", headers=bearer()) as answer:
        assert (answer.status, (await read(answer))["error"]["code"]) == (400, "request")


async def test_a_bug_is_a_sentence_and_a_line_in_the_log(http, failures, caplog):
    async with http.get("/api/v1/search?text=crash", headers=bearer()) as answer:
        body = (await read(answer))["error"]
    assert (answer.status, body["code"]) == (500, "internal")
    assert "RuntimeError" not in body["text"]
    assert "a bug" in caplog.text
    assert failures.counts() == {SERVING: 1}


@pytest.mark.parametrize(
    "junk", [b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x00\xee", b"GET / HTTP/1.1\r\nno header\r\n\r\n"]
)
async def test_what_is_no_http_fills_no_log(served, caplog, junk):
    """A stranger could else fill the disk with traces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served)
    writer.write(junk)
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert caplog.text == ""


async def test_openapi_names_every_operation(http):
    async with http.get("/api/v1/openapi.json", headers=bearer()) as answer:
        document = await read(answer)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    described = {one["operationId"] for path in document["paths"].values() for one in path.values()}
    assert described == {operation.name for operation in OPERATIONS}
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


# -- connections -----------------------------------------------------------------------------------------------
async def test_one_address_holds_so_many_connections(services):
    server = ApiServer(services, TOKEN, admission=Admission(loopback=2))
    _, port = await server.start("127.0.0.1", 0)
    try:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in held:
            writer.write(f"GET /api/v1/status HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert b"401" in await reader.readline()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(ConnectionError):
            assert await reader.read() == b""
            raise ConnectionResetError
        writer.close()
        for _, writer in held:
            writer.close()
    finally:
        await server.close()


async def test_links_of_peers_leave_the_owner_its_connections(services):
    """All that peers hold through a proxy on this computer does not keep the owner out."""
    opened, arrived = asyncio.Event(), asyncio.Semaphore(0)

    async def hold(request):
        arrived.release()
        await opened.wait()
        return web.Response(text="was a link")

    server = ApiServer(
        services,
        TOKEN,
        extra_routes=[web.get("/hold", hold)],
        admission=Admission(loopback=2, peer_loopback=3),
    )
    _, port = await server.start("127.0.0.1", 0)

    async def ask(path):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        return reader, writer

    try:
        held = []
        for _ in range(3):
            held.append(await ask("/hold"))
            async with patience(5):
                await arrived.acquire()
        refused, one_more = await ask("/hold")
        assert b"503" in await refused.readline()
        reader, writer = await ask("/api/v1/status")
        assert b"401" in await reader.readline()
        opened.set()
        for reader, _ in held:
            assert b"200" in await reader.readline()
        assert not server._links._carrying
        for _, each in (*held, (None, one_more), (None, writer)):
            each.close()
    finally:
        opened.set()
        await server.close()


def test_links_have_caps_of_their_own():
    admission = Admission(per_address=2, loopback=2, total=3, peer_loopback=4, peer_total=5)
    assert admission.admits("127.0.0.1", [], ["127.0.0.1"] * 4)
    assert admission.carries("127.0.0.1", ["127.0.0.1"] * 3)
    assert not admission.carries("127.0.0.1", ["127.0.0.1"] * 4)
    assert admission.carries("192.0.2.1", ["127.0.0.1"] * 4)
    assert not admission.carries("192.0.2.1", ["127.0.0.1"] * 5)
    assert not admission.admits("192.0.2.1", ["192.0.2.1"], ["192.0.2.1"])  # a stranger: whatever it asks for


def test_admission_counts_by_address():
    admission = Admission(per_address=2, loopback=3, total=4)
    assert admission.admits("192.0.2.1", ["192.0.2.1"])
    assert not admission.admits("192.0.2.1", ["192.0.2.1"] * 2)
    assert admission.admits("127.0.0.1", ["127.0.0.1"] * 2)
    assert admission.admits("::ffff:127.0.0.1", ["::ffff:127.0.0.1"] * 2)
    assert not admission.admits("::1", ["::1"] * 3)
    assert not admission.admits("192.0.2.9", ["192.0.2.1"] * 4)
    assert admission.admits(None, [])


def test_serving_needs_the_compiled_parser(monkeypatch):
    check_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(Problem, match="compiled parser"):
        check_parser()


async def test_a_taken_port_and_a_wrong_address_are_sentences(services, served):
    cases = [
        ("127.0.0.1", served, "--listen"),
        ("host.invalid", 0, "--listen"),
        ("127.0.0.1", 70_000, "65535"),
    ]
    for host, port, words in cases:
        with pytest.raises(Problem, match=words):
            await ApiServer(services, TOKEN).start(host, port)


async def echo(request):
    socket_ = web.WebSocketResponse(compress=False)
    await socket_.prepare(request)
    async for message in socket_:
        await socket_.send_bytes(message.data)
    return socket_


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_web_sockets_of_peers_pass_and_end_with_the_server(tmp_path, loop):
    loop_of = importlib.import_module(loop).new_event_loop

    async def talk():
        server = ApiServer(FakeServices(tmp_path), TOKEN, extra_routes=[web.get("/inx/1", echo)])
        _, port = await server.start("127.0.0.1", 0)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}/inx/1", compress=0) as peer,
        ):
            for size in (1, 65_535, 1_000_000):
                await peer.send_bytes(bytes(size))
                assert len(await peer.receive_bytes()) == size
            async with patience(8):
                await server.close()
            assert (await peer.receive()).type is not aiohttp.WSMsgType.BINARY

    with asyncio.Runner(loop_factory=loop_of) as runner:
        runner.run(talk())


# -- both transports -------------------------------------------------------------------------------------------
def test_the_calls_have_every_json_operation():
    assert {operation.name for operation, _ in CALLS} == {
        operation.name for operation in OPERATIONS if isinstance(operation, Operation)
    }


async def test_every_operation_answers_alike_over_both_transports(client, tmp_path):
    direct = DirectCaller(FakeServices(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    for caller in (client, direct):
        await caller.upload(blobs.BLOB_ADD, models.Nothing(), pieces(b"pic", b"ture"))
    for operation, request in CALLS:
        remote, local = await client.call(operation, request), await direct.call(operation, request)
        assert type(remote) is type(local), operation.name
        assert msgspec.json.encode(remote) == msgspec.json.encode(local), operation.name


@pytest.mark.parametrize(
    ("operation", "request_", "exit_code"),
    [
        (listings.LISTING_SHOW, models.ListingRef("none"), ExitCode.NOT_FOUND),
        (listings.LISTING_WITHDRAW, models.ListingKey("none"), ExitCode.NOT_FOUND),
        (peers.PEER_ADD, models.PeerUri("http://x.example"), ExitCode.USAGE),
        (listings.LISTINGS, models.ListingsQuery(limit=0), ExitCode.USAGE),
        (node.CONFIG_SET, models.SettingChange("hops", "many"), ExitCode.USAGE),
        (node.CONFIG_GET, models.SettingName("nope"), ExitCode.NOT_FOUND),
        (logs.ENTRIES, models.EntriesQuery(author="nx1nobody"), ExitCode.NOT_FOUND),
    ],
)
async def test_problems_are_alike_over_both_transports(client, services, operation, request_, exit_code):
    found = []
    for caller in (client, DirectCaller(services)):
        with pytest.raises(Problem) as caught:
            await caller.call(operation, request_)
        found.append((caught.value.text, caught.value.exit_code, caught.value.code, caught.value.details))
    assert found[0] == found[1]
    assert found[0][1] == exit_code


async def test_a_rule_that_refuses_and_a_node_that_is_not_there(client, services):
    await client.call(listings.LISTING_ADD, models.ListingAdd(LISTING))
    with pytest.raises(Problem) as caught:
        await client.call(listings.LISTING_ADD, models.ListingAdd(LISTING))
    assert caught.value.exit_code == ExitCode.REFUSED
    services.running = False
    with pytest.raises(Problem) as caught:
        await client.call(node.STOP, models.Nothing())
    assert caught.value.exit_code == ExitCode.UNREACHABLE


async def test_uploads_and_downloads_stream(client, services):
    query = models.ImportQuery(currency="USD", dry_run=True, filename="a b.csv")
    result = await client.upload(listings.LISTING_IMPORT, query, pieces(b"Handle\n", b"hat\nshirt"))
    assert (result.created, services.listings.known) == (2, {})
    await client.upload(listings.LISTING_IMPORT, models.ImportQuery(currency="USD"), pieces(b"Handle\nhat"))
    assert list(services.listings.known) == ["hat"]
    imported = await client.upload(logs.LOG_IMPORT, models.Nothing(), pieces(b"runs" * 10, b"runs" * 300_000))
    assert imported.added == 300_010
    received = b"".join(
        [chunk async for chunk in client.download(logs.LOG_EXPORT, models.LogChoice(author=ME))]
    )
    assert received == services.log.file
    kept = await client.upload(blobs.BLOB_ADD, models.Nothing(), pieces(b"a" * 100_000, b"b"))
    sent = client.download(blobs.BLOB_SEND, models.BlobName(kept.hash))
    assert b"".join([chunk async for chunk in sent]) == b"a" * 100_000 + b"b" and kept.size == 100_001
    wrong = models.BlobName("../../etc")  # seen before anything is done with it
    with pytest.raises(Problem, match="hash"):
        await client.call(blobs.BLOB_PROGRESS, wrong)
    with pytest.raises(Problem, match="hash"):
        [chunk async for chunk in client.download(blobs.BLOB_SEND, wrong)]


async def test_problems_of_streams(client, services):
    with pytest.raises(Problem) as caught:
        await client.upload(listings.LISTING_IMPORT, models.ImportQuery(), pieces(b"Handle\nhat"))
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.USAGE, "currency_needed")
    with pytest.raises(Problem) as caught:
        [chunk async for chunk in client.download(logs.LOG_EXPORT, models.LogChoice(author=OTHER))]
    assert caught.value.exit_code == ExitCode.NOT_FOUND


async def test_a_wrong_file_is_the_fault_of_who_sends_it(http, client):
    sent = await http.post(
        PREFIX + logs.LOG_IMPORT.path,
        data=b"rubbish",
        headers=bearer(**{"Content-Type": "application/octet-stream"}),
    )
    assert sent.status == 422
    with pytest.raises(Problem) as caught:
        await client.upload(logs.LOG_IMPORT, models.Nothing(), pieces(b"rubbish"))
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.FAILED, "log_file")


async def test_a_download_that_breaks_off_is_noticed(client, services):
    services.log.breaks = True
    with pytest.raises(Problem) as caught:
        [chunk async for chunk in client.download(logs.LOG_EXPORT, models.LogChoice())]
    assert caught.value.exit_code == ExitCode.UNREACHABLE


async def test_an_upload_is_at_most_20_mib(http, services):
    async def zeros():
        for _ in range(MAX_FEED // 65536 + 1):
            yield bytes(65536)

    headers = bearer(**{"Content-Type": "application/octet-stream"})
    async with http.post("/api/v1/listings/import?currency=EUR", data=zeros(), headers=headers) as answer:
        assert (answer.status, (await read(answer))["error"]["code"]) == (413, "too_large")
    head = {**headers, "Content-Length": str(MAX_FEED + 1)}
    async with http.post("/api/v1/listings/import", data=b"", headers=head) as answer:
        assert answer.status == 413


async def test_nobody_listening_is_exit_5():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        unused_tcp_port = taken.getsockname()[1]
    async with ApiClient(f"http://127.0.0.1:{unused_tcp_port}", TOKEN) as client:
        with pytest.raises(Problem) as caught:
            await client.call(node.STATUS, models.Nothing())
    assert caught.value.exit_code == ExitCode.UNREACHABLE
    assert caught.value.details["connected"] is False


async def test_a_node_that_hangs_is_exit_5(monkeypatch):
    monkeypatch.setattr(api_client, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with ApiClient(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN) as client:
            with pytest.raises(Problem) as caught:
                await client.call(node.STATUS, models.Nothing())
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.UNREACHABLE, "unreachable")


async def test_another_program_at_the_address_is_a_sentence():
    async def other(request):
        return web.Response(status=502 if request.path.endswith("stop") else 200, text="<html>")

    runner = web.AppRunner(app := web.Application())
    app.router.add_route("*", "/{path:.*}", other)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with ApiClient(f"http://{host}:{port}", TOKEN) as client:
            for operation in (node.STATUS, node.STOP):
                with pytest.raises(Problem) as caught:
                    await client.call(operation, models.Nothing())
                assert caught.value.code == "answer"
    finally:
        await runner.cleanup()


def test_shapes_over_http():
    kinds = {type(operation): operation for operation in OPERATIONS}
    assert set(kinds) == {Operation, Upload, Download}

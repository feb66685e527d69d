import asyncio
import random
import socket
import ssl
import subprocess
import threading
import time

import pytest
from misbehaving import picture
from waiting import TurnedClock

from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.fetching import Fetcher
from samplegen.realdata.limits import Limits
from samplegen.realdata.pacing import REFUSALS_BEFORE_PAUSE
from samplegen.realdata.versions import Validators

QUICK = {"backoff_s": 0.01, "retries": 2, "total_s": 20.0}


def _fetch(url, *, allow_private=True, known=None, **limits):
    async def run():
        async with Fetcher(
            Limits(**{**QUICK, **limits}), allow_private=allow_private, rng=random.Random(0)
        ) as fetcher:
            return await fetcher.fetch(url, known)

    return asyncio.run(run())


def _reason(url, **options):
    with pytest.raises(PictureFailure) as caught:
        _fetch(url, **options)
    return caught.value


def test_a_picture_comes_with_what_its_server_calls_the_version(server):
    fetched = _fetch(f"{server.url}/good/7.jpg")

    assert fetched.content == picture(7)
    assert fetched.validators.etag == '"7"'
    assert fetched.validators.last_modified


def test_requests_ask_for_plain_bytes_and_carry_nothing_of_the_environment(server, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    _fetch(f"{server.url}/good/1.jpg")

    headers = server.headers[0]
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("samplegen/")
    assert {"authorization", "cookie", "if-none-match"}.isdisjoint(headers)


@pytest.mark.parametrize(
    ("path", "requests"),
    [("429/1.jpg", 2), ("429-date/1.jpg", 2), ("500-twice/1.jpg", 3), ("moved/1.jpg", 2), ("gzip/1.jpg", 1)],
)
def test_what_passes_is_tried_until_it_has_passed(server, path, requests):
    assert _fetch(f"{server.url}/{path}").content == picture(1)
    assert len(server.asked) == requests


@pytest.mark.parametrize("path", ["429/1.jpg", "429-date/1.jpg"])
def test_retry_after_is_waited_for(server, path):
    start = time.monotonic()
    _fetch(f"{server.url}/{path}")

    # A date has whole seconds, so that two of them may be little more than one.
    assert time.monotonic() - start >= 1


def test_a_server_cannot_make_the_client_wait_for_ever(server):
    # Asked to come back in a year.
    assert _fetch(f"{server.url}/503-for-a-year/1.jpg", longest_wait_s=0.2).content == picture(1)


@pytest.mark.parametrize(
    ("path", "message", "lasting", "requests"),
    [
        ("404/1.jpg", "404 Not Found", True, 1),
        ("403/1.jpg", "403 Forbidden", True, 1),
        ("500/1.jpg", r"500 Internal Server Error \(3 tries\)", False, 3),
        ("truncated/1.jpg", r"the answer broke off.*\(3 tries\)", False, 3),
        ("reset/1.jpg", r"(broke).*\(3 tries\)", False, 3),
        ("huge/1.jpg", "has 1,000,000,000,000 bytes; allowed are 1,000,000", False, 1),
        ("endless/1.jpg", "has more than 1,000,000 bytes", False, 1),
        ("gzip-bomb/1.jpg", "has more than 1,000,000 bytes", False, 1),
        ("brotli/1.jpg", "encoded as 'br'", True, 1),
        ("loop/1", "redirected more than 5 times", True, 6),
        ("to-file/1.jpg", "'file:///etc/passwd' is no http", True, 1),
        ("to-credentials/1.jpg", "holds a user name or a password", True, 1),
    ],
)
def test_what_does_not_pass_is_explained(server, path, message, lasting, requests):
    failure = _reason(f"{server.url}/{path}", picture_bytes=1_000_000)

    with pytest.raises(PictureFailure, match=message):
        raise failure
    assert (failure.lasting, len(server.asked)) == (lasting, requests)


def test_reasons_are_short_and_move_nothing_on_a_terminal(server):
    for path in ("babble/1.jpg", "404/1.jpg"):
        reason = _reason(f"{server.url}/{path}").reason
        assert len(reason) <= 300
        assert reason.isprintable()


def test_a_slow_drip_ends_with_the_time_for_a_picture(server):
    assert "not complete after 0.5 s" in _reason(f"{server.url}/drip/1.jpg", total_s=0.5).reason
    assert len(server.asked) <= 1


def test_all_tries_share_the_time_for_a_picture(server):
    failure = _reason(f"{server.url}/silent/1.jpg", total_s=0.5, read_s=0.3, retries=50)

    assert "not complete after 0.5 s" in failure.reason
    assert len(server.asked) <= 2


def test_a_silent_server_is_left(server):
    assert (
        "no answer within 0.2 s (1 try)"
        in _reason(f"{server.url}/silent/1.jpg", read_s=0.2, retries=0).reason
    )


def test_a_known_version_is_not_sent_again(server):
    known = Validators(etag='"4"')

    assert _fetch(f"{server.url}/etag/4.jpg", known=known).content is None
    assert _fetch(f"{server.url}/etag/5.jpg", known=known).content == picture(5)


def test_304_without_a_condition_is_a_failure(server):
    # A server that says "as before" to a client that has no before.
    assert _reason(f"{server.url}/304/4.jpg").reason == "304 Not Modified"
    assert _reason(f"{server.url}/304/4.jpg", known=Validators()).reason == "304 Not Modified"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_private_hosts_are_not_asked_however_they_are_written(server, host):
    port = server.url.rsplit(":", 1)[1]

    assert "private address" in _reason(f"http://{host}:{port}/good/1.jpg", allow_private=False).reason
    assert server.asked == []


def test_a_redirect_to_a_private_host_is_not_followed(server):
    # The first host is allowed by name, the second is another.
    allowed = frozenset({"127.0.0.1"})

    assert _fetch(f"{server.url}/moved/1.jpg", allow_private=allowed).content == picture(1)
    assert "'127.0.0.2' is 127.0.0.2, a private address" in (
        _reason(f"{server.url}/to-private/1.jpg", allow_private=allowed).reason
    )
    assert server.asked[-1] == "/to-private/1.jpg"


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch):
    # The name server tells a public address first and a private one ever after.
    answers = iter(["93.184.215.14", *["127.0.0.1"] * 50])
    connected = []

    async def getaddrinfo(self, host, port, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 0))]

    async def create_connection(self, protocol, host, port, **options):
        connected.append(host)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)

    assert "no connection" in _reason("http://rebinding.example/1.jpg", allow_private=False).reason
    assert connected == ["93.184.215.14"] * 3
    assert next(answers) == "127.0.0.1"


@pytest.mark.parametrize("host", ["nowhere.example", "no_where.example", "हिन्दी.example"])
@pytest.mark.parametrize(("error", "lasting"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_unknown_hosts_are_explained(monkeypatch, error, lasting, host):
    async def getaddrinfo(self, host, port, **options):
        raise socket.gaierror(error, "as the name server says")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)

    failure = _reason(f"http://{host}/1.jpg")
    assert "is not found: as the name server says" in failure.reason
    assert failure.lasting is lasting


def test_a_name_server_that_does_not_answer_is_asked_again_for_the_next_picture(server, monkeypatch):
    real = asyncio.BaseEventLoop.getaddrinfo
    asked = []

    async def getaddrinfo(self, host, port, **options):
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return await real(self, "127.0.0.1", port, **options)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    port = server.url.rsplit(":", 1)[1]

    async def run():
        async with Fetcher(Limits(), allow_private=True) as fetcher:
            with pytest.raises(PictureFailure, match="Temporary failure"):
                await fetcher.fetch(f"http://shop.example:{port}/good/1.jpg")
            return await fetcher.fetch(f"http://shop.example:{port}/good/2.jpg")

    assert asyncio.run(run()).content == picture(2)
    assert asked == ["shop.example"] * 2


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("", "names no address"),
        ("N.A.", "is no http"),
        ("ftp://host.example/1.jpg", "is no http"),
        ("javascript:alert(1)", "is no http"),
        ("http://", "names no host"),
        ("http://me:secret@host.example/1.jpg", "user name or a password"),
        ("http://host.example:99999/", "is no address"),
        ("http://[::1/", "is no address"),
        ("http:///1.jpg", "names no host"),
        ("http://exa mple/1.jpg", "host 'exa mple' is no host name: it holds ' '"),
        ("http://exa%20mple/1.jpg", "is no host name: it holds '%'"),
        ("http://*.example/1.jpg", "is no host name: it holds '*'"),
        ("http://host\x00.example/1.jpg", "is no host name: it holds '\\x00'"),
        ("http://a..example/1.jpg", "host 'a..example' is no host name"),
        ("http://" + "a" * 300 + ".example/", "is no host name"),
    ],
)
def test_what_is_no_address_is_not_asked(address, message):
    assert message in _reason(address).reason


@pytest.mark.parametrize(("per_host", "concurrency", "crowd"), [(3, 10, 6), (3, 4, 4), (1, 10, 2)])
def test_as_many_requests_as_allowed_are_under_way_at_a_host_and_at_all(server, per_host, concurrency, crowd):
    # The first are answered when so many have come: a client that sends fewer at a time gets none.
    server.crowd = crowd
    other = server.url.replace("127.0.0.1", "localhost")

    async def run():
        async with Fetcher(Limits(per_host=per_host, concurrency=concurrency), allow_private=True) as fetcher:
            addresses = [f"{url}/slow/{n}.jpg" for url in (server.url, other) for n in range(12)]
            await asyncio.gather(*map(fetcher.fetch, addresses))

    asyncio.run(run())

    assert len(server.asked) == 24
    assert server.most["all"] == crowd
    assert max(server.most["127.0.0.1"], server.most["localhost"]) <= per_host


def test_waiting_for_others_does_not_count_as_transfer(server):
    async def scene(fetcher, turn):
        first = asyncio.create_task(fetcher.fetch(f"{server.url}/held/1.jpg"))
        await _until(lambda: len(server.asked) == 1)
        second = asyncio.create_task(fetcher.fetch(f"{server.url}/good/2.jpg"))
        await _let_others_run()
        turn(61)
        with pytest.raises(PictureFailure, match="not complete after 60 s"):
            await first
        assert (await second).content == picture(2)

    _play(scene, concurrency=1, total_s=60.0, read_s=10_000.0)


def test_the_host_that_refuses_is_left_alone_not_the_one_that_leads_there(server):
    other = server.url.replace("127.0.0.1", "localhost")

    def good():
        return [
            headers["host"].partition(":")[0]
            for path, headers in zip(server.asked, server.headers, strict=True)
            if path.startswith("/good/")
        ]

    async def scene(fetcher, turn):
        tries = [fetcher.fetch(f"{server.url}/busy-elsewhere/{n}.jpg") for n in range(6)]
        refused = asyncio.gather(*tries, return_exceptions=True)
        await _until(
            lambda: sum(path.startswith("/503/") for path in list(server.sent)) >= REFUSALS_BEFORE_PAUSE
        )
        for number in range(5):  # until the answers that are here have been read as well
            await fetcher.fetch(f"{server.url}/good/{number}.jpg")
        left_alone = asyncio.create_task(fetcher.fetch(f"{other}/good/6.jpg"))
        await _let_others_run()
        await fetcher.fetch(f"{server.url}/good/7.jpg")
        assert good() == ["127.0.0.1"] * 6
        turn(2000)
        assert (await left_alone).content == picture(6)
        assert good() == ["127.0.0.1"] * 6 + ["localhost"]
        refused.cancel()
        await asyncio.gather(refused, return_exceptions=True)

    _play(scene, retries=1, backoff_s=0.01, per_host=12, longest_wait_s=1500.0)


def _play(scene, **limits):
    """Give a scene a fetcher, and what turns the fetcher's clock."""

    async def run():
        async with Fetcher(Limits(**limits), allow_private=True, rng=random.Random(0)) as fetcher:
            await scene(fetcher, asyncio.get_running_loop().turn)

    with asyncio.Runner(loop_factory=TurnedClock) as runner:
        runner.run(run())


async def _until(condition):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "the server was not asked"
        await asyncio.sleep(0.01)


async def _let_others_run():
    """Let every task go on until it waits for a timer or the network."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def tls_server(tmp_path):
    """A server for https://localhost with a certificate of its own, and the certificate's path."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    try:
        subprocess.run(
            [*words, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    body = picture(3, size=300, form="PNG", compress_level=0)

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as stream:
                    while stream.recv(65536):
                        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            except OSError:
                continue

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], certificate, body
    listener.close()


def test_https_is_read_and_the_certificate_must_be_for_the_host(tls_server, monkeypatch):
    port, certificate, body = tls_server

    assert "certificate is not valid" in _reason(f"https://localhost:{port}/1.png").reason
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert _fetch(f"https://localhost:{port}/1.png").content == body
    assert "certificate is not valid" in _reason(f"https://127.0.0.1:{port}/1.png").reason

"""Each fault of an edge, on connections that stand and on new ones."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from netnode.testing import Arrival, Edge, Faults, wait_until
from netnode.testing.faults import PERFECT
from tests.netnode.testing.echo import Echo, dial, read, silent, way_to


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def edge(echo: Echo) -> Iterator[Edge]:
    with way_to(echo.address) as made:
        yield made


def asked(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return read(connection, len(data))


def assert_passes(edge: Edge) -> None:
    with dial(edge) as connection:
        assert asked(connection, b"hello") == b"hello"


def assert_reset(edge: Edge) -> None:
    """The reset comes as soon as the connection stands, or a moment later."""
    with pytest.raises(ConnectionResetError), dial(edge) as connection:
        connection.recv(1)


def test_everything_passes_and_is_counted(edge: Edge, echo: Echo) -> None:
    data = bytes(range(256)) * 10_000
    with dial(edge) as connection:
        sent = memoryview(data)
        got = b""
        while len(got) < len(data):
            if sent:
                sent = sent[connection.send(sent[:65_536]) :]
            got += connection.recv(65_536)
        assert got == data and edge.connections == 1
        assert edge.passed == (len(data), len(data))
        connection.shutdown(socket.SHUT_WR)  # half of the end passes too
        assert connection.recv(1) == b""
    echo.wait_ended()
    assert echo.resets == 0
    wait_until(lambda: edge.connections == 0, "the connection is over")


def test_latency_counts_each_way(edge: Edge) -> None:
    edge.set(latency=0.08)
    with dial(edge) as connection:
        began = time.monotonic()
        assert asked(connection, b"ping") == b"ping"
        assert time.monotonic() - began >= 0.16
        edge.heal()
        assert asked(connection, b"again") == b"again"


def test_jitter_keeps_the_order(edge: Edge) -> None:
    edge.set(jitter=0.01)
    with dial(edge) as connection:
        for number in range(20):
            connection.sendall(bytes([number]) * 3)
        assert read(connection, 60) == b"".join(bytes([number]) * 3 for number in range(20))


def test_bandwidth_bounds_each_direction(edge: Edge) -> None:
    edge.set(bandwidth=200_000)
    data = bytes(40_000)
    with dial(edge) as connection:
        began = time.monotonic()
        assert asked(connection, data) == data
        assert time.monotonic() - began >= 0.2
    assert edge.faults == Faults(bandwidth=200_000)


def test_a_reset_ends_what_stands_and_nothing_else(edge: Edge, echo: Echo) -> None:
    with dial(edge) as connection:
        assert asked(connection, b"one") == b"one"
        edge.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    echo.wait_ended()
    assert echo.resets == 1
    assert_passes(edge)


@pytest.mark.parametrize("count", [0, 1, 7, 10])
def test_a_reset_at_a_byte(edge: Edge, echo: Echo, count: int) -> None:
    edge.set(reset_after=count)
    with dial(edge) as connection:
        connection.sendall(b"0123456789abc")
        with pytest.raises(ConnectionResetError):
            while connection.recv(100):
                pass
    echo.wait_ended()
    assert echo.got == b"0123456789abc"[:count]
    edge.heal()
    assert_passes(edge)


def test_refused_like_a_node_that_is_off(edge: Edge) -> None:
    with dial(edge) as standing:
        assert asked(standing, b"one") == b"one"
        edge.refuse()
        with pytest.raises(ConnectionResetError):
            standing.recv(1)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            dial(edge)
    address = edge.address
    edge.heal()
    assert edge.address == address
    assert_passes(edge)


def test_stalled_like_a_cable_that_is_cut(edge: Edge, echo: Echo) -> None:
    with dial(edge) as standing:
        assert asked(standing, b"one") == b"one"
        edge.stall()
        standing.sendall(b"two")
        with dial(edge) as new:  # it is accepted, and nobody answers
            new.sendall(b"three")
            assert silent(new) and silent(standing)
            assert echo.got == b"one"
            edge.heal()
            assert read(standing, 3) == b"two" and read(new, 5) == b"three"


@pytest.mark.parametrize("direction", ["out", "back"])
def test_cut_one_way(edge: Edge, echo: Echo, direction: str) -> None:
    with dial(edge) as connection:
        assert asked(connection, b"one") == b"one"
        edge.cut(direction)  # type: ignore[arg-type]
        connection.sendall(b"two")
        if direction == "back":
            wait_until(lambda: echo.got == b"onetwo", "what is sent arrives")
        assert silent(connection)
        assert echo.got == (b"one" if direction == "out" else b"onetwo")
        edge.heal()
        assert read(connection, 3) == b"two"


def test_both_ways_cut_one_after_the_other(edge: Edge) -> None:
    edge.cut("out")
    edge.cut("back")
    assert edge.faults == Faults(hold_out=True, hold_back=True)
    edge.heal()
    edge.cut()
    assert edge.faults == Faults(hold_out=True, hold_back=True) and edge.faults.arrival is Arrival.PASSED


def test_half_open(edge: Edge, echo: Echo) -> None:
    """The far side learns of the end, the dialler does not, until the way is healed."""
    with dial(edge) as standing:
        assert asked(standing, b"one") == b"one"
        edge.half_open()
        echo.wait_ended()
        standing.sendall(b"two")
        with dial(edge) as new:
            new.sendall(b"three")
            assert silent(standing) and silent(new)
            assert echo.got == b"one" and edge.connections == 2
            edge.heal()
            for connection in (standing, new):
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
    assert_passes(edge)


def test_a_reset_of_what_is_held(edge: Edge) -> None:
    with dial(edge) as standing:
        assert asked(standing, b"one") == b"one"
        edge.stall()
        with dial(edge) as new:
            standing.sendall(b"two")
            wait_until(lambda: edge.connections == 2, "both stand")
            edge.reset()
            for connection in (standing, new):
                with pytest.raises(ConnectionResetError):
                    connection.recv(1)
            wait_until(lambda: edge.connections == 0, "both are over")


def test_the_end_of_a_stalled_edge_says_nothing(echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    with way_to(echo.address) as edge:
        standing = dial(edge)
        assert asked(standing, b"one") == b"one"
        edge.stall()
        standing.sendall(b"two")
    standing.close()
    assert caplog.records == []


def test_a_dialler_that_leaves_a_half_open_connection(edge: Edge) -> None:
    with dial(edge) as connection:
        assert asked(connection, b"one") == b"one"
        edge.half_open()
    wait_until(lambda: edge.connections == 0, "the connection is over")


def test_a_way_to_nobody(echo: Echo) -> None:
    with way_to(None) as edge:
        assert_reset(edge)
        edge.lead_to(echo.address)
        assert_passes(edge)
        gone = socket.create_server(("127.0.0.1", 0))
        address = gone.getsockname()
        gone.close()
        edge.lead_to(address)
        assert_reset(edge)


def test_what_is_usual_stays_after_healing(echo: Echo) -> None:
    slow = Faults(latency=0.05)
    with way_to(echo.address, slow) as edge:
        edge.stall()
        assert edge.faults.latency == 0.05
        edge.heal()
        assert edge.faults == slow == edge.usual
        began = time.monotonic()
        assert_passes(edge)
        assert time.monotonic() - began >= 0.1


def test_the_end_of_an_edge_frees_its_port(echo: Echo) -> None:
    with way_to(echo.address) as edge:
        standing = dial(edge)
        assert asked(standing, b"one") == b"one"
    with standing, pytest.raises(ConnectionResetError):
        standing.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial(edge)


@pytest.mark.parametrize("wrong", [{"latency": -1}, {"jitter": -0.1}, {"bandwidth": 0}, {"reset_after": -1}])
def test_values_that_make_no_sense(edge: Edge, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"latency|bandwidth|reset_after"):
        edge.set(**wrong)
    with pytest.raises(TypeError):
        edge.set(loss=0.1)
    assert edge.faults == PERFECT

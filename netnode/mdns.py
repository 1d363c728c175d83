"""Announcements by multicast DNS (RFC 6762, 6763): service `_inx._tcp.local.`, instance = the networker's id.

Told are the id, the port and the IP addresses the service is at, nothing else: no name, no version, no host name. What
others announce is looked up one after the other through a short queue, so that a flood of announcements costs little.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

SERVICE: Final = "_inx._tcp.local."
QUEUE: Final = 64  # why: announcements that wait to be looked up; more are dropped, and come again
LOOKUP_MS: Final = 3_000
GOODBYE_SECONDS: Final = 3.0  # why: three goodbyes an eighth of a second apart, on a busy computer
_log = logging.getLogger("netnode.mdns")


class ZeroconfMulticast:
    """`netnode.ports.Multicast` on the library zeroconf.

    Args:
        interfaces: IP addresses of the interfaces to use; None for all of this computer.
    """

    def __init__(self, interfaces: Sequence[str] | None = None) -> None:
        self._interfaces = interfaces

    async def run(
        self,
        name: str,
        port: int,
        hosts: Sequence[str],
        heard: Callable[[str, Sequence[str], int], None],
        gone: Callable[[str], None],
    ) -> None:
        """Announces a node and listens to others until cancelled.

        Raises:
            OSError: this network, or this installation, cannot.
        """
        try:
            # Late: a node that listens to this computer only never needs it, and a start must not fail for it.
            from zeroconf import Error, InterfaceChoice, ServiceInfo
            from zeroconf.asyncio import AsyncServiceBrowser, AsyncZeroconf
        except ImportError as error:
            raise OSError(f"the library zeroconf is not there ({error})") from error
        interfaces: Any = list(self._interfaces) if self._interfaces else InterfaceChoice.All
        found: asyncio.Queue[str] = asyncio.Queue(QUEUE)

        def changed(zeroconf: object, service_type: str, name: str, state_change: Any) -> None:
            if state_change.name == "Removed":
                gone(_instance(name))
            elif not found.full():
                found.put_nowait(name)

        info = ServiceInfo(
            SERVICE,
            f"{name}.{SERVICE}",
            port=port,
            addresses=[ipaddress.ip_address(host).packed for host in hosts],
            properties={"id": name},
            server=f"inx-{name[-12:]}.local.",  # the computer's own name is nobody's business
        )
        try:
            multicast = AsyncZeroconf(interfaces=interfaces)
        except Error as error:
            raise OSError(str(error)) from error
        try:
            browser = AsyncServiceBrowser(multicast.zeroconf, SERVICE, handlers=[changed])
            try:
                await (await multicast.async_register_service(info))
                while True:
                    await _look_up(multicast, await found.get(), heard)
            finally:
                await browser.async_cancel()
        except Error as error:  # the id is announced by another node already, say
            raise OSError(str(error) or type(error).__name__) from error
        finally:
            try:
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await multicast.async_close()
            except TimeoutError:
                _log.info("the goodbye to the local network took too long")


async def _look_up(multicast: Any, name: str, heard: Callable[[str, Sequence[str], int], None]) -> None:
    info = await multicast.async_get_service_info(SERVICE, name, timeout=LOOKUP_MS)
    if info is not None and info.port is not None:
        heard(_instance(name), info.parsed_scoped_addresses(), info.port)


def _instance(name: str) -> str:
    """The instance in the full name of a service."""
    return name.removesuffix(f".{SERVICE}")

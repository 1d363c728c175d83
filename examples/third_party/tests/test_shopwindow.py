"""The shop window before a market of real nodes whose network fails.

The fixture `mesh` is there because netnode[testing] is installed; nothing else has to be set up.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from shopwindow import Window

from netnode.testing import Mesh, Node, wait_until


def token(node: Node) -> str:
    return (node.home / "token").read_text().strip()


def window_of(node: Node, patience: float = 5.0) -> Window:
    """A window that asks a node by its front: the way on which a test can do harm."""
    return Window(node.front.api, token(node), patience=patience)


def shows(window: Window, *titles: str) -> bool:
    """Whether a refreshed window shows just these of the titles used here."""
    assert window.refresh(), window.trouble
    known = {"Brass lamp", "Kettle", "<b>Bold</b> cup"}
    page = window.page()
    return {title for title in known if title.replace("<", "&lt;").replace(">", "&gt;") in page} == set(
        titles
    )


def test_what_somebody_far_away_offers_is_shown(mesh: Mesh) -> None:
    seller, _, shop = mesh.up(["seller", "middle", "shop"], "line")
    window = window_of(shop)
    assert "Nothing is known yet" in window.page()
    seller.add("lamp", "Brass lamp", price="80.00", currency="EUR")
    seller.add("cup", "<b>Bold</b> cup")
    wait_until(lambda: shows(window, "Brass lamp", "<b>Bold</b> cup"), "both are shown")
    assert (
        "80.00 EUR" in window.page() and "<i>Seller</i>" in window.page() and "on offer now" in window.page()
    )
    assert "&lt;b&gt;Bold" in window.page(), "a title of somebody else is no HTML of ours"


def test_a_market_that_falls_apart_and_comes_together(mesh: Mesh) -> None:
    """While the seller is cut off the old offer stands; what changed meanwhile is shown after healing."""
    seller, middle, shop = mesh.up(["seller", "middle", "shop"], "ring")
    window = window_of(shop)
    seller.add("lamp", "Brass lamp")
    wait_until(lambda: shows(window, "Brass lamp"), "the lamp is shown")
    mesh.partition([seller], [middle, shop])
    seller.withdraw("lamp")
    middle.add("kettle", "Kettle")
    wait_until(lambda: shows(window, "Brass lamp", "Kettle"), "the near offer is shown, the far one still")
    mesh.heal()
    wait_until(lambda: shows(window, "Kettle"), "the lamp is gone")


@pytest.mark.parametrize("harm", ["refuse", "stall", "half_open"])
def test_the_window_does_not_go_dark(mesh: Mesh, harm: str) -> None:
    shop = mesh.start("shop")
    shop.add("lamp", "Brass lamp")
    window = window_of(shop, patience=0.5)
    wait_until(lambda: shows(window, "Brass lamp"), "the lamp is shown")
    getattr(shop.front, harm)()
    assert not window.refresh() and window.trouble
    assert "Brass lamp" in window.page() and "seconds ago" in window.page()
    shop.front.heal()
    assert shows(window, "Brass lamp") and "on offer now" in window.page()


@pytest.mark.parametrize("at", [0, 20, 200, 400])
def test_an_answer_that_breaks_off_changes_nothing(mesh: Mesh, at: int) -> None:
    shop = mesh.start("shop")
    shop.add("lamp", "Brass lamp")
    window = window_of(shop)
    wait_until(lambda: shows(window, "Brass lamp"), "the lamp is shown")
    shop.front.set(reset_after=at)
    assert not window.refresh() and "Brass lamp" in window.page()


def test_a_node_that_was_killed_and_comes_back(mesh: Mesh) -> None:
    shop = mesh.start("shop")
    shop.add("lamp", "Brass lamp")
    window = window_of(shop)
    wait_until(lambda: shows(window, "Brass lamp"), "the lamp is shown")
    shop.kill()
    assert not window.refresh() and "Brass lamp" in window.page()
    mesh.restart(shop)  # at another port: the front leads there
    assert shows(window, "Brass lamp")


def test_a_slow_line_is_waited_for(mesh: Mesh) -> None:
    shop = mesh.start("shop")
    shop.add("lamp", "Brass lamp")
    window = window_of(shop, patience=20)
    shop.front.set(latency=0.2, bandwidth=20_000)
    wait_until(lambda: shows(window, "Brass lamp"), "the lamp is shown")


def test_the_program(mesh: Mesh) -> None:
    shop = mesh.start("shop")
    shop.add("lamp", "Brass lamp")
    program = [sys.executable, str(Path(__file__).parents[1] / "shopwindow.py")]
    wait_until(lambda: shop.keys("lamp") == {"lamp"}, "the catalogue has it")
    done = subprocess.run(
        [*program, shop.ready.api, shop.home / "token", "lamp"], capture_output=True, text=True, check=True
    )
    assert "<b>Brass lamp</b> ask for the price" in done.stdout
    refused = subprocess.run(
        [*program, shop.ready.api, __file__], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1 and "gave no list" in refused.stderr

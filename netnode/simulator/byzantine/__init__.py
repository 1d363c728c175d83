"""Dishonest peers: each kind breaks INX in its own way, and says truthfully afterwards what it did."""

from netnode.simulator.byzantine.deeds import Deeds
from netnode.simulator.byzantine.registry import KINDS, villain
from netnode.simulator.byzantine.scene import Stage, Target
from netnode.simulator.byzantine.villain import Kind, Villain

__all__ = ["KINDS", "Deeds", "Kind", "Stage", "Target", "Villain", "villain"]

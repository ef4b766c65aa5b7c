"""A Sage Intacct XML gateway to run against: real HTTP, SQLite underneath, faults on demand.

It behaves as Sage's developer documentation, official schema and official clients describe. Where they are silent, it
takes the reading under which money is safe and says so in the docstring of the code that decides.
"""

from simulator.faults import Fault, Kind
from simulator.seed import Company, Seed, demo_seed, load_seed, with_many_parties
from simulator.server import Simulator
from simulator.store import Store

__all__ = ["Company", "Fault", "Kind", "Seed", "Simulator", "Store", "demo_seed", "load_seed", "with_many_parties"]

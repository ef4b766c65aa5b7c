"""A simulator of the Sage Intacct XML gateway for tests and demonstrations: real HTTP, SQLite, faults on demand.

The simulator behaves as Sage's developer documentation, official schema and official clients describe. Where these
sources are silent, it chooses the behaviour that is safe for money, and the docstring of the deciding code says so.
"""

from simulator.faults import Fault, Kind
from simulator.seed import Company, Seed, demo_seed, load_seed, with_many_parties
from simulator.server import Simulator
from simulator.store import Store

__all__ = ["Company", "Fault", "Kind", "Seed", "Simulator", "Store", "demo_seed", "load_seed", "with_many_parties"]

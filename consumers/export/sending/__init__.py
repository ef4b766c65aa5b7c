"""Calls to Sage Intacct: a lane per company, circuit breakers, documents in doubt, and the leases of claims."""

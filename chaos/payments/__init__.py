"""``python -m chaos.payments``: the payments poller under faults. What it told, folded, against the gateway's database.

=============  ==================================================================================================
`facts`        what was told on `sage-payments`, folded by payment id; what the gateway's database holds (pure)
`audit`        the two compared (pure)
`player`       what an accountant does next, drawn from a seed and from what stands in the books (pure)
`accountant`   does it, through the simulator's admin endpoints
`system`       broker, gateway, proxy, topics; documents exported by a real worker; the pollers
`run`          all of it for a while, then the wait, then the audit
=============  ==================================================================================================
"""

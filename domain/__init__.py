"""The accounting rules, pure: no I/O, no clock, no randomness.

The flow, each step a function from values to values::

    bytes --decode--> Event --read--> SourceDocument --export--> Document | Skipped | Deferred | Rejected

`SourceDocument` is what the event alone says; `Document` is what Sage Intacct is to book, every line with the account
that was chosen and why.
"""

"""The accounting rules, pure: no I/O, no clock, no randomness.

The flow, each step a function from values to values::

    bytes --decode--> Event --translate--> SourceDocument --export--> Document | Skipped | Deferred | Rejected

`SourceDocument` holds the content of the event alone. `Document` holds the content that Sage Intacct should book; each
of its lines names the GL account that was chosen, and the mapping that gave it.
"""

"""The export ledgers as a person looks after them: whether they are whole, copies of them, and their repair.

============== =======================================================================================================
`survey`       what each ledger partition holds, and the damage to it or to its source
`copies`       writes copies of ledgers, and finds those that a directory holds
`rebuilding`   writes an empty ledger anew, from a copy and from the published results
`sage_…`       adds what Sage's own records tell (`sage_records`, `source_events`, `sage_matching`, `sage_report`)
`acceptance`   accepts a damage: the group goes on behind it, and a dead letter says what was lost
============== =======================================================================================================

A copy is a local store (`consumers.export.ledger.store`), so a worker's state directory is a set of copies too.
"""

"""Import of payments: poll Sage, match each row with the documents we exported, publish every payment exactly once.

=  ==============================================================================  ====================
1  take over a partition of the cursor topic: its transactional id fences the       `partition`
   former owner; then restore what was published so far
2  for each company of the partition: choose the sessions and the subsidiaries      `companies`
3  query the rows changed since the watermark (a value of Sage's own), minus an     `poll`
   overlap
4  find the exported document of each row, by the record numbers in the ledgers     `exported_documents`
5  decide which facts are new (pure)                                                `domain.payments`
6  write records, published facts and watermark in one Kafka transaction            `partition`
7  slowly compare all balances with the published payments, to find what polling    `reconcile`
   cannot see
=  ==============================================================================  ====================

Nothing here can write to Sage: the package is given a reader of payments (`sage_client.payments`), never the client.
"""

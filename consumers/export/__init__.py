"""The export: read a topic, post its documents exactly once in effect, and publish the result of each.

The sequence (docs/exactly-once.md has the crash table), and the module of each step:

=  ============================================================================  =======================================
0  partition assigned: the former owner fenced; ledger restored                 `ledger.restore`, `worker`
1  event decoded; its document and revision looked up in the ledger             `partition`, `protocol.decide`
2  event mapped to a document (pure); its party found in Sage                   `partition`, `enrichment`
3  claim written to the ledger, durable before the first byte leaves            `sending.lane`, `ledger.transactions`
4  one request for up to N documents, each with its own control id              `sending.lane`
5  one Kafka transaction: results, ledger outcomes and source offsets           `partition`, `ledger.transactions`
6  a claim without an outcome is looked up before anything is sent again        `sending.in_doubt`, `protocol.reconcile`
=  ============================================================================  =======================================

A new revision of a posted document goes through the sequence twice. First the existing Sage record is read
(`sending.inspection`), and `protocol.correct` decides how to change or remove it. That call is claimed, sent and made
durable like any other. Then the document is posted as a new one.

A parked, rejected or in-doubt document is kept in the ledger. It comes back automatically, or when a person asks:
`parking_lot`.
"""

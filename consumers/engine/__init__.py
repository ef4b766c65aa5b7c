"""What moves the money: read a topic, post its documents exactly once in effect, tell the world what became of them.

The sequence (docs/guarantees.md has the crash table):

====  =====================================================================================  ==============================
step  what happens                                                                           where
====  =====================================================================================  ==============================
0     partition assigned: the transactional id fences the former owner; ledger restored      `session.PartitionSession.open`
1     event decoded, its document and revision looked up in the ledger                       `session.PartitionSession.feed`
2     mapped to a document (pure); the party found                                           `session`, `lane`
3     claim written to the ledger, durable before the first byte leaves                      `lane.Lane`, `journal`
4     one request for up to N documents, each with its own control id                        `lane.Lane`
5     one Kafka transaction: results, ledger outcomes and source offsets                     `journal.Journal`
6     a claim without an outcome is looked up before anything is sent again                  `doubt`
====  =====================================================================================  ==============================
"""

"""What moves the money: read a topic, post its documents exactly once in effect, tell the world what became of them.

The sequence (docs/exactly-once.md has the crash table), and where each step is:

=  ==================================================================================  ============================
0  partition assigned: its transactional id fences the former owner; ledger restored   `restore`, `worker`
1  event decoded, its document and revision looked up in the ledger                    `session`: feed; `judgement`
2  mapped to a document (pure); its party found                                        `session`: map; `lane`
3  claim written to the ledger, durable before the first byte leaves                   `lane`: claim; `journal`
4  one request for up to N documents, each with its own control id                     `lane`: post
5  one Kafka transaction: results, ledger outcomes and source offsets                  `session`: finish; `journal`
6  a claim without an outcome is looked up before anything is sent again               `doubt`; `proof`
=  ==================================================================================  ============================

A revision of what stands in Sage goes through it twice: `inspection` and `correction` say what is done to what stands,
which is claimed, called and made durable like any other call; then the document is posted as a new one.

What waits, was rejected or is in doubt is kept in the ledger, and comes back by itself or when a person asks: `recall`.
"""

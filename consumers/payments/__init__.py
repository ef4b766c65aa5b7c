"""Payments recorded in Sage, back to Alvys: polled, matched with the documents that we exported, told exactly once.

=  ==============================================================================  ================
1  a partition of the cursor topic is ours: its transactional id fences the former  `partition`
   owner; what was told so far is restored
2  per company of the partition: which sessions to ask, for whose documents         `companies`
3  rows changed since the watermark, a value of Sage's own, minus an overlap        `poll`
4  which documents they are about, by the ledgers' record numbers                   `documents`
5  what of it is news (pure)                                                        `domain.payments`
6  one Kafka transaction: records, what was told, watermark                         `partition`
7  slowly, all balances against what was told: what polling cannot see              `reconcile`
=  ==============================================================================  ================

Nothing here can write to Sage: it is given a reader of payments and no client (`sage_client.payments`).
"""

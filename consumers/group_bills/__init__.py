"""Grouped bills of fuel and tolls: rows that were put aside become one event a provider, subsidiary and day.

1. Rows and marks are read to their end before anything is sent, so an event holds every row that is committed by then.
2. An event and the mark that it was sent are one Kafka transaction. Sent twice all the same, it would be the same
   revision, which the ledger of `roadside-bill` answers with `already_posted`.
3. One process sends at a time: the transactional id fences whoever was at it before, so an event with older rows never
   comes after one with newer rows.
4. A row that comes, changes or goes after its bill was sent makes the bill be sent anew, whole, at the next run: a
   revision of that bill.
"""

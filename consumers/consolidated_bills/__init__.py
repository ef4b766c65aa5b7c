"""Consolidated bills of fuel and tolls: the rows of one provider, subsidiary and day become one event.

The worker writes the rows to an internal topic; this job groups them. The topic also holds a sent-mark for each bill.

1. The job reads rows and marks to their end before it sends anything, so an event holds every row committed by then.
2. An event and its sent-mark are written in one Kafka transaction. If the same event were sent twice, it would be the
   same revision, and the ledger of `roadside-bill` would answer it with `already_posted`.
3. One process sends at a time: the transactional id fences the former process, so an event with older rows never
   follows one with newer rows.
4. If a row arrives, changes or is removed after its bill was sent, the next run sends the whole bill again, as a new
   revision.
"""

"""Windowed statistics and alerts over `sage-export-results`: a Faust application with a group of its own.

What it promises, and what it does not:

1. It reads only committed records, and no record stops it: a record that cannot be read is counted as unreadable.
2. Every result is counted in its subsidiary and in the window of its time; posted totals are exact.
3. A window's summary is written once, some seconds after its end. Results that arrive later are reported in a second
   summary, to be added to the first.
4. A restart continues where the process stopped: open windows and waiting documents are kept in compacted topics.
5. While its window is open, a record delivered again is recognised by its offset and counted once.
6. **Even so, a crash may count a record twice, lose one, or repeat a summary**, and so may a rebalance or a stop in the
   middle of a record: Faust keeps offsets, tables and outbound records in step only roughly. No decision about money
   depends on these figures, and all of them can be rebuilt from `sage-export-results`.

`facts` parses results, `tally` does the arithmetic (pure), `windows` opens and closes windows, `worker` is the Faust
application, `recovery` corrects how Faust restores its tables.

Faust's own windowed tables are not used. They close a window only when it expires, call `on_window_close` only for the
first partition to expire a window, and forget when recovered windows expire. Here a window is an entry of a plain
table. The message that closes it is in the same stream as the facts, so facts and closing are in one order.
"""

"""Windowed statistics and alerts over `sage-export-results`: a Faust application with a group of its own.

What it promises, and what it does not:

1. It reads only what was committed, and no record stops it: one that cannot be read is counted as unreadable.
2. Every document that ended is counted in the window and the subsidiary it ended in; posted totals are exact.
3. A window is told of once, some seconds after its end; what comes later is told in a second summary that adds to it.
4. A stop or restart goes on where it was: open windows and waiting documents are kept in compacted topics.
5. A record that comes again is known by its offset while its window is open, and counted once.
6. **Even so, a crash may count a record twice, lose one, or repeat a summary**, and so may a rebalance or a stop in the
   middle of a record: Faust keeps offsets, tables and outbound records in step only roughly. No decision about money
   hangs on a figure from here, and all of it can be rebuilt from `sage-export-results`.

`facts` reads a result, `tally` is the arithmetic (pure), `windows` opens and closes, `worker` is Faust.

Faust's own windowed tables are not used. They close a window only when it expires, skip `on_window_close` for all
partitions but the first to expire a window, and forget the expiry of what they recovered. Here a window is an entry of
a plain table, and closing it is a message in the same stream as the facts, so that both have one order.
"""

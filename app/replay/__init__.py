"""Replay: move the group's committed offsets, as ``kafka-consumer-groups --reset-offsets``, and forecast the effect.

= ==================================================================================== ==========
1 parse the request: the position to go to, and the partitions                         `request`
2 for each partition, find the present position and the new one                        `plan`
3 forecast what a worker will do with the records between, with the worker's functions `forecast`
4 move the offsets, only while the group has no member                                 `group`
= ==================================================================================== ==========

A dry run ends after step 3 and changes nothing. `run` drives the steps, `report` shows the result.
"""

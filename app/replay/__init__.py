"""Replay: the group's committed offsets moved, as ``kafka-consumer-groups --reset-offsets`` does, and foretold.

= ==================================================================================== ==========
1 what was asked for: where to, and which partitions                                   `request`
2 where each partition stands, and where it would stand then                           `plan`
3 what a worker would do with the records in between, by the worker's own functions    `forecast`
4 the offsets are moved, only while nobody is in the group                             `group`
= ==================================================================================== ==========

A dry run ends after 3 and changes nothing.
"""

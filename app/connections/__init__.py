"""Connections to Sage Intacct: set up in the wizard's six steps, checked against Sage, switched, copied, removed.

===============  ==========================================================================================
`findings`       what a check can find, the wizard step that mends it, and what to do in the article's words
`books`          what a check needs of Sage, read in a few requests: a snapshot
`signing`        what a refused sign-in means, as far as Sage's answers tell it apart
`mapped`         what a subsidiary's settings name in Sage
`checks`         the checks: pure, over settings and snapshot
`doctor`         reads, checks
`answers`        what the wizard asks, as data: from a file, from flags
`asker` `setup`  the wizard on a terminal, and without one
`plan`           the records that are to be written: from answers, from a template, to disconnect
===============  ==========================================================================================
"""

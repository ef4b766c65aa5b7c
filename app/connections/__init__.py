"""Connections to Sage Intacct: set up in the six steps of the wizard, checked against Sage, switched, copied, removed.

=============================  ===============================================================================
`findings`                     the problems a check can find, each with its wizard step and what to do
`snapshot` `discovery`         a snapshot of what a check needs from Sage, read in a few requests
`sign_in_diagnosis`            diagnosis of a refused sign-in, as far as Sage's answers allow one
`settings_in_use`              the accounts, vendors, dimensions and fields that a subsidiary's settings name
`checks`                       the checks: pure, on settings and snapshot
`doctor`                       signs in, reads the snapshot, runs the checks
`answers`                      the wizard's answers as data: from a file or from options
`prompts` `wizard`             the wizard, on a terminal or without one
`live_company` `account_list`  lists from Sage that the wizard offers to choose from
`words`                        titles of a connection's settings, and parsing of their values
`plan`                         the records to write: from answers, from a template, or to disconnect
=============================  ===============================================================================
"""

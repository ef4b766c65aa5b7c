"""The command-line application ``alvys-sage``: settings, wiring, and one module per command.

It is the outermost package: it imports `consumers`, `producers`, `sage_client` and `domain`, and none of them imports
it.

=====================  ====================================================================================
`cli` `start`          the entry point: parses the command line and loads the command's module
`commands`             one module per command
`settings`             the environment variables, with `credentials` and `secret_provider` for Sage users
`bootstrap`            builds the worker; `payments` builds the payments poller
`service`              start and stop of the long-running commands
`topics`               the Kafka topics: expected configuration, checks, creation
`connections`          the set-up wizard and the check of a connection against Sage (`doctor`)
`ledgers`              checks, copies and repairs the export ledgers
`replay`               moves the consumer group's offsets and forecasts the effect
`mapping_*`            reads, checks, writes and shows the settings in the mapping-state topic
`topic_reader`         reads the export ledgers beside running workers, for `waiting`, `retry` and others
`roles`                who may change the installation
`output` `logging`     what goes to the terminal and to the log
=====================  ====================================================================================
"""

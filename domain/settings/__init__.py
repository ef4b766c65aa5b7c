"""The settings of subsidiaries: keys and values of the topic `mapping-state`, and the table of those in force."""

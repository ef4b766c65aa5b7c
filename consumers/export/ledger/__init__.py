"""The export ledger (not the general ledger): what is known of every document, in its topic and in a local store."""

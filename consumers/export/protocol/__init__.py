"""The rules of the export, pure: from what is known of a document to the next step, to its proof, and to its result."""

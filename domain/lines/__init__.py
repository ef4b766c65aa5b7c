"""The lines of a document: their categories and items, GL accounts, dimensions, custom fields, filters."""

"""What a document needs from Sage before it is sent: its party, payment terms, and usable dimension values."""

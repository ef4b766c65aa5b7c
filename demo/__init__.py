"""The demonstration: the whole system on one machine, and proof that nothing is lost and nothing stands twice."""

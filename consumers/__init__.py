"""Readers of Kafka topics: one module per source topic, the mapping-state table, and the export."""

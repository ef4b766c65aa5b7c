"""What the service reads from Kafka: one module per topic, the mapping-state table, and the engine they share."""

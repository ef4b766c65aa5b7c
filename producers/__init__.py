"""Encoding and writing of the records that the service sends to Kafka. This package makes no decisions."""

"""What the service writes to Kafka. Nothing here decides anything: it gives decisions their bytes."""

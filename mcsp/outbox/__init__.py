"""Transactional outbox: ``put`` inside the caller's transaction, the relay publishes to Kafka."""

"""The structs of every Kafka topic, one module a topic. A topic's key is named in its module."""

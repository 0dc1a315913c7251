"""Security of connections to Kafka: options of the client, and the reasons of refusals."""

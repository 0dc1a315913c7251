"""Real services for measurements and tests: Apache Kafka and PostgreSQL."""

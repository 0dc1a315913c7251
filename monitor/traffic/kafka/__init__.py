"""Kafka consumer with database-owned offsets."""

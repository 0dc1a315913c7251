"""OpenTelemetry's wire format: log records and spans, many to a message, as protobuf or JSON."""

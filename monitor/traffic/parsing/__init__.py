"""Values of records on their way to exchanges: JSON, timestamps, cleaned texts, raw exchanges."""

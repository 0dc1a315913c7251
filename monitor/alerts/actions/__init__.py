"""Buttons of messages in Slack: their blocks, and how their presses are received and stored."""

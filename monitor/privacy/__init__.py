"""Personal data after it was stored: removal by person, and by age."""

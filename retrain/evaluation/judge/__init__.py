"""A language model as a judge of answers, at an endpoint that speaks OpenAI's protocol."""

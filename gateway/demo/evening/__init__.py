"""The demo's evening: the rules of the shipped policy for which the morning has no occasion, over chat, bot and telephone."""

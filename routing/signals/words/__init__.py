"""Words by language: grammars of requests, and phrases of distress.

To add a language, give it a module here and a line in `routing.signals.requests`.
"""

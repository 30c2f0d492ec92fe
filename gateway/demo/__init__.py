"""The demo: a day played against stand-ins of the vendors, every claim of it asked back from them."""

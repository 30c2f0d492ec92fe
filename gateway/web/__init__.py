"""The front door: vendors' hooks, health, metrics, and the admin socket."""

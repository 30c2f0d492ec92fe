"""What the gateway tells about itself: log lines and counters; ids only, no bodies, no secrets."""

"""The plugin host: finds connectors, runs their connections one by one, and keeps each from harming the others."""

"""What authors of connectors test with: contracts to subclass, a host to run against, the kit to build sandboxes from."""

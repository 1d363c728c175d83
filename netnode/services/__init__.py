"""What the operations do: the services of `netnode.operations.services` over a store, a gate and an own log."""

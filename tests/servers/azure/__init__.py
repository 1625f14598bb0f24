"""A stand-in for Azure's dedicated SQL pool (docs/explanation/azure-stand-in.md)."""

from tests.servers.azure.server import AzureServer, Faults, Held, Pool

__all__ = ["AzureServer", "Faults", "Held", "Pool"]

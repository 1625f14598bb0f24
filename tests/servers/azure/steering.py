"""What a test can ask of the server's process, by name (see `control`)."""

from __future__ import annotations

from typing import Any

from tests.servers.azure.engine import Engine
from tests.servers.azure.faults import Fault


class Steering:
    """The methods behind `AzureServer`, `Pool` and `Faults`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- pools

    def create_pool(self, name: str) -> None:
        self._engine.create_database(name)

    def drop_pool(self, name: str) -> None:
        self._engine.drop_database(name)

    def sql(self, name: str, statements: tuple[str, ...]) -> list[tuple[Any, ...]]:
        return self._engine.run_as_administrator(name, statements)

    def sessions(self, name: str) -> list[dict[str, Any]]:
        return [session.summary() for session in self._engine.sessions_of(name)]

    def statements(self, name: str) -> list[str]:
        return list(self._engine.databases[name].statements)

    def forget_statements(self, name: str) -> None:
        self._engine.databases[name].statements.clear()

    # -- faults

    def fault(self, what: Any, **options: Any) -> int:
        return self._engine.faults.add(Fault(what, **options))

    def faults_waiting(self) -> int:
        return self._engine.faults.waiting()

    def hold_reached(self, number: int, timeout: float) -> bool:
        return self._engine.faults.hold(number).reached.wait(timeout)

    def hold_release(self, number: int) -> None:
        self._engine.faults.hold(number).released.set()

    def pause(self, number: int) -> None:
        self._engine.pause(number)

    def resume(self) -> None:
        self._engine.paused = None

    def clear_faults(self) -> None:
        self._engine.clear_faults()

    def set_edition(self, number: int) -> None:
        self._engine.edition = number

    def set_slots(self, count: int) -> None:
        self._engine.set_slots(count)

    def set_entra(self, lifetime: int | None, failing: tuple[int, str] | None) -> None:
        self._engine.entra.failing = failing
        if lifetime is not None:
            self._engine.entra.lifetime = lifetime

    def expire_tokens(self) -> None:
        self._engine.entra.tokens.clear()

    def tokens_given(self) -> int:
        return self._engine.entra.asked

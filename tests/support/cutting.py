"""A network that breaks: passes connections on and cuts each after some bytes of its answer."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Network:
    """Cuts the first ``cuts`` answers somewhere between ``least`` and ``most`` bytes."""

    def __init__(self, port: int, *, cuts: int, least: int, most: int, seed: int) -> None:
        self.target, self.left, self.cut = port, cuts, 0
        self._span, self._random, self._lock = (least, most), random.Random(seed), threading.Lock()

    def allowance(self) -> int | None:
        with self._lock:
            if self.left == 0:
                return None
            self.left -= 1
            self.cut += 1
            return self._random.randint(*self._span)

    def carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            up = threading.Thread(target=_copy, args=(client, server), daemon=True)
            up.start()
            allowed = self.allowance()
            while piece := server.recv(4096 if allowed is None else min(4096, allowed)):
                client.sendall(piece)
                if allowed is not None:
                    allowed -= len(piece)
                    if allowed <= 0:
                        client.shutdown(socket.SHUT_RDWR)
                        break
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            up.join(timeout=5)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(4096):
            sink.sendall(piece)
    except OSError:
        return


def _guarded(network: Network, client: socket.socket) -> None:
    try:
        network.carry(client)
    except OSError:
        return


@contextmanager
def broken_network(
    port: int, *, cuts: int, least: int = 400, most: int = 9000, seed: int = 1
) -> Iterator[tuple[str, Network]]:
    """Yield the address of a server behind a network that breaks, and the network."""
    network = Network(port, cuts=cuts, least=least, most=most, seed=seed)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_guarded, args=(network, client), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", network
        listener.shutdown(socket.SHUT_RDWR)

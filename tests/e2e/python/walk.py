"""Walks a session from its start to its end with the client that openapi-python-client made of the document.

Knows nothing of the interface but the generated names: walk.py BASE_URL SECRET TASK_FILE
"""

import sys
import time

from generated import AuthenticatedClient
from generated.api.commands import approve, command, start, status
from generated.models import Approve, Done, Refusal, Say, Standing, Start, Status, StatusView

DEADLINE = time.monotonic() + 60


def main(base_url: str, secret: str, task_file: str) -> None:
    client = AuthenticatedClient(base_url=base_url, token=secret, raise_on_unexpected_status=True)
    ask = lambda operation, body, **more: operation.sync(client=client, body=body, **more)

    begun = ask(start, Start(task_file=task_file), idempotency_key="walk")
    assert isinstance(begun, Done), begun
    again = start.sync_detailed(client=client, body=Start(task_file=task_file), idempotency_key="walk")
    assert again.headers["idempotent-replayed"] == "true" and again.parsed == begun, again
    refused = ask(start, Start(task_file=task_file))
    assert isinstance(refused, Refusal) and refused.gate == begun.gate, refused

    while True:
        now = ask(status, Status())
        assert isinstance(now, StatusView), now
        if now.status == Standing.COMPLETED:
            break
        if now.status == Standing.WAITING_APPROVAL:
            # Whoever polls may see a gate that is closed by the time the answer arrives; nobody else answers here.
            done = ask(approve, Approve(gate=now.gate.id, note="by the generated client"))
            assert isinstance(done, Done), done
        assert time.monotonic() < DEADLINE, now
        time.sleep(0.05)

    assert now.completed == now.total == len(now.tasks) == 2, now
    told = ask(command, Say(command="status"))
    assert told.to_dict()["status"] == "completed", told


main(*sys.argv[1:])

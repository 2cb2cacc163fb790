"""The pool of connections, and transactions that live through a restart of PostgreSQL.

What a lost connection means for the caller of `in_transaction`:

1. lost before COMMIT was sent     nothing of it happened: it is run again, for at most `patience_s`
2. lost while COMMIT was under way nobody knows whether it happened: CommitUnknown, the caller decides (idempotency keys make that easy)
3. refused as a deadlock or by a   nothing of it happened: run again
   serialization failure
4. any other error                 raised as it is
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import asyncpg

if TYPE_CHECKING:
    from server.db import Connection, Pool

T = TypeVar("T")

MAX_CONNECTIONS = 16  # of the 60 that our own PostgreSQL allows; a web process has one core
PATIENCE_S = 5.0  # reliability.md 1.4: back within 5 s of a postmaster's death
COMMAND_TIMEOUT_S = 20.0  # no statement of ours takes that long; a hanging one must not keep its connection
RETRY_S = 0.05

# How a server that is going away or just coming back answers; a broken socket is seen by the connection being closed
_GOING = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
_CANNOT_CONNECT = (*_GOING, asyncpg.TooManyConnectionsError, OSError, TimeoutError)
# The driver lost track: such a connection is good for nothing
_DRIVER = (asyncpg.InterfaceError, asyncpg.InternalClientError)
_REFUSED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


class DatabaseAway(Exception):
    """The database could not be reached in time, or went away under a single statement."""


class CommitUnknown(Exception):
    """The connection was lost while the transaction was being committed: it may or may not have happened."""


async def open_pool(url: str, max_connections: int = MAX_CONNECTIONS) -> Pool:
    """A pool on this database. A connection that died in the pool is replaced when somebody asks for one.

    No minimum: the pool would keep it up by a task of its own that logs a trace at each attempt while PostgreSQL restarts.
    """
    return await asyncpg.create_pool(
        url, min_size=0, max_size=max_connections, timeout=PATIENCE_S, command_timeout=COMMAND_TIMEOUT_S
    )


@contextlib.asynccontextmanager
async def connection(pool: Pool, patience_s: float = PATIENCE_S) -> AsyncIterator[Connection]:
    """One connection for reading, waiting for a free one and for a restarting PostgreSQL. Writing: `in_transaction`.

    Raises  DatabaseAway after `patience_s`, and when the connection is lost in between (in whatever way the driver tells it).
    """
    taken = await _acquire(pool, time.monotonic() + patience_s)
    try:
        yield taken
    except Exception as error:
        _mind_cancellation(error, taken)
        if _is_lost(error, taken):
            raise DatabaseAway from error
        raise
    finally:
        await _release(pool, taken)


async def in_transaction(pool: Pool, work: Callable[[Connection], Awaitable[T]], patience_s: float = PATIENCE_S) -> T:
    """Run `work` in one transaction, again when the connection was lost before it could commit.

    work    may run more than once; what it does outside of the database must bear that
    Raises  DatabaseAway, CommitUnknown, and whatever `work` raises
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return await _attempt(pool, work, deadline)
        except _NothingHappened as retry:
            if time.monotonic() > deadline:
                raise DatabaseAway from retry.__cause__
        await asyncio.sleep(RETRY_S)


class _NothingHappened(Exception):
    """The transaction is gone without a trace; its cause says why."""


async def _attempt(pool: Pool, work: Callable[[Connection], Awaitable[T]], deadline: float) -> T:
    taken = await _acquire(pool, deadline)
    is_committing = False
    transaction = taken.transaction()
    try:
        await transaction.start()
        result = await work(taken)
        is_committing = True
        await transaction.commit()
        return result
    except _REFUSED as error:
        await _roll_back(transaction, taken)
        raise _NothingHappened from error
    except asyncio.CancelledError:
        taken.terminate()  # perhaps in the middle of a statement: a connection in that state goes to nobody else
        raise
    except BaseException as error:
        _mind_cancellation(error, taken)
        if not _is_lost(error, taken):
            await _roll_back(transaction, taken)
            raise
        if is_committing:
            raise CommitUnknown from error
        raise _NothingHappened from error
    finally:
        await _release(pool, taken)


async def _acquire(pool: Pool, deadline: float) -> Connection:
    while True:
        left = deadline - time.monotonic()
        try:
            return await pool.acquire(timeout=max(left, RETRY_S))
        except _CANNOT_CONNECT as error:
            if time.monotonic() + RETRY_S > deadline:
                raise DatabaseAway from error
        await asyncio.sleep(RETRY_S)


async def _release(pool: Pool, taken: Connection) -> None:
    with contextlib.suppress(*_CANNOT_CONNECT, *_DRIVER):  # a dead one is dropped, which is what we want
        await pool.release(taken)


async def _roll_back(transaction: asyncpg.transaction.Transaction, taken: Connection) -> None:
    if _is_closed(taken):
        return
    with contextlib.suppress(*_CANNOT_CONNECT, *_DRIVER):  # the server rolls back what it lost
        await transaction.rollback()


def _mind_cancellation(error: BaseException, taken: Connection) -> None:
    """The driver may answer the cancellation of a task with an error of its own; that is no lost connection."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        _drop(taken)
        raise asyncio.CancelledError from error


def _is_lost(error: BaseException, taken: Connection) -> bool:
    """True when this error says that the connection is gone, not that the work was wrong."""
    if isinstance(error, _GOING):
        return True
    if isinstance(error, asyncpg.InternalClientError):
        _drop(taken)
    return isinstance(error, (OSError, *_DRIVER)) and _is_closed(taken)


def _drop(taken: Connection) -> None:
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool has taken it back already
        taken.terminate()


def _is_closed(taken: Connection) -> bool:
    try:
        return bool(taken.is_closed())
    except asyncpg.InterfaceError:  # the pool has taken it back already, because it died
        return True

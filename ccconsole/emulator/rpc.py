"""The table of RPCs: a gRPC path, how its messages are read and written, and the function that answers.

A service of Google's is one module that returns rows for this table; another one is added by adding its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError, Message

from ccconsole.emulator.faults import Fault, unimplemented
from ccconsole.emulator.ingress import Activity

if TYPE_CHECKING:
    _Handler = grpc.GenericRpcHandler[Any, Any]
else:
    # The stubs make it generic, the class itself is not.
    _Handler = grpc.GenericRpcHandler

Decode = Callable[[bytes], Any]
Encode = Callable[[Any], bytes]
Answer = Callable[[Any], Awaitable[Any]]
Admit = Callable[[str, Any], Awaitable[Any]]
"""Of a path and its request: None to let it pass, or what answers it; raises a Fault to refuse it."""
Opened = Callable[[], Awaitable[None]]
"""Tells the client, once, that its stream is accepted: before the first response."""
Exchange = Callable[[AsyncIterator[Any], Opened], AsyncGenerator[Any]]


@dataclass(frozen=True)
class Method:
    """One RPC, a request to a response; `path` is /package.Service/Method."""

    path: str
    decode: Decode
    encode: Encode
    answer: Answer


@dataclass(frozen=True)
class Stream:
    """One RPC of many requests and many responses."""

    path: str
    decode: Decode
    encode: Encode
    exchange: Exchange


@dataclass(frozen=True)
class Room:
    """RPCs whose messages are imported when one of them is first called: most emulators never need them."""

    prefix: str
    """What their paths begin with: /package.Service/."""
    build: Callable[[], Sequence[Method]]


def raw(path: str, request: type[Message], answer: Answer) -> Method:
    """An RPC over plain protobuf messages."""
    return Method(path, request.FromString, _encode, answer)


def plus(path: str, request: Any, answer: Answer) -> Method:
    """An RPC whose request is one of the client library's wrapped messages."""
    return Method(path, request.deserialize, _encode, answer)


def both_ways(path: str, request: type[Message], exchange: Exchange) -> Stream:
    """A stream of plain protobuf messages both ways."""
    return Stream(path, request.FromString, _encode, exchange)


def _encode(message: Any) -> bytes:
    pb = message if isinstance(message, Message) else type(message).pb(message)
    encoded: bytes = pb.SerializeToString()
    return encoded


class Table(_Handler):
    """Answers every path: with its row's function, or UNIMPLEMENTED in words."""

    def __init__(
        self,
        methods: Iterable[Method | Stream],
        activity: Activity,
        rooms: Iterable[Room] = (),
        admit: Admit | None = None,
    ) -> None:
        self._methods = {method.path: method for method in methods}
        self._unbuilt = list(rooms)
        self._activity = activity
        self._admit = admit or _admit_all
        self.calls: Counter[str] = Counter()
        """How often each path was called."""

    @property
    def paths(self) -> frozenset[str]:
        """The RPCs that are answered."""
        self._build("")
        return frozenset(self._methods)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler of a path."""
        path = handler_call_details.method
        method = self._find(path)
        if method is None:
            return _refusing(path)
        return self._stream(method) if isinstance(method, Stream) else self._call(method)

    async def ask(self, path: str, request: Message) -> bytes:
        """Answer a call from within the emulator as one from outside: the response's bytes; raises Fault."""
        method = self._find(path)
        if not isinstance(method, Method):
            raise unimplemented(_unoffered(path))
        return await self._answer(method, request.SerializeToString())

    async def _answer(self, method: Method, request: bytes) -> bytes:
        self._activity.began()
        try:
            decoded = method.decode(request)
            given = await self._admit(method.path, decoded)
            return _encode(given) if given is not None else method.encode(await method.answer(decoded))
        finally:
            self._activity.ended()

    def _find(self, path: str) -> Method | Stream | None:
        self.calls[path] += 1
        if path not in self._methods:
            self._build(path)
        return self._methods.get(path)

    def _build(self, path: str) -> None:
        """Build the rooms that a path belongs to; all for none."""
        for room in [room for room in self._unbuilt if not path or path.startswith(room.prefix)]:
            self._unbuilt.remove(room)
            self._methods |= {method.path: method for method in room.build()}

    def _call(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        async def handle(request: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
            try:
                return await self._answer(method, request)
            except DecodeError as error:
                await context.abort(grpc.StatusCode.INTERNAL, f"The request cannot be read: {error}")
            except Fault as fault:
                await context.abort(fault.code, fault.message, _details(fault))

        return grpc.unary_unary_rpc_method_handler(handle)

    def _stream(self, method: Stream) -> grpc.RpcMethodHandler[Any, Any]:
        async def handle(requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]) -> None:
            async def opened() -> None:
                await context.send_initial_metadata(())

            self._activity.began()
            admitted = self._admitted(method, requests)
            try:
                async with aclosing(method.exchange(admitted, opened)) as found:
                    async for response in found:
                        await context.write(method.encode(response))
            except DecodeError as error:
                await context.abort(grpc.StatusCode.INTERNAL, f"The request cannot be read: {error}")
            except Fault as fault:
                await context.abort(fault.code, fault.message, _details(fault))
            finally:
                self._activity.ended()

        return grpc.stream_stream_rpc_method_handler(handle)

    async def _admitted(self, method: Stream, requests: AsyncIterator[bytes]) -> AsyncGenerator[Any]:
        """The requests of a stream, of which the first one decides."""
        is_first = True
        async for request in requests:
            decoded = method.decode(request)
            if is_first:
                await self._admit(method.path, decoded)
                is_first = False
            yield decoded


async def _admit_all(path: str, request: Any) -> None:
    """No call is refused."""


def _details(fault: Fault) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries a fault's reason."""
    if fault.reason is None:
        return ()
    # Imported late: few emulators refuse anything so.
    from google.rpc import error_details_pb2, status_pb2

    status = status_pb2.Status(code=fault.code.value[0], message=fault.message)
    reason = fault.reason
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason=reason.reason, domain=reason.domain, metadata=dict(reason.metadata)
        )
    )
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _unoffered(path: str) -> str:
    name = path.removeprefix("/").replace("/", ".")
    return f"The emulator does not offer {name}; docs/fidelity.md lists what it does."


def _refusing(path: str) -> grpc.RpcMethodHandler[Any, Any]:
    async def refuse(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, _unoffered(path))

    # Of the four kinds of RPC, a stream both ways reads none of the requests and so suits all.
    return grpc.stream_stream_rpc_method_handler(refuse)

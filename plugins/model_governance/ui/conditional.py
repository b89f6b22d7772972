"""Answers with an ETag, and none that the reader has already: a browser asks again each time, and gets bytes when they are new."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute  # noqa: TID253 - only the api-server comes here
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request


class ConditionalRoute(APIRoute):
    """A route whose answers have the digest of their bytes as ETag, and that answers 304 where the reader names it.

    The guards of the route run first, so that whoever may no longer read it gets their refusal and no 304.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, with the ETag."""
        handle = super().get_route_handler()

        async def conditional(request: Request) -> Response:
            answer = await handle(request)
            if answer.status_code != 200 or "no-store" in answer.headers.get("cache-control", ""):
                return answer
            etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
            named = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
            answer.headers["ETag"] = etag
            if named.isdisjoint({etag, "*"}):
                return answer
            kept = {
                name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")
            }
            return Response(status_code=304, headers=kept)

        return conditional

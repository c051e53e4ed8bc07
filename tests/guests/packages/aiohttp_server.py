"""aiohttp's hello world; it ends after two seconds."""

import asyncio

from aiohttp import web


async def hello(request):
    return web.Response(text=f"Hello, {request.match_info['name']}")


async def main():
    app = web.Application()
    app.router.add_get("/{name}", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 8080).start()
    await asyncio.sleep(2)
    await runner.cleanup()
    print("the server ends")


asyncio.run(main())

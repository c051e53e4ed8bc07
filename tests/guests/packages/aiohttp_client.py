"""Asks aiohttp's hello world twice over one connection."""

import asyncio

import aiohttp


async def main():
    await asyncio.sleep(0.5)
    async with aiohttp.ClientSession("http://127.0.0.1:8080") as session:
        for name in ("world", "kernel"):
            async with session.get(f"/{name}") as response:
                print(response.status, response.headers["Content-Type"], await response.text())


asyncio.run(main())
